# SPDX-License-Identifier: Apache-2.0
"""Crowds that want to hold the server up: slow headers, slow bodies, floods, ten thousand connections.

Others are served meanwhile, as fast as before in the same run. Loopback only; each crowd is bounded."""
import contextlib
import json

import pytest

from support.crowd import Crowd
from support.measure import TooSlow, descriptors, in_time, measured, median_latency, own_memory
from support.wait import until


def refused(server, reason):
    line = next(line for line in server.get("/metrics").text.splitlines() if f'reason="{reason}"' in line)
    return int(line.rpartition(" ")[2])


def note(artifacts, name, **values):
    """What was measured, for a person to read."""
    (artifacts / f"{name}.json").write_text(json.dumps(values, indent=1) + "\n")


@pytest.mark.parametrize("mode, count, target, status, reason", [
    ("loris", 1000, "/hello", "408", "header_timeout"),
    ("body", 200, "/echo", "408", "body_timeout"),
    ("silent", 1000, "/hello", None, None),
], ids=["slow-loris x 1000", "slow body x 200", "silent x 1000"])
@measured
def test_slow_clients_delay_nobody_and_are_let_go(start, artifacts, mode, count, target, status, reason):
    server = start(workers=2, header_timeout_ms=3000, body_timeout_ms=3000, idle_timeout_ms=3000)
    before = median_latency(server)
    open_before = descriptors(server.gateway())
    with Crowd(server.address, count, mode, target) as crowd:
        crowd.until(lambda now: now["ready"] == count)
        beside = median_latency(server)
        if crowd.now["open"] == 0:
            raise TooSlow("the crowd was gone before the latency was measured")
        end = crowd.until(lambda now: now["open"] == 0)
    assert end["statuses"] == ({status: count} if status else {})
    if reason:
        assert refused(server, reason) == count
    until(lambda: descriptors(server.gateway()) <= open_before + 1, what="their descriptors are free")
    note(artifacts, mode, count=count, median_before_ms=before * 1000, median_beside_ms=beside * 1000)
    in_time(beside, 2 * before + 0.001, "the median of a request beside the crowd")


@pytest.mark.parametrize("mode", ["idle", "stream"])
@measured
def test_10000_connections_are_held_while_others_are_served(start, artifacts, mode):
    each, crowds = 5000, 2
    server = start(workers=2, idle_timeout_ms=900000, max_queue=20000)  # they all come at once
    gateway = server.gateway()
    before_latency, before = median_latency(server), own_memory(gateway)
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(Crowd(server.address, each, mode, "/events?scope=crowd" if mode == "stream" else "/hello"))
                for _ in range(crowds)]
        for crowd in held:
            crowd.until(lambda now: now["ready"] == each)
            assert crowd.now["statuses"] == {"200": each} and crowd.now["failed"] == 0
        bytes_each = (own_memory(gateway) - before) / (each * crowds)
        beside = median_latency(server)
        health = server.health()
        assert health["status"] == "ok"
        if mode == "stream":
            server.publish("crowd", "hello")
            for crowd in held:
                crowd.until(lambda now: now["events"] == each)
            assert all(crowd.now["closed"] == 0 for crowd in held)
        until(lambda: f"viaduct_http_connections_open {each * crowds + 1}\n" in server.get("/metrics").text, what="all are still open")
    until(lambda: "viaduct_http_connections_open 1\n" in server.get("/metrics").text, what="all of them are gone")
    after = own_memory(gateway)
    note(artifacts, f"held_{mode}", connections=each * crowds, bytes_each=bytes_each, median_before_ms=before_latency * 1000,
         median_beside_ms=beside * 1000, bytes_left_behind=after - before)
    assert bytes_each < 4096, f"{bytes_each:.0f} bytes for each {mode} connection"
    in_time(beside, 2 * before_latency + 0.001, "the median of a request beside 10,000 connections")


@measured
def test_slow_uploads_do_not_hold_all_workers(start):
    """What a body has beyond the buffer occupies a worker for as long as the client takes."""
    server = start(workers=4, request_buffer_bytes=65536, body_timeout_ms=600_000)
    body = b"x" * 1_000_000
    head = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
    before = median_latency(server)
    uploads = [server.connect() for _ in range(12)]
    for connection in uploads:
        connection.send(head + body[:400_000])
    health = until(lambda: (now := server.get("/metrics").text) and "viaduct_http_queue_depth 10\n" in now,
                   what="two uploads are at workers, ten wait")
    assert health
    beside = median_latency(server)
    for connection in uploads[:6]:
        connection.close()  # at a worker or not
    for connection in uploads[6:]:
        connection.send(body[400_000:])
    for connection in uploads[6:]:
        assert connection.answer().body == body
        connection.close()
    in_time(beside, 2 * before + 0.001, "the median of a request beside slow uploads")


@measured
def test_a_flood_from_one_address_leaves_the_others_alone(start, artifacts):
    server = start(workers=2, max_address_connections=50)
    before = median_latency(server)
    with Crowd(server.address, 3000, "silent") as crowd:
        # The flood comes from 127.0.0.1; who is measured must come from somewhere else.
        crowd.until(lambda now: now["closed"] >= 2950)
        elsewhere = Elsewhere(server)
        beside = median_latency(elsewhere)
        assert crowd.now["open"] <= 50
        assert set(crowd.now["statuses"]) <= {"503"}
        metrics = elsewhere.get("/metrics").text
    counted = next(line for line in metrics.splitlines() if "address_connections" in line and not line.startswith("#"))
    assert int(counted.rpartition(" ")[2]) >= 2950
    note(artifacts, "flood", median_before_ms=before * 1000, median_beside_ms=beside * 1000)
    in_time(beside, 2 * before + 0.001, "the median of a request beside the flood")


class Elsewhere:
    """The same server, asked from another address of the loopback network."""

    def __init__(self, server):
        self.server = server

    def connect(self):
        return self.server.connect(source="127.0.0.9")

    def get(self, target):
        with self.connect() as connection:
            return connection.get(target)
