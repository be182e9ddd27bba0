# SPDX-License-Identifier: Apache-2.0
"""Every limit of docs/configuration.md: its status, its counter, and that others are served meanwhile."""
import os
import resource
import socket
import time

import pytest

from support.http import Closed
from support.measure import TooSlow, in_time, measured, own_memory as memory
from support.wait import PATIENCE, until

HELLO = b"GET /hello HTTP/1.1\r\nHost: test\r\n\r\n"


def refused(server):
    """{reason: count} from /metrics."""
    return refusals(server.get("/metrics").text)


def refusals(metrics):
    return {line.split('"')[1]: int(line.rpartition(" ")[2]) for line in metrics.splitlines()
            if line.startswith("viaduct_refused_total{")}


def ends(connection):
    """Seconds until the server closes; a byte that comes is a failure."""
    began = time.monotonic()
    connection.socket.settimeout(PATIENCE)
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
            until(lambda: refused(server)["response_memory"] >= 1, what="the room is full")
    until(server.quiet, what="it stands")
    assert memory(gateway) - before < 4_000_000  # of the first two 1 MB each, of the others little
    assert len(server.get("/big?bytes=3000000").body) == 3_000_000
    for connection in slow:
        assert len(connection.answer().body) == 20_000_000
        connection.close()


def half_an_upload(server):
    """Status of the answer to a body that is still to come; None: it is awaited."""
    with server.connect(timeout=1) as connection:
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
    until(lambda: half_an_upload(server) == 503, what="one more is refused")
    assert refused(server)["upload_memory"] >= 1
    assert server.get("/hello").status == 200
    for connection in held:
        connection.send(b"y" * 10_000)
        assert len(connection.answer().body) == 60_000
        connection.close()
    until(lambda: half_an_upload(server) is None, what="there is room again")


# ---- times ---------------------------------------------------------------------------------------

@measured
def test_a_drip_of_headers_is_408_after_the_header_timeout(start):
    """The time counts from the first byte: bytes that keep coming buy nothing."""
    server = start(header_timeout_ms=500)
    with server.connect() as connection:
        connection.socket.settimeout(0.05)
        began = time.monotonic()
        connection.send(b"GET /hello HTTP/1.1\r\nHost: test\r\n")
        while time.monotonic() - began < PATIENCE and not connection.buffer:
            connection.send(b"X: y\r\n")
            try:
                connection._more()
            except socket.timeout:
                pass
        took = time.monotonic() - began
        connection.socket.settimeout(PATIENCE)
        assert connection.answer().status == 408
        assert 0.4 < took, took
        in_time(took, 3, "a header timeout of half a second")
    assert refused(server)["header_timeout"] == 1


@measured
def test_the_header_timeout_counts_for_every_request(start):
    """Behind an answered one, and behind one that was being answered when the half request came."""
    server = start(header_timeout_ms=400, workers=1)
    for first in (HELLO, HELLO.replace(b"/hello", b"/sleep?ms=300")):
        with server.connect() as connection:
            connection.send(first + HELLO[:20])
            assert connection.answer().status == 200
            began = time.monotonic()
            assert connection.answer().status == 408
            in_time(time.monotonic() - began, 3, "a header timeout of 400 ms")
    assert refused(server)["header_timeout"] == 2


def drip(connection, piece, pause):
    """Send @piece every @pause seconds; how long until an answer came?"""
    began = time.monotonic()
    connection.socket.settimeout(pause)
    while time.monotonic() - began < PATIENCE and not connection.buffer:
        connection.send(piece)
        try:
            connection._more()
        except socket.timeout:
            pass
    connection.socket.settimeout(PATIENCE)
    return time.monotonic() - began


@measured
def test_a_body_that_stops_is_408(start):
    server = start(body_timeout_ms=400)
    with server.connect() as connection:
        began = time.monotonic()
        connection.send(post(1000) + b"x" * 900)
        assert connection.answer().status == 408
        took = time.monotonic() - began
        ends(connection)
    assert took > 0.3
    in_time(took, 3, "a body timeout of 400 ms")
    assert refused(server)["body_timeout"] == 1


@measured
def test_a_trickle_of_a_body_cannot_hold_a_connection(start):
    """Each byte comes well within the timeout, but they do not make the rate."""
    server = start(body_timeout_ms=500, min_rate_bytes=1000)
    with server.connect() as connection:
        connection.send(post(100_000))
        trickle = drip(connection, b"x", 0.1)
        assert connection.answer().status == 408 and trickle > 0.4
    with server.connect() as connection:  # chunked, with the framing as an excuse
        connection.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        framed = drip(connection, b"1\r\nx\r\n", 0.1)
        assert connection.answer().status == 408 and framed > 0.4
    assert refused(server)["body_timeout"] == 2
    in_time(max(trickle, framed), 3, "a body timeout of half a second")


@measured
def test_a_slow_body_that_makes_the_rate_is_served(start):
    server = start(body_timeout_ms=2000, min_rate_bytes=1000)
    with server.connect() as connection:
        connection.send(post(6300))
        took = drip(connection, b"x" * 700, 0.3)
        answer = connection.answer()
        if answer.status == 408 and took > 9 * 0.4:
            raise TooSlow("this client did not make its rate")
        assert took > 2  # in all longer than any pause may be
        assert answer.body == b"x" * 6300
    assert refused(server)["body_timeout"] == 0


