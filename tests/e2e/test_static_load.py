# SPDX-License-Identifier: Apache-2.0
"""Downloads that are large or many: memory stays flat, and others are served meanwhile."""
import hashlib
import os
import re
import socket
import subprocess
import time
from pathlib import Path

from support.leash import leashed
from support.measure import TooSlow, in_time, measured
from support.wait import PATIENCE, until

GIB = 1024 ** 3
GROWTH_KIB = 32 * 1024


def resident_kib(server, field="VmRSS"):
    return int(re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{server.gateway()}/status").read_text())[1])


def make_sparse(path, length):
    """Holes, and something to tell one place from another."""
    with open(path, "wb") as file:
        file.truncate(length)
        for offset in range(0, length, 64 * 1024 * 1024):
            file.seek(offset + offset // 977)
            file.write(b"here is byte %d" % offset)
    return file.name


def test_two_gibibytes_in_flat_memory(start, tmp_path):
    path = make_sparse(tmp_path / "sparse.bin", 2 * GIB)
    server = start(static_dir=tmp_path)
    server.get("/hello")
    before = resident_kib(server)
    host, port = server.address
    with subprocess.Popen(leashed(["curl", "-sf", f"http://{host}:{port}/sparse.bin"]), stdout=subprocess.PIPE) as download, \
            open(path, "rb") as file:
        got, expected, highest, length = hashlib.sha256(), hashlib.sha256(), before, 0
        while part := download.stdout.read(1 << 20):
            got.update(part)
            length += len(part)
            expected.update(file.read(len(part)))
            if length % (64 << 20) < len(part):
                highest = max(highest, resident_kib(server))
        assert file.read(1) == b""
    assert (length, got.hexdigest()) == (2 * GIB, expected.hexdigest())
    assert download.returncode == 0
    highest = max(highest, resident_kib(server, "VmHWM"))
    print(f"resident: {before} KiB before, {highest} KiB at most")
    assert highest - before < GROWTH_KIB


@measured
def test_two_hundred_slow_downloads_beside_fast_requests(start, tmp_path):
    make_sparse(tmp_path / "large.bin", GIB)
    (tmp_path / "small.txt").write_bytes(b"small\n")
    server = start(static_dir=tmp_path)
    with server.connect() as fast:
        fast.get("/hello")
        before = resident_kib(server)
        slow = []
        for _ in range(200):
            client = socket.create_connection(server.address, timeout=PATIENCE)
            client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n")
            client.setblocking(False)
            slow.append(client)
        got, took, end = dict.fromkeys(slow, 0), [], time.monotonic() + 4
        while time.monotonic() < end or len(took) <= 100 or not all(got.values()) and time.monotonic() < end + PATIENCE:
            for client in slow[:10]:  # a little from a few
                try:
                    got[client] += len(client.recv(16384))
                except BlockingIOError:
                    pass
            slow = slow[10:] + slow[:10]
            for path, body in (("/hello", b"Hello, world!\n"), ("/small.txt", b"small\n")):
                since = time.monotonic()
                assert fast.get(path).body == body
                took.append(time.monotonic() - since)
        highest = resident_kib(server, "VmHWM")
        fds = len(os.listdir(f"/proc/{server.gateway()}/fd"))
        for client in slow:
            client.close()
    took.sort()
    print(f"{len(took)} fast requests, median {took[len(took) // 2] * 1e3:.1f} ms, 99 % within "
          f"{took[len(took) * 99 // 100] * 1e3:.1f} ms; resident: {before} KiB before, {highest} KiB at most")
    assert all(got.values()), "a download stood still"
    assert highest - before < GROWTH_KIB
    until(lambda: len(os.listdir(f"/proc/{server.gateway()}/fd")) < fds - 390, what="descriptors are given back")
    in_time(took[len(took) * 99 // 100], 0.5, "99 of 100 requests beside slow downloads")


@measured
def test_greedy_downloads_do_not_starve_others(start, tmp_path):
    """Clients that take all they can get: each turn has room for the others."""
    path = make_sparse(tmp_path / "large.bin", 8 * GIB)
    server = start(static_dir=tmp_path)
    host, port = server.address
    greedy = [subprocess.Popen(leashed(["curl", "-s", "-o", "/dev/null", f"http://{host}:{port}/{os.path.basename(path)}"]))
              for _ in range(8)]
    try:
        took = []
        with server.connect() as fast:
            for _ in range(200):
                since = time.monotonic()
                assert fast.get("/hello").status == 200
                took.append(time.monotonic() - since)
        if all(one.poll() is not None for one in greedy):
            raise TooSlow("the downloads were over too soon to tell")
    finally:
        for one in greedy:
            one.kill()
            one.wait()
    took.sort()
    print(f"median {took[100] * 1e3:.1f} ms, 99 % within {took[198] * 1e3:.1f} ms")
    in_time(took[198], 0.5, "99 of 100 requests beside greedy downloads")
