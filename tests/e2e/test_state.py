# SPDX-License-Identifier: Apache-2.0
"""Store, Counter and GlobalState in the workers of a server."""
import json
import os
import signal
import time
from contextlib import ExitStack

from support.http import Closed
from support.server import freeze, kill
from support.wait import until

ALIASES = ("-d", "viaduct.aliases=zealphp,openswoole")
CLIENTS = [f"127.0.7.{n}" for n in range(1, 31)]
BURST = 16


def statuses(server, path):
    """Each client's BURST requests, all of all clients at once: how many of each were let through."""
    request = f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with ExitStack() as stack:
        connections = {client: [stack.enter_context(server.connect(source=client)) for _ in range(BURST)]
                       for client in CLIENTS}
        freeze(server.gateway())  # it finds them all at once
        for client in CLIENTS:
            for one in connections[client]:
                one.send(request)
        os.kill(server.gateway(), signal.SIGCONT)
        return {client: [one.answer().status for one in connections[client]] for client in CLIENTS}


def test_the_snippets_of_the_page_with_their_own_names(start):
    server = start("seed_rate_limit", workers=3, php=ALIASES)
    for _ in range(20):  # whichever worker it is
        assert server.get("/limits").json() == [1, "api", 1, 2, True, 0]
    assert server.get("/visits").json() == [1, -1, -1, True, 0]
    assert server.get("/late").status == 500
    server.says("Store::make() makes a table in a worker: the other workers would not see it")


def test_the_rate_limit_of_the_page_one_request_at_a_time(start):
    server = start("seed_rate_limit", workers=3, php=ALIASES)
    answers = [server.get("/api/expensive") for _ in range(13)]
    assert [one.status for one in answers] == [200] * 10 + [429] * 3
    assert [one.json() for one in answers[:10]] == [{"ok": True, "remaining": n} for n in range(9, -1, -1)]


def test_the_example_admits_ten_and_never_one_more_in_one_step(start):
    server = start("examples/rate-limit/app.php", workers=4)
    for client, got in statuses(server, "/api/atomic").items():
        assert got.count(200) == 10 and got.count(429) == BURST - 10, client
    with server.connect() as connection:
        assert [connection.get("/api/atomic").json()["remaining"] for _ in range(10)] == list(range(9, -1, -1))
        refused = connection.get("/api/atomic")
        assert refused.status == 429 and 1 <= int(refused.header("Retry-After")) <= 60
    # the other one admits ten at least; under such load mostly more
    admitted = [got.count(200) for got in statuses(server, "/api/expensive").values()]
    assert all(10 <= n <= BURST for n in admitted), admitted
    print("get, then set: let through in place of ten:", admitted)


def test_votes_of_the_poll_reach_every_open_page(start, streams):
    server = start("examples/poll/app.php", workers=3)
    assert "<title>Poll</title>" in server.get("/").text
    some = streams(server)
    pages = some.open("/events", count=4)
    for choice, times in (("tea", 7), ("water", 2)):
        for _ in range(times):
            assert server.post(f"/vote/{choice}").status == 204
    assert server.post("/vote/wine").status == 404
    assert server.get("/votes").json() == {"tea": 7, "coffee": 0, "water": 2}
    some.pump(lambda: all("votes" in page.data("invalidate") for page in pages), what="every page is told")
    os.kill(next(iter(server.workers().values())), signal.SIGKILL)
    told = [len(page.data("invalidate")) for page in pages]
    until(lambda: server.post("/vote/coffee").status == 204, what="somebody takes the vote")
    some.pump(lambda: all(len(page.data("invalidate")) > n for page, n in zip(pages, told)), what="and again")
    assert server.get("/votes").json()["tea"] == 7


def test_a_killed_worker_takes_nothing_with_it(start):
    """Workers die while they count; what each answer said was counted, nothing else but what was in the air."""
    server = start("state", workers=3)
    said, lost, times = 0, 0, 20000
    for round_ in range(40):
        if round_ >= 6 and lost > 0:
            break
        with ExitStack() as stack:
            connections = [stack.enter_context(server.connect()) for _ in range(12)]
            for one in connections:
                one.send(f"GET /count?times={times} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            time.sleep(0.01 + 0.005 * round_)  # into their work
            victims = list(server.workers().values())
            if victims:
                kill(victims[round_ % len(victims)])
            for one in connections:
                try:
                    answer = one.answer()
                except Closed:
                    lost += 1
                    continue
                if answer.status == 200:
                    said += answer.json()
                else:
                    lost += 1
    assert lost > 0, "nobody was killed at work"
    sums = server.get("/sums").json()
    assert set(sums) == {"store", "counter", "pairs"}
    assert said <= sums["store"] <= said + times * lost, (said, sums, lost)
    assert said <= sums["counter"] <= said + times * lost, (said, sums, lost)
    assert sums["pairs"] == [], "rows of which one half is newer than the other"


def test_rows_are_whole_whoever_reads_them(start):
    server = start("state", workers=3)
    with ExitStack() as stack:
        connections = [stack.enter_context(server.connect()) for _ in range(9)]
        for n, one in enumerate(connections):
            path = "/write?times=3000" if n % 3 else "/read?times=3000"
            one.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        assert [json.loads(one.answer().body) for one in connections] == [0] * 9
