# SPDX-License-Identifier: Apache-2.0
"""Every limit of docs/configuration.md: its status, its counter, and that others are served meanwhile."""
import os
import resource
import socket
import time

import pytest

from support.http import Closed
from support.wait import until

HELLO = b"GET /hello HTTP/1.1\r\nHost: test\r\n\r\n"


def refused(server):
    """{reason: count} from /metrics."""
    return refusals(server.get("/metrics").text)


def refusals(metrics):
    return {line.split('"')[1]: int(line.rpartition(" ")[2]) for line in metrics.splitlines()
            if line.startswith("viaduct_refused_total{")}


def ends(connection, seconds=10):
    """Seconds until the server closes; a byte that comes is a failure."""
    began = time.monotonic()
    connection.socket.settimeout(seconds)
    with pytest.raises(Closed):
        connection._more()
    return time.monotonic() - began


def post(length):
    return b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n" % length


# ---- sizes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("option, limit, build, status, reason", [
    ("max_line_bytes", 100, lambda n: b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"x" * (n - 14)), 414, "request_line"),
    ("max_header_bytes", 1024, lambda n: b"GET /hello HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"y" * (n - 37)), 431, "headers"),
    ("max_header_count", 5, lambda n: b"GET /hello HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * (n - 1) + b"\r\n", 431, "headers"),
    ("max_body_bytes", 1000, lambda n: post(n) + b"z" * n, 413, "body"),
    ("max_body_bytes", 1000, lambda n: b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       b"1\r\nz\r\n%x\r\n%s\r\n0\r\n\r\n" % (n - 1, b"z" * (n - 1)), 413, "body"),
], ids=["request line", "header bytes", "header count", "body", "chunked body"])
def test_a_size_is_allowed_up_to_its_limit(start, option, limit, build, status, reason):
    server = start(workers=1, **{option: limit})
    with server.connect() as connection:
        for _ in range(2):
            connection.send(build(limit))
            assert connection.answer().status in (200, 404)
        connection.send(build(limit + 1))
        answer = connection.answer()
        assert (answer.status, answer.header("Connection")) == (status, "close")
        ends(connection)
    counts = refused(server)
    assert counts.pop(reason) == 1 and not any(counts.values()), counts


