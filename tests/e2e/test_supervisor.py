# SPDX-License-Identifier: Apache-2.0
"""The supervisor: what it starts again, kills, replaces and leaves alone. Against the C server."""
import os
import random
import signal
import threading
import time

import pytest

from support.http import Closed
from support.measure import TooSlow, in_time, measured
from support.ports import free_port
from support.server import freeze, kill
from support.wait import PATIENCE, until


def request(server, target):
    """A connection with one request on its way."""
    connection = server.connect()
    connection.send(f"GET {target} HTTP/1.1\r\nHost: test\r\n\r\n".encode())
    return connection


@measured
def test_a_killed_gateway_comes_back_and_the_workers_stay(start):
    server = start(workers=2)
    workers, gateway = server.workers(), server.gateway()
    busy = request(server, "/sleep?ms=1000")
    until(server.busy, what="a request is in a worker")
    os.kill(gateway, signal.SIGKILL)
    # The listening socket is kept: this one waits in its queue instead of being refused.
    assert server.get("/hello").status == 200
    assert server.gateway() not in (None, gateway)
    try:
        assert busy.answer().status == 200
        raise TooSlow("the gateway was killed when it had answered")
    except Closed:
        pass
    # The worker's late answer goes nowhere and harms nobody.
    until(lambda: not server.busy(), what="the late answer is given")
    assert {int(server.get("/pid").text) for _ in range(30)} <= set(workers.values())
    assert server.workers() == workers


def test_a_gateway_that_hangs_is_replaced(start):
    """Nobody accepts while it stands: only the supervisor can tell."""
    server = start(workers=2)
    workers, gateway = server.workers(), server.gateway()
    freeze(gateway)
    until(lambda: server.gateway() not in (None, gateway), what="another gateway")
    until(lambda: server.get("/hello").status == 200, what="it serves")
    assert server.workers() == workers
    server.says("has not turned its loop")


def test_all_children_killed_at_once_come_back(start):
    server = start(workers=3)
    for _ in range(3):
        before = set(server.pids())
        for pid in before - {server.supervisor}:
            kill(pid)
        until(lambda: len(server.workers()) == 3 and server.gateway()
              and set(server.pids()) & before == {server.supervisor}, what="all are new")
        assert server.get("/hello").status == 200


