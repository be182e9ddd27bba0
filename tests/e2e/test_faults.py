# SPDX-License-Identifier: Apache-2.0
"""The failure table: what dies, hangs or says nonsense, and what a client sees of it."""
import os
import signal
import socket
import time

from support.server import group_members
from support.wait import until


def test_a_worker_killed_in_a_request_answers_502_and_comes_back(start, streams):
    server = start(workers=2)
    [stream] = streams(server).open("/events?scopes=a")
    answer = server.get("/kill")
    assert answer.status == 502
    began = time.monotonic()
    until(lambda: len(server.workers()) == 2, 5, "two workers")
    assert time.monotonic() - began < 1
    assert server.get("/who").status == 200
    assert stream.state == "open"


def test_exit_and_out_of_memory_cost_the_worker_not_the_client_connection(start):
    server = start(workers=2)
    with server.connect() as connection:
        for path in ("/exit", "/memory"):
            answer = connection.get(path)
            assert answer.status in (200, 500), answer
            assert b"Allowed memory" not in answer.body
            assert connection.get("/who").status == 200


def test_a_hanging_worker_is_killed_at_the_limit_with_504(start):
    server = start(workers=2, REQUEST_TIMEOUT="0.5")
    before = server.workers()
    with server.connect() as hanging:
        hanging.send(b"GET /hang HTTP/1.1\r\nHost: test\r\n\r\n")
        # Health never stalls meanwhile.
        began = time.monotonic()
        assert server.get("/_health/live").status == 200
        assert time.monotonic() - began < 0.4
        answer = hanging.answer()
    assert answer.status == 504
    until(lambda: len(server.workers()) == 2 and server.workers() != before, 5, "a new worker")
    assert "/hang" in server.log() and "GET" in server.log()


def test_a_crash_loop_is_degraded_and_logged_once_in_a_while(start, artifacts):
    flag = artifacts / "crash-now"
    flag.unlink(missing_ok=True)
    server = start(workers=2, CRASH_WHEN=flag)
    try:
        flag.touch()
        for pid in server.workers().values():
            os.kill(pid, signal.SIGKILL)

        def degraded():
            answer = server.get("/_health")
            return answer.status == 503 and answer.json()["status"] == "degraded"

        until(degraded, 10, "degraded")
        assert server.get("/_health/live").status == 200
        time_looping = time.monotonic() + 2  # long enough for a thousand lines, if they were written
        while time.monotonic() < time_looping:
            assert server.get("/_health/live").status == 200
        assert server.log().count("signal 9") < 30
    finally:
        flag.unlink(missing_ok=True)
    until(lambda: server.health()["status"] == "ok", 40, "healthy again")
    assert server.get("/who").status == 200


def test_a_killed_supervisor_leaves_nothing_behind(start, streams):
    server = start(workers=2)
    streams(server).open("/events?scopes=a", count=5)
    busy = server.connect()
    busy.send(b"GET /hang HTTP/1.1\r\nHost: test\r\n\r\n")
    os.kill(server.supervisor, signal.SIGKILL)
    server.process.wait(5)
    server.expect_exit = -signal.SIGKILL
    until(lambda: not group_members(server.supervisor), 2, "no process is left")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(server.address)
        probe.listen()
    busy.close()


def test_two_workers_that_publish_into_full_rings_do_not_deadlock(start, streams):
    server = start(workers=2)
    some = streams(server)
    [stream] = some.open("/events?scopes=after")
    floods = []
    for _ in range(2):
        floods.append(server.connect(30))
        floods[-1].send(b"GET /flood/3000/60000 HTTP/1.1\r\nHost: test\r\n\r\n")
    gateway = server.gateway()

    def flooding():
        return server.health()["messages"]["published"] > 50 if "messages" in server.health() else True

    until(flooding, 5, "messages come")
    os.kill(gateway, signal.SIGSTOP)
    try:
        time.sleep(2.2)  # the publish timeout (1 s) passes in both workers: that is what is tested
    finally:
        os.kill(gateway, signal.SIGCONT)
    answers = [flood.answer().json() for flood in floods]
    assert {answer["worker"] for answer in answers} == {0, 1}
    assert all(answer["failed"] >= 1 and answer["sent"] > 10 for answer in answers), answers
    assert server.post("/publish", scope="after", data="alive").status == 200
    some.pump(lambda: stream.data() == ["alive"], what="a message after the flood")
    # Both still hear each other.
    before = server.get("/who").json()
    assert before["seen"] > 0


def test_bad_http_is_refused_and_closed(start):
    server = start(workers=1)
    for request, status in [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"GET / HTTP/2.7\r\nHost: a\r\n\r\n", 505),
    ]:
        with server.connect() as connection:
            connection.send(request)
            answer = connection.answer()
            assert answer.status == status, (request[:80], answer)
            assert connection.socket.recv(1) == b"", "the connection is closed"
