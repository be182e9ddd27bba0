# SPDX-License-Identifier: Apache-2.0
"""The failure table: what dies, hangs or says nonsense, and what a client sees of it."""
import os
import random
import signal
import socket
import threading
import time

from support.http import Closed
from support.measure import in_time, measured
from support.ports import free_port
from support.server import freeze, kill
from support.wait import until


@measured
def test_a_worker_killed_in_a_request_answers_502_and_comes_back(start, streams):
    server = start(workers=2)
    [stream] = streams(server).open("/events?scope=a")
    answer = server.get("/crash")
    assert answer.status == 502
    began = time.monotonic()
    until(lambda: len(server.workers()) == 2, what="two workers")
    took = time.monotonic() - began
    assert server.get("/pid").status == 200
    assert stream.state == "open"
    in_time(took, 1, "until there is a new worker")


@measured
def test_a_hanging_worker_is_killed_at_the_limit_with_504(start):
    server = start(workers=2, request_timeout_ms=500)
    before = server.workers()
    with server.connect() as hanging:
        hanging.send(b"GET /spin HTTP/1.1\r\nHost: test\r\n\r\n")
        # Health never stalls meanwhile.
        began = time.monotonic()
        assert server.get("/_health/live").status == 200
        in_time(time.monotonic() - began, 0.4, "the answer of health")
        answer = hanging.answer()
    assert answer.status == 504
    until(lambda: len(server.workers()) == 2 and server.workers() != before, what="a new worker")
    server.says("/spin", "GET")


def test_a_crash_loop_is_degraded_and_logged_once_in_a_while(start):
    server, began = start(workers=2), time.monotonic()

    def kill_workers():
        for pid in server.workers().values():
            kill(pid)

    def degraded():
        """Not only between two workers: for as long as the next one is held back."""
        kill_workers()
        answer = server.get("/_health")
        return answer.status == 503 and "worker_crash_loop" in answer.json()["reasons"] \
            and server.get("/_health/ready").status == 503

    until(degraded, what="degraded")
    assert server.get("/_health/live").status == 200
    assert server.log().count("signal 9") < 40 + time.monotonic() - began, server.log()
    until(lambda: server.health()["status"] == "ok", what="healthy again")
    assert server.get("/pid").status == 200


@measured
def test_a_killed_supervisor_leaves_nothing_behind(start, streams):
    server = start(workers=2, port=free_port())
    streams(server).open("/events?scope=a", count=5)
    busy = server.connect()
    busy.send(b"GET /spin HTTP/1.1\r\nHost: test\r\n\r\n")
    os.kill(server.supervisor, signal.SIGKILL)
    server.orphans_end(2)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(server.address)
        probe.listen()
    busy.close()


def test_two_workers_that_publish_into_full_rings_do_not_deadlock(start, streams):
    server = start(workers=2)
    some = streams(server)
    [stream] = some.open("/events?scope=after")
    floods = [server.connect() for _ in range(2)]
    for flood in floods:
        flood.send(b"POST /flood?scope=flood&count=1000000&bytes=60000 HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n")
    before = {pid: server.busy_ticks(pid) for pid in server.workers().values()}
    until(lambda: all(server.busy_ticks(pid) > ticks + 2 for pid, ticks in before.items()), what="both publish")
    gateway = server.gateway()
    freeze(gateway)
    try:
        # Both rings fill up; both publishes give up, and both workers then wait with their answers.
        until(lambda: server.log().count("flood: a publish gave up") >= 2, what="both publishes have timed out")
    finally:
        os.kill(gateway, signal.SIGCONT)
    for flood in floods:
        answer = flood.answer()
        assert answer.status == 503, answer
        flood.close()
    assert server.publish("after", "alive").status == 204
    some.pump(lambda: stream.data() == ["alive"], what="a message after the flood")
    pids = set()
    until(lambda: pids.add(server.get("/pid").text) or len(pids) == 2, what="both workers answer")


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


def chunked(generator, body):
    chunks, at = [], 0
    while at < len(body):  # not more than some hundred
        size = generator.choice([7, 1000, 65536, 200000]) if len(chunks) < 400 else len(body)
        piece = body[at:at + size]
        chunks.append(b"%x\r\n%s\r\n" % (len(piece), piece))
        at += len(piece)
    return b"".join(chunks) + b"0\r\n\r\n"


def keep_uploading(server, seed, over, outcomes):
    generator, connection = random.Random(seed), None
    while not over.is_set():
        body = generator.randbytes(generator.choice([0, 1, 5, 60_000, 66_000, 200_000, 1_100_000, 3_000_000]))
        raw = b"POST /echo HTTP/1.1\r\nHost: test\r\n"
        if generator.random() < 0.5:
            raw += b"Content-Length: %d\r\n\r\n" % len(body) + body
        else:
            raw += b"Transfer-Encoding: chunked\r\n\r\n" + chunked(generator, body)
        try:
            connection = connection or server.connect()
            connection.send(raw)
            answer = connection.answer()
        except Closed:
            outcomes.append("closed")
            connection.close()
            connection = None
            continue
        if answer.status == 200:
            assert answer.body == body, (len(body), len(answer.body))
            outcomes.append("ok")
        else:
            assert answer.status == 502, answer
            outcomes.append("502")
        if answer.header("Connection") == "close":
            connection.close()
            connection = None


def test_uploads_while_workers_die(start):
    """An answer is the body, or says that the worker died; never another's, and the connection stays in step."""
    server = start(workers=3)
    outcomes, failures, over, end = [], [], threading.Event(), time.monotonic() + 5

    def run(seed):
        try:
            keep_uploading(server, seed, over, outcomes)
        except Exception as error:  # told below, in the main thread
            failures.append(repr(error)[:400])

    threads = [threading.Thread(target=run, args=(seed,)) for seed in range(10)]
    for thread in threads:
        thread.start()
    generator = random.Random(1)

    def enough():
        time.sleep(generator.uniform(0.05, 0.3))
        workers = list(server.workers().values())
        if workers:
            kill(generator.choice(workers))
        return failures or time.monotonic() > end and outcomes.count("ok") > 20

    try:
        until(enough, what=lambda: f"uploads while workers die: {outcomes}", every=0)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    assert server.get("/pid").status == 200