def test_kills_at_random_under_load(start):
    server = start(workers=3)
    chance, stop, served = random.Random(20261120), threading.Event(), []

    def load():
        while not stop.is_set():
            try:
                with server.connect() as connection:
                    for _ in range(50):
                        served.append(connection.get("/hello").status)
            except (Closed, ConnectionError):
                pass  # the gateway was killed: a client reconnects

    clients = [threading.Thread(target=load) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        for _ in range(25):
            victims = until(lambda: [pid for pid in server.pids() if pid != server.supervisor], what="a victim")
            kill(chance.choice(victims))
            time.sleep(chance.uniform(0, 0.15))  # not a wait: the distance between two kills
        until(lambda: len(server.workers()) == 3 and server.gateway(), what="everyone is back")
        before = len(served)
        until(lambda: len(served) > before + 300, what="requests are served")
    finally:
        stop.set()
        for client in clients:
            client.join(PATIENCE)
    assert not any(client.is_alive() for client in clients), "a request was never answered"
    assert set(served) <= {200, 502, 503}


@measured
def test_a_second_signal_ends_at_once(start):
    server = start(workers=2)
    busy = request(server, "/spin")
    until(server.busy, what="a request hangs")
    began = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    server.says("draining")
    # What follows at once is the same Ctrl-C, handed on by a wrapper; so it is asked for until it is heard.
    until(lambda: server.process.poll() is not None or server.process.send_signal(signal.SIGINT), what="it ends")
    server.expect_exit = 1
    server.ended(1)
    took = time.monotonic() - began
    assert "a second SIGINT" in server.log()
    assert "a new one starts" not in server.log()
    busy.close()
    in_time(took, 3, "the end at a second signal")


@measured
def test_a_signal_that_a_wrapper_hands_on_is_the_same_signal(start):
    """timeout(1), npm and others signal the process and its group."""
    server = start(workers=2)
    busy = request(server, "/sleep?ms=400")
    until(server.busy, what="a request is in a worker")
    began = time.monotonic()
    server.process.send_signal(signal.SIGINT)
    until(lambda: "draining" in server.log(), what="the drain begins", every=0.001)
    server.process.send_signal(signal.SIGINT)
    if time.monotonic() - began > 0.25:  # ECHO_MS
        server.process.wait(PATIENCE)
        server.expect_exit = server.process.returncode
        raise TooSlow("the two signals were too far apart to be one")
    assert busy.answer().status == 200
    server.ended(0)


def test_sigterm_to_every_process_is_a_clean_end(start):
    """As a service manager does it: to the whole control group at once."""
    server = start(workers=2)
    busy = request(server, "/sleep?ms=400")
    until(server.busy, what="a request is in a worker")
    os.killpg(server.supervisor, signal.SIGTERM)
    assert busy.answer().status == 200
    server.ended(0)


def test_a_second_sigusr1_begins_the_round_anew(start):
    server = start(workers=3)
    busy = [request(server, "/sleep?ms=300") for _ in range(3)]
    first = server.workers()
    server.process.send_signal(signal.SIGUSR1)
    second = until(lambda: next((pid for pid in [server.workers().get(0)] if pid not in (None, first[0])), None), what="the first is replaced")
    server.process.send_signal(signal.SIGUSR1)
    until(lambda: len(server.workers()) == 3 and not set(server.workers().values()) & {*first.values(), second},
          what="all are replaced, those of the first round as well")
    server.says("all workers were replaced")
    assert [one.answer().status for one in busy] == [200] * 3


def test_recycling_waits_for_the_request_and_kills_one_that_hangs(start):
    server = start(workers=1, request_timeout_ms=700)
    [old] = server.workers().values()
    hanging = request(server, "/spin")
    until(server.busy, what="the request hangs")
    server.process.send_signal(signal.SIGUSR1)
    waiting = request(server, "/pid")  # nobody can take it until the replacement is there
    assert hanging.answer().status == 504
    answer = waiting.answer()
    assert answer.status == 200 and int(answer.text) != old


def test_sighup_says_not_yet(start):
    server = start(workers=1)
    before = server.pids()
    server.process.send_signal(signal.SIGHUP)
    server.says("reload_not_yet")
    assert server.pids() == before


@pytest.mark.parametrize("boot, said", [("crash", "ABRT"), ("exit", "exit code 0")])
def test_workers_that_never_come_up(start, boot, said):
    """Degraded and alive, the pause between attempts doubles, SIGTERM ends it all the same."""
    server = start(workers=2, boot=boot, wait=False)
    until(lambda: server.address and server.get("/_health").status == 503, what="degraded")
    assert server.get("/_health/live").status == 200
    until(lambda: "crash loop" in server.log() or server.log().count("worker_died") >= 5, what="the reason")
    server.says(said)
    assert server.log().count("worker_died") < 15


def test_a_worker_that_hangs_in_its_boot_is_killed(start):
    server = start(workers=1, boot="hang", boot_timeout_ms=200, wait=False)
    server.says("has not come up")
    assert server.get("/_health/live").status == 200


def test_a_port_in_use_is_named(start):
    server = start(workers=1, port=free_port())
    port = server.address[1]
    second = start(workers=1, port=port, wait=False)
    second.expect_exit = 1
    second.ended(1)
    assert f"127.0.0.1:{port} is in use" in second.log()


@measured
def test_a_killed_supervisor_takes_blocked_and_busy_workers_along(start, streams):
    server = start(workers=3, request_timeout_ms=600_000, port=free_port())
    streams(server).open("/events?scope=a", count=3)
    busy = [request(server, "/spin"), request(server, "/sleep?ms=20000")]
    until(lambda: len(server.busy()) == 2, what="two are busy")
    os.kill(server.supervisor, signal.SIGKILL)
    server.orphans_end(2)
    again = start(workers=1, port=server.address[1])
    assert again.get("/hello").status == 200
    for one in busy:
        one.close()


@measured
def test_streams_are_told_when_the_supervisor_is_gone(start):
    """The gateway has a second; it must not sleep through it."""
    for wait in (0.1, 0.35, 0.6):  # somewhere between two looks around
        server = start(workers=1)
        with server.connect() as stream:
            stream.send(b"GET /events?scope=a HTTP/1.1\r\nHost: test\r\n\r\n")
            stream._until(b"\r\n\r\n")
            with server.connect() as busy:
                busy.send(b"GET /spin HTTP/1.1\r\nHost: test\r\n\r\n")
            time.sleep(wait)
            began = time.monotonic()
            os.kill(server.supervisor, signal.SIGKILL)
            stream._until(b"\r\n0\r\n\r\n")
            took = time.monotonic() - began
        server.orphans_end(2)
        in_time(took, 0.4, "until the stream is told")


def test_a_worker_that_hangs_after_its_answer_is_replaced(start):
    """Nobody waits for its handler, so nobody would notice: one worker less, for ever."""
    server = start(workers=2, request_timeout_ms=700)
    stray = int(server.get("/stray").text)
    assert stray in server.workers().values()
    for _ in range(20):
        assert server.get("/hello").status == 200
    until(lambda: stray not in server.workers().values() and len(server.workers()) == 2, what="a new worker")
    server.says("has not asked for its next event")