@measured
def test_an_idle_connection_is_closed_without_a_word(start):
    server = start(idle_timeout_ms=400)
    fresh = server.connect()
    used = server.connect()
    assert used.get("/hello").status == 200
    took = max(ends(used), ends(fresh))
    fresh.close()
    used.close()
    assert not any(refused(server).values())
    in_time(took, 3, "an idle timeout of 400 ms")


def test_a_client_that_takes_nothing_of_its_response_is_cut_off(start):
    server = start(workers=1, idle_timeout_ms=500)
    with server.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.send(HELLO.replace(b"/hello", b"/big?bytes=20000000"))
        until(lambda: refused(server)["slow_reader"] == 1, what="it is cut off")
    assert server.get("/hello").status == 200


def test_a_stream_with_too_much_waiting_is_cut_off_and_counted(start, streams):
    server = start(workers=1, stream_queue_bytes=65536)
    lazy = streams(server)
    lazy.open("/events?scope=a", receive_buffer=4096)  # never pumped again
    with server.connect() as connection:
        assert connection.request("POST", "/flood?scope=a&count=4000&bytes=4096").status == 200
    until(lambda: refused(server)["slow_reader"] == 1, what="it is cut off")
    until(lambda: server.health()["connections"]["sse"] == 0, what="its stream is gone")


# ---- counts --------------------------------------------------------------------------------------

def test_the_last_request_of_a_connection_says_so(start):
    server = start(max_connection_requests=3)
    with server.connect() as connection:
        connection.send(HELLO * 5)  # pipelined: what is over the limit is not answered
        assert [connection.answer().header("Connection") for _ in range(3)] == [None, None, "close"]
        ends(connection)


@measured
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
    waiting.socket.settimeout(PATIENCE)
    assert waiting.answer().status == 200
    took = time.monotonic() - began
    held.pop().close()
    until(lambda: refused(server)["connections"] >= 1)
    for connection in [*held, waiting]:
        connection.close()
    in_time(took, 0.5, "until room is used")


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
    with socket.create_connection(("127.0.0.1", server.address[1]), PATIENCE, source_address=("127.0.0.3", 0)) as one:
        one.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        return b"".join(iter(lambda: one.recv(65536), b"")).decode()


def alone(server):
    """The connections of the start are closed at this end; wait until the gateway has seen that."""
    until(lambda: "viaduct_http_connections_open 1\n" in metrics_from_elsewhere(server), what="no other connection is open")


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
    other = socket.create_connection(server.address, PATIENCE, source_address=("127.0.0.2", 0))  # another address: not its neighbour's fault
    other.sendall(HELLO)
    assert b"200 OK" in other.recv(4096)
    other.close()
    for connection in held:
        assert connection.get("/hello").status == 200
    held.pop().close()
    held.append(until(lambda: reached(server), what="the place of the one that left is free"))
    counts = refusals(metrics_from_elsewhere(server))
    assert counts["address_connections"] >= 100 and counts["connections"] == 0
    for connection in held:
        connection.close()


def test_of_ipv6_a_64_is_one_address(start):
    """Only ::1 is there to connect from: that it is counted at all, and apart from IPv4, is shown."""
    server = start(host="::", max_address_connections=2)
    alone(server)
    six = [socket.create_connection(("::1", server.address[1]), PATIENCE) for _ in range(2)]
    for one in six:
        one.sendall(HELLO)
        assert b"200 OK" in one.recv(4096)
    third = socket.create_connection(("::1", server.address[1]), PATIENCE)
    assert b"503" in third.recv(4096)
    four = socket.create_connection(("127.0.0.1", server.address[1]), PATIENCE)
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
    held = [server.connect() for _ in range(30)]
    for connection in held:
        connection.send(HELLO)
    until(lambda: sum(one_more(connection) for connection in held) >= 5, what="some are served")
    until(server.quiet, what="no more of them")
    served = sum(one_more(connection) for connection in held)
    assert 5 <= served <= 13, served
    first = next(connection for connection in held if one_more(connection))
    first.socket.settimeout(PATIENCE)
    assert first.get("/_health").json()["status"] == "ok"
    for connection in held[:15]:
        connection.close()
    late = held[15:]  # they wait in the backlog, their requests are sent already
    until(lambda: sum(one_more(connection) for connection in late) >= 3, what="waiting ones are served")
    resource.prlimit(gateway, resource.RLIMIT_NOFILE, before)
    for connection in held:
        connection.close()
    until(lambda: refused(server)["descriptors"] >= 1)
    server.says("descriptors_full")


def server_descriptors(pid):
    """What the process has open."""
    return os.listdir(f"/proc/{pid}/fd")


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
        connection.socket.settimeout(PATIENCE)
        assert connection.answer().status == 200
        for _ in range(sent // len(padded)):
            assert connection.answer().body == b"Hello, world!\n"


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
            if limit > 1024 * 1024:  # it grows, then stands
                until(lambda: memory(gateway) - before > limit * 0.7, what=lambda: f"{memory(gateway) - before} of {limit} bytes")
            until(server.quiet, what="it stands")
            held = memory(gateway) - before
            assert held < limit * 1.3 + 512 * 1024, (limit, held)
            server.destroy()
            server.process = None
