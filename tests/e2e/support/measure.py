# SPDX-License-Identifier: Apache-2.0
"""What a server costs and how fast it answers, for comparisons within one run; and claims about time."""
import functools
import os
import select
import time

TRIES = 6


class TooSlow(AssertionError):
    """A claim about time that did not hold this time."""


def in_time(took, limit, what):
    """Claim that @what took less than @limit seconds, in a test that is @measured."""
    if took >= limit:
        raise TooSlow(f"{what}: {took:.3f} s, and {limit:.3f} s at most are claimed")


def few_tries(attempt, between=lambda: None):
    """What attempt() returns. What claims something about time has a few tries: a machine that does other things is slow
    now and then, a program that is slow is slow each time. Whatever else fails fails at once."""
    for tried in range(1, TRIES):
        try:
            return attempt()
        except TooSlow as slow:
            print(f"try {tried}: {slow}")
        between()
    return attempt()


def measured(test):
    """A whole test in a few tries."""
    @functools.wraps(test)
    def tries(**fixtures):
        def mend():
            for fixture in fixtures.values():
                if hasattr(fixture, "restart"):  # a broker, which the test may have left frozen
                    fixture.restart()
        return few_tries(lambda: test(**fixtures), mend)

    return tries


def unanswered(connection, what):
    """Claim that the answer to what was asked there is still to come: others did not have to wait for it."""
    if connection.buffer or select.select([connection.socket], [], [], 0)[0]:
        raise TooSlow(f"{what}: it was answered first")


def own_memory(pid):
    """Resident bytes that are the process's own: not the arena, which all share."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def latencies(server, count=200):
    """Seconds of each of @count requests: half on one connection, half each on a new one."""
    took = []
    with server.connect() as kept:
        for n in range(count):
            began = time.perf_counter()
            if n % 2:
                assert kept.get("/hello").status == 200
            else:
                assert server.get("/hello").status == 200
            took.append(time.perf_counter() - began)
    return sorted(took)


def median_latency(server, rounds=5):
    """The best of a few rounds: what else the machine does shall not be measured."""
    return min(latencies(server)[100] for _ in range(rounds))