@pytest.mark.parametrize("body", [b"", b"z" * 100_000], ids=["no body", "body"])
def test_the_largest_heads_that_can_be_allowed(start, body):
    server = start(workers=1, max_header_bytes=61440, max_line_bytes=61440)
    ends_in = b"Host: a\r\nContent-Length: %d\r\n" % len(body)
    with server.connect() as connection:
        line = b"POST /echo HTTP/1.1\r\n"
        rest = 61440 - len(line) - len(ends_in) - 2
        many = b"".join(b"X: %s\r\n" % (b"y" * (rest // 98 - 5)) for _ in range(97))
        many += b"X: " + b"y" * (rest - len(many) - 5) + b"\r\n"  # 100 headers, 61,440 bytes
        connection.send(line + ends_in + many + b"\r\n" + body)
        assert connection.answer().body == body
        line = b"POST /echo?" + b"x" * (61440 - 11 - 11 - len(ends_in) - 2) + b" HTTP/1.1\r\n"
        connection.send(line + ends_in + b"\r\n" + body)
        assert connection.answer().body == body
        connection.send(line.replace(b"?", b"?x") + ends_in + b"\r\n")
        assert connection.answer().status in (414, 431)


def test_a_long_line_is_refused_before_it_ends(start):
    server = start(workers=1)
    for head, status in ((b"GET /", 414), (b"GET /hello HTTP/1.1\r\nHost: a\r\nX: ", 431)):
        with server.connect() as connection:
            try:
                for _ in range(40):
                    connection.send(head + b"x" * 1000)
                    head = b""
            except Closed:
                pass
            assert connection.answer().status == status


def test_all_responses_together_have_a_limit_too(start):
    """Beyond it the buffers shrink; whoever reads gets everything all the same."""
    server = start(workers=8, response_buffer_bytes=1024 * 1024, response_memory_bytes=1_000_000)
    gateway = server.gateway()
    before = memory(gateway)
    slow = [server.connect() for _ in range(7)]
    for connection in slow:
        connection.send(HELLO.replace(b"/hello", b"/big?bytes=20000000"))
        connection._more()
        if connection is slow[1]:
            until(lambda: refused(server)["response_memory"] >= 1, 10, "the room is full")
    steady, last = 0, -1
    while steady < 5:
        time.sleep(0.05)
        now = memory(gateway) - before
        steady, last = (steady + 1, last) if abs(now - last) < 65536 else (0, now)
    assert last < 4_000_000  # of the first two 1 MB each, of the others little
    assert len(server.get("/big?bytes=3000000").body) == 3_000_000
    for connection in slow:
        assert len(connection.answer().body) == 20_000_000
        connection.close()


def half_an_upload(server):
    """Status of the answer to a body that is still to come; None: it is awaited."""
    with server.connect(timeout=0.3) as connection:
        connection.send(post(60_000) + b"x" * 50_000)
        try:
            return connection.answer().status
        except socket.timeout:
            return None


def test_all_bodies_together_have_a_limit_too(start):
    server = start(workers=1, request_buffer_bytes=65536, upload_memory_bytes=300_000)
    held = [server.connect() for _ in range(4)]
    for connection in held:
        connection.send(post(60_000) + b"x" * 50_000)  # 64 KiB are kept for each
    until(lambda: half_an_upload(server) == 503, 10, "one more is refused")
    assert refused(server)["upload_memory"] >= 1
    assert server.get("/hello").status == 200
    for connection in held:
        connection.send(b"y" * 10_000)
        assert len(connection.answer().body) == 60_000
        connection.close()
    until(lambda: half_an_upload(server) is None, 10, "there is room again")


# ---- times ---------------------------------------------------------------------------------------

def test_a_drip_of_headers_is_408_after_the_header_timeout(start):
    """The time counts from the first byte: bytes that keep coming buy nothing."""
    server = start(header_timeout_ms=500)
    with server.connect() as connection:
        connection.socket.settimeout(0.05)
        began = time.monotonic()
        connection.send(b"GET /hello HTTP/1.1\r\nHost: test\r\n")
        while time.monotonic() - began < 10 and not connection.buffer:
            connection.send(b"X: y\r\n")
            try:
                connection._more()
            except socket.timeout:
                pass
        took = time.monotonic() - began
        assert connection.answer().status == 408
        assert 0.4 < took < 3, took
    assert refused(server)["header_timeout"] == 1


def test_the_header_timeout_counts_for_every_request(start):
    """Behind an answered one, and behind one that was being answered when the half request came."""
    server = start(header_timeout_ms=400, workers=1)
    for first in (HELLO, HELLO.replace(b"/hello", b"/sleep?ms=300")):
        with server.connect() as connection:
            connection.send(first + HELLO[:20])
            assert connection.answer().status == 200
            began = time.monotonic()
            assert connection.answer().status == 408
            assert time.monotonic() - began < 3
    assert refused(server)["header_timeout"] == 2


def drip(connection, piece, pause, seconds=10):
    """Send @piece every @pause seconds; how long until an answer came?"""
    began = time.monotonic()
    connection.socket.settimeout(pause)
    while time.monotonic() - began < seconds and not connection.buffer:
        connection.send(piece)
        try:
            connection._more()
        except socket.timeout:
            pass
    connection.socket.settimeout(10)
    return time.monotonic() - began


def test_a_body_that_stops_is_408(start):
    server = start(body_timeout_ms=400)
    with server.connect() as connection:
        began = time.monotonic()
        connection.send(post(1000) + b"x" * 900)
        assert connection.answer().status == 408
        assert 0.3 < time.monotonic() - began < 3
        ends(connection)
    assert refused(server)["body_timeout"] == 1


def test_a_trickle_of_a_body_cannot_hold_a_connection(start):
    """Each byte comes well within the timeout, but they do not make the rate."""
    server = start(body_timeout_ms=500, min_rate_bytes=1000)
    with server.connect() as connection:
        connection.send(post(100_000))
        took = drip(connection, b"x", 0.1)
        assert connection.answer().status == 408
        assert 0.4 < took < 3, took
    with server.connect() as connection:  # chunked, with the framing as an excuse
        connection.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        took = drip(connection, b"1\r\nx\r\n", 0.1)
        assert connection.answer().status == 408
        assert 0.4 < took < 3, took
    assert refused(server)["body_timeout"] == 2


def test_a_slow_body_that_makes_the_rate_is_served(start):
    server = start(body_timeout_ms=2000, min_rate_bytes=1000)
    with server.connect() as connection:
        connection.send(post(6300))
        assert drip(connection, b"x" * 700, 0.3) > 2  # in all longer than any pause may be
        assert connection.answer().body == b"x" * 6300
    assert refused(server)["body_timeout"] == 0


def test_an_idle_connection_is_closed_without_a_word(start):
    server = start(idle_timeout_ms=400)
    fresh = server.connect()
    used = server.connect()
    assert used.get("/hello").status == 200
    assert ends(used) < 3
    assert ends(fresh) < 3
    fresh.close()
    used.close()
    assert not any(refused(server).values())


def test_a_client_that_takes_nothing_of_its_response_is_cut_off(start):
    server = start(workers=1, idle_timeout_ms=500)
    with server.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(HELLO.replace(b"/hello", b"/big?bytes=20000000"))
        until(lambda: refused(server)["slow_reader"] == 1, 10, "it is cut off")
    assert server.get("/hello").status == 200


def test_a_stream_with_too_much_waiting_is_cut_off_and_counted(start, streams):
    server = start(workers=1, stream_queue_bytes=65536)
    lazy = streams(server)
    lazy.open("/events?scope=a", receive_buffer=4096)  # never pumped again
    with server.connect() as connection:
        assert connection.request("POST", "/flood?scope=a&count=4000&bytes=4096").status == 200
    until(lambda: refused(server)["slow_reader"] == 1, 10, "it is cut off")
    until(lambda: server.health()["connections"]["sse"] == 0, 5, "its stream is gone")


# ---- counts --------------------------------------------------------------------------------------

def test_the_last_request_of_a_connection_says_so(start):
    server = start(max_connection_requests=3)
    with server.connect() as connection:
        connection.send(HELLO * 5)  # pipelined: what is over the limit is not answered
        assert [connection.answer().header("Connection") for _ in range(3)] == [None, None, "close"]
        ends(connection)


def test_connections_over_the_limit_wait_until_one_closes(start):
    server = start(max_connections=20)
    held = [server.connect() for _ in range(20)]
    for connection in held:
        assert connection.get("/hello").status == 200
    waiting = server.connect(timeout=0.5)  # the kernel lets it in
    waiting.send(HELLO)
    with pytest.raises(socket.timeout):
        waiting._more()
    began = time.monotonic()
    held.pop().close()
    waiting.socket.settimeout(10)
    assert waiting.answer().status == 200
    assert time.monotonic() - began < 0.5, "room is used at once"
    held.pop().close()
    until(lambda: refused(server)["connections"] >= 1, 5)
    for connection in [*held, waiting]:
        connection.close()


def reached(server):
    """A connection that was let in and answered, or None."""
    connection = server.connect()
    try:
        answer = connection.get("/hello")
    except Closed:
        return None
    return connection if answer.status == 200 else None


def metrics_from_elsewhere(server):
    """/metrics, asked from an address of its own."""
    with socket.create_connection(("127.0.0.1", server.address[1]), 10, source_address=("127.0.0.3", 0)) as one:
        one.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        return b"".join(iter(lambda: one.recv(65536), b"")).decode()


def alone(server):
    """The connections of the start are closed at this end; wait until the gateway has seen that."""
    until(lambda: "viaduct_http_connections_open 1\n" in metrics_from_elsewhere(server), 5, "no other connection is open")


def test_one_address_cannot_take_all_connections(start):
    server = start(max_address_connections=10)
    alone(server)
    held = [server.connect() for _ in range(10)]
    for connection in held:
        assert connection.get("/hello").status == 200
    with server.connect() as connection:  # says nothing, so that no reset can hide the answer
        answer = connection.answer()
        assert (answer.status, answer.header("Connection"), answer.header("Retry-After")) == (503, "close", "1")
        assert b"too many connections" in answer.body
        ends(connection)
    for _ in range(200):  # a flood of them, as fast as this client can
        server.connect().close()
    other = socket.create_connection(server.address, 10, source_address=("127.0.0.2", 0))  # another address: not its neighbour's fault
    other.sendall(HELLO)
    assert b"200 OK" in other.recv(4096)
    other.close()
    for connection in held:
        assert connection.get("/hello").status == 200
    held.pop().close()
    held.append(until(lambda: reached(server), 5, "the place of the one that left is free"))
    counts = refusals(metrics_from_elsewhere(server))
    assert counts["address_connections"] >= 100 and counts["connections"] == 0
    for connection in held:
        connection.close()


def test_of_ipv6_a_64_is_one_address(start):
    """Only ::1 is there to connect from: that it is counted at all, and apart from IPv4, is shown."""
    server = start(host="::", max_address_connections=2)
    alone(server)
    six = [socket.create_connection(("::1", server.address[1]), 10) for _ in range(2)]
    for one in six:
        one.sendall(HELLO)
        assert b"200 OK" in one.recv(4096)
    third = socket.create_connection(("::1", server.address[1]), 10)
    assert b"503" in third.recv(4096)
    four = socket.create_connection(("127.0.0.1", server.address[1]), 10)
    four.sendall(HELLO)
    assert b"200 OK" in four.recv(4096)
    for one in [*six, third, four]:
        one.close()


def test_accepting_pauses_when_descriptors_run_out_and_goes_on(start):
    server = start()
    gateway = server.gateway()
    before = resource.prlimit(gateway, resource.RLIMIT_NOFILE)
    open_now = len(server_descriptors(gateway))
    resource.prlimit(gateway, resource.RLIMIT_NOFILE, (open_now + 10, before[1]))
    held = [server.connect(timeout=0.3) for _ in range(30)]
    served = sum(answers(connection) for connection in held)
    assert 5 <= served <= 13, served
    health = held[0].get("/_health").json()
    assert health["status"] == "ok"
    for connection in held[:15]:
        connection.close()
    late = held[15:]  # they wait in the backlog, their requests are sent already
    until(lambda: sum(one_more(connection) for connection in late) >= 3, 10, "waiting ones are served")
    resource.prlimit(gateway, resource.RLIMIT_NOFILE, before)
    for connection in held:
        connection.close()
    until(lambda: refused(server)["descriptors"] >= 1, 5)
    assert "descriptors_full" in server.log()


def server_descriptors(pid):
    """What the process has open."""
    return os.listdir(f"/proc/{pid}/fd")


def answers(connection):
    connection.send(HELLO)
    try:
        return connection.answer().status == 200
    except (socket.timeout, Closed):
        return False


def one_more(connection):
    """Has its answer come by now?"""
    if getattr(connection, "served", False):
        return True
    connection.socket.settimeout(0.05)
    try:
        connection.served = connection.answer().status == 200
        return connection.served
    except (socket.timeout, Closed):
        return False


def test_what_is_pipelined_beyond_the_limit_waits_in_the_socket(start):
    """The gateway keeps a bounded part; the rest comes out in order all the same."""
    server = start(workers=1, pipeline_bytes=4096)
    gateway = server.gateway()
    before = memory(gateway)
    with server.connect() as connection:
        connection.send(HELLO.replace(b"/hello", b"/sleep?ms=1000"))
        connection.socket.setblocking(False)
        padded = HELLO.replace(b"\r\n\r\n", b"\r\nX: " + b"y" * 3000 + b"\r\n\r\n")
        flood, sent = padded * 6000, 0  # 18 MB
        deadline = time.monotonic() + 0.5
        while time.monotonic() < deadline and sent < len(flood):
            try:
                sent += connection.socket.send(flood[sent:sent + 65536])
            except BlockingIOError:
                time.sleep(0.01)
        assert memory(gateway) - before < 1024 * 1024
        connection.socket.setblocking(True)
        connection.socket.settimeout(15)
        assert connection.answer().status == 200
        for _ in range(sent // len(padded)):
            assert connection.answer().body == b"Hello, world!\n"


def memory(pid):
    """Resident bytes that are the process's own (not the arena's)."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


def test_the_response_buffer_is_what_was_configured(start):
    """What waits for a client that reads nothing: bounded, however long the response is."""
    for limit in (64 * 1024, 1024 * 1024, 4 * 1024 * 1024):
        server = start(workers=1, response_buffer_bytes=limit)
        gateway = server.gateway()
        assert server.get("/big?bytes=300000").status == 200
        before = memory(gateway)
        with server.connect() as connection:
            connection.send(HELLO.replace(b"/hello", b"/big?bytes=100000000"))
            connection._more()
            steady, last = 0, -1
            while steady < 5:  # it grows, then stands
                time.sleep(0.05)
                now = memory(gateway) - before
                steady, last = (steady + 1, last) if abs(now - last) < 65536 else (0, now)
            assert last < limit * 1.3 + 512 * 1024, (limit, last)
            if limit > 1024 * 1024:
                assert last > limit * 0.7, (limit, last)
            server.destroy()
            server.process = None
