# SPDX-License-Identifier: Apache-2.0
"""What a server costs and how fast it answers, for comparisons within one run."""
import os
import time


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
