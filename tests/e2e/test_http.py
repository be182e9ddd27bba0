# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as the gateway speaks it, and how it shares requests between workers."""
import os
import random
import re
import select
import signal
import socket
import threading
import time
import zlib
from pathlib import Path

import pytest

from support.http import Closed
from support.measure import TooSlow, in_time, measured, unanswered
from support.server import freeze, kill
from support.wait import PATIENCE, until

HELLO = b"GET /hello HTTP/1.1\r\nHost: test\r\n\r\n"


def test_one_connection_takes_many_requests(start):
    with start().connect() as connection:
        for _ in range(50):
            assert connection.get("/hello").body == b"Hello, world!\n"


def test_pipelined_requests_are_answered_in_order(start):
    server = start()
    with server.connect() as connection:
        bodies = [b"%d" % n * (n % 7 + 1) for n in range(60)]
        connection.send(b"".join(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                                 for body in bodies))
        assert [connection.answer().body for _ in bodies] == bodies


def test_a_pipeline_may_end_in_half_a_request(start):
    with start().connect() as connection:
        connection.send(HELLO + b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Le")
        assert connection.answer().status == 200
        connection.send(b"ngth: 5\r\n\r\nab")
        connection.send(b"cde" + HELLO)
        assert connection.answer().body == b"abcde"
        assert connection.answer().body == b"Hello, world!\n"


@pytest.mark.parametrize("size", [0, 1, 1000, 65535, 65536, 65537, 1_000_000, 8 * 1024 * 1024])
def test_a_body_comes_back_as_it_was(start, size):
    body = random.Random(size).randbytes(size)
    with start().connect() as connection:
        assert connection.request("POST", "/echo", body).body == body
        assert connection.get("/hello").status == 200


def test_a_chunked_body_in_any_pieces(start):
    body = random.Random(1).randbytes(200_000)
    chunks, at = b"", 0
    while at < len(body):
        size = random.Random(at).randint(1, 9000)
        part = body[at:at + size]
        chunks += b"%x;x=y\r\n%s\r\n" % (len(part), part)
        at += len(part)
    raw = b"POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\nA: b\r\n\r\n" + HELLO
    with start().connect() as connection:
        for step in (len(raw), 1400, 17777):
            for at in range(0, len(raw), step):
                connection.send(raw[at:at + step])
            assert connection.answer().body == body
            assert connection.answer().body == b"Hello, world!\n"


def test_head_has_the_length_and_no_body(start):
    with start().connect() as connection:
        answer = connection.request("HEAD", "/hello")
        assert (answer.status, answer.header("Content-Length")) == (200, "14")
        assert connection.request("HEAD", "/big?bytes=300000").status == 200
        assert connection.get("/hello").body == b"Hello, world!\n"


def test_expect_100_continue_is_answered_before_the_body(start):
    with start().connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        until(lambda: connection._more() or connection.buffer)
        assert connection.buffer == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.send(b"abc")
        assert connection.answer().body == b"abc"


def test_http_1_0(start):
    server = start()
    with server.connect() as connection:
        connection.send(b"GET /hello HTTP/1.0\r\n\r\n")
        answer = connection.answer()
        assert answer.body == b"Hello, world!\n" and answer.header("Connection") == "close"
    with server.connect() as connection:
        connection.send(b"GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2)
        assert connection.answer().header("Connection") == "keep-alive"
        assert connection.answer().status == 200
    with server.connect() as connection:  # no chunks for 1.0: the end is the close
        connection.send(b"GET /big?bytes=3000000 HTTP/1.0\r\n\r\n")
        answer = connection.answer()
        assert len(answer.body) == 3_000_000 and answer.header("Transfer-Encoding") is None


def test_connection_close_is_kept(start):
    with start().connect() as connection:
        connection.send(b"GET /hello HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n" + HELLO)
        answer = connection.answer()
        assert answer.header("Connection") == "close" and answer.body == b"Hello, world!\n"
        with pytest.raises(Closed):
            connection.answer()


def test_a_half_closed_client_gets_its_answer(start):
    with start().connect() as connection:
        connection.send(HELLO.replace(b"/hello", b"/sleep?ms=200"))
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer().status == 200


@pytest.mark.parametrize("raw, status", [
    (b"GET / HTTP/1.1\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    (b"GET /hello HTTP/1.1\nHost: a\n\n", 400),
    (b"GET /hello HTTP/1.1\r\nHost : a\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n", 413),
    (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 129, 413),
    (b"GET /" + b"x" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    (b"GET /hello HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40000 + b"\r\n\r\n", 431),
    (b"GET /hello HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
    (b"GET /hello HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    (b"TRACE /hello HTTP/1.1\r\nHost: a\r\n\r\n", 501),
], ids=["no host", "two hosts", "bare LF", "space before the colon", "length and chunked", "no chunk size", "long body",
        "long chunked body", "long target", "long header", "many headers", "version", "method"])
def test_refusals_name_their_status_and_close(start, raw, status):
    server = start(workers=1)
    with server.connect() as connection:
        try:
            connection.send(raw + HELLO)
        except Closed:
            pass  # the answer may come before all of it is out
        answer = connection.answer()
        assert (answer.status, answer.header("Connection")) == (status, "close")
        with pytest.raises(Closed):
            connection.answer()
    assert server.get("/hello").status == 200


def test_a_refused_client_may_finish_what_it_is_sending(start):
    """Closed at once, what it still sends would be answered by a reset, which may overtake the refusal."""
    server = start()
    for wait in (0.75, 0.95, 1.15):  # somewhere between two looks around, a second apart
        with server.connect() as connection:
            time.sleep(wait)
            began = time.monotonic()
            connection.send(b"nonsense\r\n\r\n")
            assert connection.answer().status == 400
            with pytest.raises(Closed):
                while time.monotonic() - began < PATIENCE:
                    connection.send(b"x")
                    time.sleep(0.02)
            assert time.monotonic() - began > 0.9


def test_a_request_that_never_ends_is_408(start):
    server = start(header_timeout_ms=300)
    with server.connect() as connection:
        connection.send(HELLO[:20])
        assert connection.answer().status == 408


def test_an_idle_connection_is_closed(start):
    with start(idle_timeout_ms=300).connect() as connection:
        assert connection.get("/hello").status == 200
        with pytest.raises(Closed):
            connection.answer()


@measured
def test_a_slow_request_delays_no_other(start):
    """Requests that were offered to a busy worker go to the other one."""
    server = start(workers=2)
    slow = server.connect()
    connections = [server.connect() for _ in range(12)]
    slow.send(HELLO.replace(b"/hello", b"/sleep?ms=3000"))
    for _ in range(5):
        for connection in connections:
            connection.send(HELLO)
        for connection in connections:
            assert connection.answer().status == 200
    unanswered(slow, "60 others were served beside a slow request")
    assert slow.answer().status == 200
    for connection in [slow, *connections]:
        connection.close()


def test_requests_offered_to_a_worker_that_dies_run_elsewhere(start):
    server = start(workers=1)
    slow, crash = server.connect(), server.connect()
    waiting = [server.connect() for _ in range(6)]
    # They queue up behind the slow one; then all are offered at once, and the first of them crashes.
    slow.send(HELLO.replace(b"/hello", b"/sleep?ms=300"))
    crash.send(HELLO.replace(b"/hello", b"/crash"))
    for connection in waiting:
        connection.send(HELLO)
    assert slow.answer().status == 200
    assert crash.answer().status == 502
    assert [connection.answer().status for connection in waiting] == [200] * 6


def has_answer(connection):
    return bool(select.select([connection.socket], [], [], 0)[0])


def test_a_full_queue_is_503_and_the_others_are_served(start):
    server = start(workers=1, max_queue=4)
    [worker] = server.workers().values()
    freeze(worker)
    connections = [server.connect() for _ in range(30)]
    for connection in connections:
        connection.send(HELLO)
    until(lambda: server.look()["gateway"]["queue"] == 4 and any(has_answer(one) for one in connections), what="it is full")
    os.kill(worker, signal.SIGCONT)
    statuses = [connection.answer().status for connection in connections]
    assert set(statuses) == {200, 503} and statuses.count(200) >= 5, statuses
    assert server.get("/hello").status == 200


@measured
def test_what_waits_longer_than_a_request_may_take_is_503(start):
    server = start(workers=1, request_timeout_ms=1500)
    blocked = [server.connect() for _ in range(12)]
    for connection in blocked:
        connection.send(HELLO.replace(b"/hello", b"/sleep?ms=1000"))
    statuses = [connection.answer().status for connection in blocked]
    if 504 in statuses:
        raise TooSlow("a handler that sleeps a second was late")
    assert statuses.count(200) >= 1 and statuses.count(503) >= 1, statuses
    assert set(statuses) <= {200, 503}


@measured
def test_the_time_that_an_upload_takes_is_not_time_in_the_queue(start):
    server = start(workers=1, request_timeout_ms=1500, header_timeout_ms=60000)
    began = time.monotonic()
    with server.connect() as upload, server.connect() as busy:
        upload.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\nab")
        time.sleep(1.7)  # longer than a request may wait
        busy.send(HELLO.replace(b"/hello", b"/sleep?ms=500"))
        until(server.busy, what="the worker is asleep")
        upload.send(b"cde")
        answers = upload.answer(), busy.answer()
        if {answer.status for answer in answers} & {503, 504} and time.monotonic() - began > 3:
            raise TooSlow("half a second of sleep took longer than a request may wait")
        assert (answers[0].body, answers[1].status) == (b"abcde", 200)


def test_what_nobody_waits_for_is_not_run(start, streams):
    server = start(workers=1)
    some = streams(server)
    [stream] = some.open("/events?scope=a")
    [worker] = server.workers().values()
    freeze(worker)
    # The ring takes eight in advance; the ninth waits in the gateway.
    ahead = [server.connect() for _ in range(8)]
    for connection in ahead:
        connection.send(HELLO)
    until(lambda: server.look()["workers"][0]["in_flight"] == 8, what="eight are offered")
    left = server.connect()
    left.send(b"POST /publish?scope=a HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\n\r\ngone!")
    until(lambda: server.look()["gateway"]["queue"] == 1, what="the ninth waits")
    left.close()
    until(lambda: server.look()["gateway"]["queue"] == 0, what="nobody waits for it")
    os.kill(worker, signal.SIGCONT)
    for connection in ahead:
        assert connection.answer().status == 200
    server.publish("a", "here")
    some.pump(lambda: stream.events)
    assert [event.data for event in stream.events] == ["here"]


def test_a_slow_download_frees_its_worker_within_the_window(start):
    """The gateway holds up to 1 MiB: the worker goes on while the client reads slowly."""
    server = start(workers=1)
    with server.connect() as slow:
        slow.send(HELLO.replace(b"/hello", b"/big?bytes=900000"))
        assert server.get("/hello").status == 200
        assert len(slow.answer().body) == 900_000


def test_a_reader_that_stops_does_not_fill_the_gateway(start):
    server = start(workers=3)
    before = server.resident_bytes(server.gateway())
    stopped = [server.connect() for _ in range(3)]
    for connection in stopped:
        connection.send(HELLO.replace(b"/hello", b"/big?bytes=500000000"))
        connection._more()
        for _ in range(20):  # a little progress, so that credit is given again and again
            connection._more()
            time.sleep(0.01)
    until(server.quiet, what="all that can be sent is sent")
    assert server.resident_bytes(server.gateway()) - before < 100_000_000  # a sanitizer needs several times as much
    for connection in stopped:
        connection.close()


def reader_of(server, raw, receive_buffer=4096):
    """A connection that takes little at a time from the kernel."""
    connection = server.connect()
    connection.socket.close()
    connection.socket = socket.socket()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.socket.settimeout(PATIENCE)
    connection.socket.connect(server.address)
    connection.send(raw)
    return connection


def test_a_pipeline_whose_answers_nobody_reads_is_not_read_either(start):
    server = start()
    flood = HELLO.replace(b"/hello", b"/_health/live") * 2000
    with reader_of(server, HELLO) as deaf:
        deaf.socket.settimeout(2)
        before, sent = server.resident_bytes(server.gateway()), 0
        with pytest.raises(TimeoutError):
            while sent < 300_000_000:
                sent += deaf.socket.send(flood)
        assert server.resident_bytes(server.gateway()) - before < 5_000_000
        assert server.get("/hello").status == 200
        deaf.socket.settimeout(PATIENCE)
        for _ in range(300):  # and it goes on where it stopped
            assert deaf.answer().status == 200


@measured
def test_a_slow_reader_that_gets_on_is_not_cut_off_as_idle(start):
    server = start(idle_timeout_ms=2000, header_timeout_ms=2000)
    with reader_of(server, HELLO.replace(b"/hello", b"/large?bytes=900000") + HELLO) as slow:
        for _ in range(60):  # at most 200 KB a second, for longer than a pause may be
            since = time.monotonic()
            time.sleep(0.05)
            wanted = len(slow.buffer) + 10_000
            while len(slow.buffer) < wanted:
                slow._more()
            in_time(time.monotonic() - since, 1.5, "a pause of this reader")
        assert len(slow.answer().body) == 900_000
        assert slow.answer().body == b"Hello, world!\n"


def test_a_client_that_half_closes_while_its_answer_waits_gets_all_of_it(start):
    server = start(workers=1)
    with reader_of(server, HELLO.replace(b"/hello", b"/large?bytes=900000")) as slow:
        slow._more()
        assert server.get("/hello").status == 200  # the worker is done with it
        slow.socket.shutdown(socket.SHUT_WR)
        assert len(slow.answer().body) == 900_000


def test_a_client_that_leaves_in_mid_download_frees_the_worker(start):
    server = start(workers=1)
    slow = server.connect()
    slow.send(HELLO.replace(b"/hello", b"/big?bytes=500000000"))
    slow._more()
    slow.close()
    assert server.get("/hello").status == 200


def test_a_large_download_is_whole(start):
    server = start(workers=2)
    done = []

    def download():
        with server.connect() as connection:
            done.append(len(connection.get("/big?bytes=50000000").body))

    threads = [threading.Thread(target=download) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert done == [50_000_000] * 3


# ---- streams ---------------------------------------------------------------------------------------

def stream_lines(connection, count):
    """The first @count lines of an SSE response without chunks."""
    while connection.buffer.count(b"\n") < count:
        connection._more()
    return connection.buffer.split(b"\n")[:count]


def test_a_stream_for_http_1_0_has_no_chunks(start):
    server = start()
    with server.connect() as connection:
        connection.send(b"GET /events?scope=a HTTP/1.0\r\n\r\n")
        assert b"Transfer-Encoding" not in connection._until(b"\r\n\r\n")
        assert stream_lines(connection, 1) == [b"retry: 1000"]
        server.publish("a", "x")
        assert stream_lines(connection, 5)[4] == b"data: x"


def test_heartbeats_on_an_idle_stream(start):
    with start(heartbeat_ms=200).connect() as connection:
        connection.send(b"GET /events?scope=a HTTP/1.0\r\n\r\n")
        connection._until(b"\n\n:\n\n:\n\n")


@pytest.mark.parametrize("last", ["nonsense", "n" * 200, "0:5", "ffffffffffffffff:1", "1:99999999999999999999999", "%s:7000"])
def test_an_unknown_event_id_is_a_gap(start, last):
    server = start()
    server.publish("a", "x")
    with server.connect() as connection:
        connection.send(b"GET /events?scope=a HTTP/1.0\r\n\r\n")
        connection._until(b"\r\n\r\n")
        epoch = next(line for line in stream_lines(connection, 2) if line.startswith(b"id: "))[4:].split(b":")[0].decode()
    with server.connect() as connection:
        last = last.replace("%s", epoch)
        connection.send(b"GET /events?scope=a HTTP/1.0\r\nLast-Event-ID: " + last.encode() + b"\r\n\r\n")
        connection._until(b"event: gap\n")


def test_replay_is_what_was_missed_and_nothing_else(start):
    server = start(workers=2)
    with server.connect() as connection:
        connection.send(b"GET /events?scope=room:a HTTP/1.0\r\n\r\n")
        connection._until(b"\r\n\r\n")
        seen = next(line for line in stream_lines(connection, 2) if line.startswith(b"id: "))
    for n in range(20):
        server.publish("room:a" if n % 2 else "room:b", str(n))
    with server.connect() as connection:
        connection.send(b"GET /events?scope=room:a&scope=room:* HTTP/1.0\r\nLast-Event-" + seen.replace(b"id:", b"ID:") + b"\r\n\r\n")
        connection._until(b"data: 19\n")
    with server.connect() as connection:
        connection.send(b"GET /events?scope=room:a HTTP/1.0\r\nLast-Event-" + seen.replace(b"id:", b"ID:") + b"\r\n\r\n")
        got = connection._until(b"data: 19\n")
        assert [line for line in got.split(b"\n") if line.startswith(b"data")] == [b"data: %d" % n for n in range(1, 19, 2)]


# ---- long bodies -----------------------------------------------------------------------------------

def upload(connection, size, chunked=False, seed=7):
    """POST /sum with a body of @size bytes made as it goes; checks the sum."""
    block = random.Random(seed).randbytes(1 << 20)
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    connection.send(b"POST /sum HTTP/1.1\r\nHost: test\r\n" + framing + b"\r\n\r\n")
    sent, checksum = 0, 1
    while sent < size:
        part = block[:min(len(block), size - sent)]
        connection.send(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        checksum = zlib.adler32(part, checksum)
        sent += len(part)
    if chunked:
        connection.send(b"0\r\n\r\n")
    answer = connection.answer()
    assert answer.status == 200 and answer.body == b"%d %d\n" % (size, checksum), answer


def rss_kib(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_a_long_body_streams_through_flat_memory(flat, start, chunked):
    server = start(workers=1, max_body_bytes=1 << 31)
    with server.connect() as connection:
        upload(connection, 3 << 20, chunked)
        [worker] = server.workers().values()
        before = rss_kib(server.gateway()), rss_kib(worker)
        upload(connection, 300 << 20, chunked)
        after = rss_kib(server.gateway()), rss_kib(worker)
        assert max(b - a for a, b in zip(before, after)) < 16 * 1024, (before, after)
        assert connection.get("/hello").status == 200


def test_a_slow_upload_within_the_buffer_occupies_no_worker(start):
    server = start(workers=1)
    with server.connect() as slow:
        slow.send(b"POST /sum HTTP/1.1\r\nHost: test\r\nContent-Length: 500000\r\n\r\n" + b"x" * 400000)
        assert server.get("/hello").status == 200
        slow.send(b"x" * 100000)
        assert slow.answer().body == b"500000 %d\n" % zlib.adler32(b"x" * 500000)


def test_a_client_that_leaves_in_mid_upload_is_no_clean_end(start):
    server = start(workers=1, max_body_bytes=100 << 20)
    with server.connect() as leaving:
        leaving.send(b"POST /sum HTTP/1.1\r\nHost: test\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 3000000)
        until(server.busy, what="a worker reads it")
    server.says("body broken off")
    assert server.get("/hello").status == 200


def test_an_upload_that_nobody_reads_is_answered_and_closed(start):
    server = start(workers=1, max_body_bytes=100 << 20)
    with server.connect() as connection:
        connection.send(b"POST /ignore HTTP/1.1\r\nHost: test\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 2000000)
        answer = connection.answer()
        assert (answer.status, answer.header("Connection")) == (200, "close")
    with server.connect() as connection:  # all of it came: the connection can stay
        connection.send(b"POST /ignore HTTP/1.1\r\nHost: test\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500000 + HELLO)
        assert connection.answer().body == b"ignored\n"
        assert connection.answer().body == b"Hello, world!\n"


def test_a_worker_that_dies_in_mid_upload_is_502(start):
    server = start(workers=1, max_body_bytes=100 << 20)
    with server.connect() as connection:
        connection.send(b"POST /sum HTTP/1.1\r\nHost: test\r\nContent-Length: 50000000\r\n\r\n" + b"x" * 2000000)
        # A worker that had not begun would be no loss: the next one would get the request.
        [worker] = until(server.busy, what="a worker reads it")
        kill(worker)
        assert connection.answer().status == 502
    until(lambda: server.workers() and server.get("/hello").status == 200)


def test_many_uploads_at_once(start):
    server = start(workers=2, max_body_bytes=100 << 20)
    done = []

    def one(seed):
        with server.connect() as connection:
            for size in (10, 70_000, 1_048_576, 2_500_000):
                upload(connection, size, seed % 2 == 1, seed)
            done.append(seed)

    threads = [threading.Thread(target=one, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert sorted(done) == list(range(8))


def test_the_largest_head_reaches_the_worker(start):
    server = start(workers=1, max_header_bytes=61440)
    fields = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 620) for n in range(97))
    with server.connect() as connection:
        connection.send(b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n" + fields + b"\r\nabc")
        assert connection.answer().body == b"abc"


def test_a_gap_is_told_once(start):
    """The gap has an id of its own: who comes back with it has not missed the same again."""
    server = start(history_per_scope=5)
    with server.connect() as connection:
        connection.send(b"GET /events?scope=a HTTP/1.0\r\n\r\n")
        connection._until(b"\r\n\r\n")
        last = next(line for line in stream_lines(connection, 2) if line.startswith(b"id: "))[4:]
    for n in range(20):
        server.publish("a", str(n))
    for gaps in (1, 0):
        with server.connect() as connection:
            connection.send(b"GET /events?scope=a HTTP/1.0\r\nLast-Event-ID: " + last + b"\r\n\r\n")
            got = connection._until(b"data: 15\n")
            assert got.count(b"event: gap") == gaps
            if gaps:  # and breaks off right behind the gap
                last = got[:got.index(b"event: gap")].rpartition(b"id: ")[2].strip()
