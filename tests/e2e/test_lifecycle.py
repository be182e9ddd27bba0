# SPDX-License-Identifier: Apache-2.0
"""Start, reload, recycle, drain."""
import os
import signal
import threading
import time

import pytest

from support.http import Closed
from support.measure import TooSlow, in_time, measured
from support.ports import free_port
from support.wait import PATIENCE, until


class Load(threading.Thread):
    """Requests without a pause, on a keep-alive connection or a new one each; any failure is kept."""

    def __init__(self, server, keep_alive):
        super().__init__(daemon=True)
        self.server, self.keep_alive = server, keep_alive
        self.stopping, self.count, self.pids, self.failure = False, 0, set(), None

    def run(self):
        connection = self.server.connect()
        try:
            while not self.stopping:
                answer = connection.get("/sleep?ms=2")
                assert answer.status == 200, answer
                self.pids.add(int(answer.text))
                self.count += 1
                if not self.keep_alive:
                    connection.close()
                    connection = self.server.connect()
        except Exception as error:  # told to the test, which joins
            self.failure = error
        finally:
            connection.close()

    def stop(self):
        self.stopping = True
        self.join()
        if self.failure:
            raise self.failure


def test_sigterm_finishes_requests_and_exits_0(start, streams):
    server = start(workers=2, port=free_port())
    some = streams(server)
    [stream] = some.open("/events?scope=a")
    with server.connect() as busy:
        busy.send(b"GET /sleep?ms=1000 HTTP/1.1\r\nHost: test\r\n\r\n")
        with server.connect() as idle:
            assert idle.get("/pid").status == 200  # the one behind it is in a worker, too
            os.kill(server.supervisor, signal.SIGTERM)
            answer = busy.answer()
            assert answer.status == 200 and int(answer.text)
    some.pump(lambda: stream.state == "closed", what="the stream is closed")
    server.ended(0)
    with pytest.raises(OSError):
        server.connect()


@measured
def test_a_drain_sends_browsers_away_one_after_the_other(start, streams):
    """And tells each another time to come back, so that the next server is not stormed."""
    server = start(workers=2)
    some = streams(server)
    opened = some.open("/events?scope=a", count=200)
    os.kill(server.supervisor, signal.SIGTERM)
    some.pump(lambda: any(stream.state == "closed" for stream in opened), what="the first is closed")
    began = time.monotonic()
    some.pump(lambda: all(stream.state == "closed" for stream in opened), what="all are closed")
    took = time.monotonic() - began
    times = {stream.retry_ms for stream in opened}
    assert len(times) > 100 and min(times) >= 1000 and max(times) < 3000
    server.ended(0)
    if took <= 0.05:
        raise TooSlow("this process has seen all ends at once")


def test_a_stream_that_takes_nothing_does_not_hold_up_the_end(start, streams):
    server = start(workers=2, drain_timeout_ms=120_000, stream_queue_bytes=64 << 20)
    some = streams(server)
    some.open("/events?scope=a", receive_buffer=4096)  # never read again
    assert server.post("/flood?scope=a&count=2000&bytes=10000").status == 200  # more than all buffers on the way
    os.kill(server.supervisor, signal.SIGTERM)
    server.ended(0, seconds=60)


@measured
def test_the_end_does_not_wait_for_a_gateway_that_dies_again_and_again(start):
    server = start(workers=1, drain_timeout_ms=60_000)
    pause = 0
    while pause < 2.6:  # the next one is twice as long: 5.1 s and more
        killed, began = until(server.gateway, what="a gateway"), time.monotonic()
        os.kill(killed, signal.SIGKILL)
        until(lambda killed=killed: server.gateway() not in (None, killed), what="another gateway")
        pause = time.monotonic() - began
    os.kill(server.gateway(), signal.SIGKILL)
    until(lambda: server.gateway() is None)
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    server.ended(0)
    in_time(time.monotonic() - began, 4, "the end beside a pause of 5 s")


def test_ctrl_c_finishes_requests_and_exits_0(start):
    server = start(workers=2)
    with server.connect() as busy:
        busy.send(b"GET /sleep?ms=700 HTTP/1.1\r\nHost: test\r\n\r\n")
        assert server.get("/pid").status == 200
        os.killpg(server.supervisor, signal.SIGINT)  # as a terminal does: to all of them
        assert busy.answer().status == 200
    server.ended(0)


def test_sigusr1_replaces_the_workers_without_a_failed_request(start, streams):
    server = start(workers=2)
    [stream] = streams(server).open("/events?scope=a")
    before = server.workers()
    load = [Load(server, keep_alive=n % 2 == 0) for n in range(6)]
    for one in load:
        one.start()
    try:
        for _ in range(3):
            old = server.workers()
            os.kill(server.supervisor, signal.SIGUSR1)
            until(lambda: len(server.workers()) == 2 and not set(server.workers().values()) & set(old.values()),
                  what="both workers are new")
        counted = [one.count for one in load]
        until(lambda: all(one.failure or one.count > count + 10 for one, count in zip(load, counted)), what="load goes on")
    finally:
        for one in load:
            one.stop()
    assert len(set.union(*(one.pids for one in load)) - set(before.values())) >= 2
    assert stream.state == "open"


def test_workers_are_recycled_after_max_requests(start):
    server = start(workers=2, max_requests=20)
    load = [Load(server, keep_alive=True) for _ in range(4)]
    for one in load:
        one.start()
    try:
        until(lambda: any(one.failure for one in load) or len(set.union(*(one.pids for one in load))) >= 8,
              what="eight generations of workers")
    finally:
        for one in load:
            one.stop()
    # A worker at its end makes no crash of it.
    assert server.health()["status"] == "ok"


@measured
def test_a_drain_has_a_limit(start):
    server = start(workers=1)
    with server.connect() as hanging:
        hanging.send(b"GET /spin HTTP/1.1\r\nHost: test\r\n\r\n")
        until(lambda: server.get("/_health/live").status == 200)
        began = time.monotonic()
        os.kill(server.supervisor, signal.SIGTERM)
        with pytest.raises(Closed):
            # Killed at the drain limit (10 s): an error answer or a closed connection, nothing else.
            answer = hanging.answer()
            assert answer.status in (502, 503, 504)
            hanging.answer()
        server.process.wait(PATIENCE)
        took = time.monotonic() - began
        server.expect_exit = server.process.returncode
    in_time(took, 14, "a drain of at most 10 s")
