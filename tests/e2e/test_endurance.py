# SPDX-License-Identifier: Apache-2.0
"""Nothing grows: no descriptor, no memory, over many requests of every kind.

100,000 requests by default; VIADUCT_ENDURANCE_REQUESTS=1000000 for the long run."""
import json
import os
import subprocess

from support.leash import leashed
from support.measure import descriptors, own_memory
from support.smuggling import REFUSED
from support.wait import until
from test_smuggling import refusal_failure

REQUESTS = int(os.environ.get("VIADUCT_ENDURANCE_REQUESTS", "100000"))
GROWTH_BYTES = 1024 * 1024  # what an allocator may move by; one lost block a request would be three times as much


def load(server, path, count, *options):
    done = subprocess.run(leashed(["h2load", "--h1", "-n", str(count), "-c", "50", "-t", "1", *options,
                                   f"http://{server.address[0]}:{server.address[1]}{path}"]),
                          capture_output=True, text=True, timeout=600, check=True)
    assert f"{count} succeeded, 0 failed" in done.stdout, done.stdout


def a_bit_of_everything(server, count, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b"x" * 20000)
    load(server, "/hello", count * 6 // 10)
    load(server, "/hello", count // 10, "-m", "8")
    load(server, "/big?bytes=30000", count // 10)
    load(server, "/echo", count // 10, "-d", str(body))
    load(server, "/_health", count // 20)
    load(server, "/hello", count // 20, "-H", "Connection: close")
    for name in REFUSED:
        assert refusal_failure(server, name, 1 << 20) is None


def processes(server):
    return {"gateway": server.gateway(), **{f"worker {place}": pid for place, pid in server.workers().items()}}


def levels(server):
    until(lambda: "viaduct_http_connections_open 1\n" in server.get("/metrics").text, what="all connections are gone")
    return {name: (descriptors(pid), own_memory(pid)) for name, pid in processes(server).items()}


def test_nothing_grows(flat, start, artifacts, tmp_path):
    server = start(workers=2)
    pids = processes(server)
    a_bit_of_everything(server, 10000, tmp_path)  # warm: caches and arenas of the allocator have their size
    before = levels(server)
    a_bit_of_everything(server, REQUESTS, tmp_path)
    after = levels(server)
    assert processes(server) == pids, "a process died"
    growth = {name: {"descriptors": after[name][0] - before[name][0], "bytes": after[name][1] - before[name][1],
                     "resident": after[name][1]} for name in before}
    (artifacts / "growth.json").write_text(json.dumps({"requests": REQUESTS, **growth}, indent=1) + "\n")
    for name, now in growth.items():
        assert now["descriptors"] <= 1, growth  # the one that asks
        assert now["bytes"] < GROWTH_BYTES, growth
