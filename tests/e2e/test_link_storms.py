# SPDX-License-Identifier: Apache-2.0
"""The gateway's link in bad weather: floods from other nodes, links that flap, files that are gone when a gateway starts anew."""
import os
import shutil
import signal
import threading
import time

import pytest

from support.brokers import SERVERS
from support.measure import in_time, measured, own_memory
from support.nodes import STEADY, metrics, until_connected, until_degraded
from support.wait import until

SCOPE = "room:storm"
EVENTS = f"/events?scope={SCOPE}"


def new_gateway(one):
    killed = one.gateway()
    os.kill(killed, signal.SIGKILL)
    until(lambda: one.gateway() not in (None, killed), what="a new gateway")


@pytest.mark.parametrize("driver", list(SERVERS))
def test_a_gateway_that_starts_anew_while_a_file_of_the_link_is_gone_serves(certificates, serve, start, streams, tmp_path, driver):
    """Whoever rotates certificates must not stop the node, whenever a gateway dies."""
    ca = tmp_path / "ca.pem"
    shutil.copy(certificates.path("ca.pem"), ca)
    server = serve(driver, tls="server")
    a, b = (start(broker=server.url(), broker_tls_ca_file=file, **STEADY) for file in (ca, certificates.path("ca.pem")))
    until_connected(a, b)
    there = streams(b)
    far, = there.open(EVENTS)
    a.publish(SCOPE, "before")
    there.pump(lambda: far.data() == ["before"])
    ca.unlink()
    new_gateway(a)
    until_degraded(a)
    here = streams(a)
    near, = here.open(EVENTS)
    for n in range(5):
        assert a.publish(SCOPE, str(n)).status == 204
    here.pump(lambda: near.data() == ["0", "1", "2", "3", "4"], what="this node goes on")
    until(lambda: any("ca_file" in error["text"] for error in a.get("/broker").json()["last"]), what="a worker is told why")
    new_gateway(a)
    until_degraded(a)
    assert a.publish(SCOPE, "5").status == 204
    shutil.copy(certificates.path("ca.pem"), ca)
    until_connected(a)
    there.pump(lambda: len(far.data()) >= 7, what="what waited")
    assert far.data() == ["before", "0", "1", "2", "3", "4", "5"] and not far.data("gap")


def test_a_stream_that_was_open_before_the_link_is_told_of_what_it_may_have_missed(between, broker, start, streams):
    """The page was loaded, another node changed something, and only then did this node begin to hear."""
    proxy = between(broker, delay_seconds=0.5)
    proxy.mode = "delay"
    b = start(broker=broker.url(), **STEADY)
    until_connected(b)
    slow = {name: 20_000 for name in ("broker_connect_timeout_ms", "broker_probe_interval_ms")}
    a = start(wait=False, broker=broker.url(proxy.port), **slow)
    until(lambda: a.get("/_health").json()["workers"]["ready"] == 2, what="its workers")
    here = streams(a)
    early, = here.open(EVENTS)
    b.publish(SCOPE, "not heard there")
    until_connected(a)
    assert metrics(a)["failures_total"] == 0  # those would be told anyway
    late, = here.open(EVENTS)
    b.publish(SCOPE, "heard")
    here.pump(lambda: early.data() == ["heard"] == late.data())
    assert [event.name for event in early.events] == ["gap", "message"] and not late.data("gap")


def flood(broker, origin, stop):
    """Numbered messages of another node, as many as the broker takes."""
    n = 0
    with broker.raw() as raw:
        while not stop.is_set():
            raw.publish_all([b'{"scope":"%s","nodeId":"%s","seq":%d,"data":"%s"}'
                             % (SCOPE.encode(), origin.encode(), n + i, b"x" * 200) for i in range(1, 501)])
            n += 500


@measured
def test_a_flood_from_other_nodes_starves_nobody(broker, nodes, streams):
    [server] = nodes(broker.url(), workers=2, subscribe=[f"every:{SCOPE}"])
    some = streams(server, reconnect=True)
    crowd = some.open(EVENTS, 20)
    streams(server).open(EVENTS, 3)  # read nothing
    gateway, stop, slowest, memory = server.gateway(), threading.Event(), 0, 0
    senders = [threading.Thread(target=flood, args=(broker, f"flood{n}", stop)) for n in range(2)]
    for sender in senders:
        sender.start()
    try:
        until_time = time.monotonic() + 4
        while time.monotonic() < until_time or metrics(server)["received_total"] <= 5000:  # that were no flood
            for path in ("/_health/live", "/hello", "/metrics"):
                began = time.monotonic()
                assert server.get(path).status == 200
                slowest = max(slowest, time.monotonic() - began)
            some.step(0.02)
            memory = max(memory, own_memory(gateway))
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    count = metrics(server)["received_total"]
    print(f"{count:.0f} messages, slowest answer {slowest:.3f} s, {memory >> 20} MiB")
    in_time(slowest, 5, "the slowest answer")
    assert memory < 768 << 20  # the sanitizers' slowness and quarantine are in it
    assert server.gateway() == gateway
    until_connected(server)  # a broker drops who reads too slowly

    def over():
        server.publish(SCOPE, "over")
        return all(stream.data()[-1:] == ["over"] for stream in crowd)
    some.pump(over, what="they get well again")


@measured
def test_the_end_comes_in_time_though_the_broker_is_frozen(broker, start):
    one = start(broker=broker.url(), drain_timeout_ms=3000, **STEADY)
    until_connected(one)
    broker.freeze()
    for n in range(7):
        one.publish(SCOPE, str(n))
    began = time.monotonic()
    one.stop()
    took = time.monotonic() - began
    assert "broker_undelivered: 7 messages" in one.log(), one.log()
    broker.thaw()
    in_time(took, 8, "a drain of 3 s")


@measured
def test_a_link_that_flaps_is_no_storm_for_a_thousand_streams(between, broker, nodes, streams):
    proxy = between(broker)
    [server] = nodes(broker.url(proxy.port), workers=2, **{**STEADY, "broker_backoff_cap_ms": 100})
    crowd = streams(server)
    some = crowd.open(EVENTS, 1000)
    gateway, slowest, resyncs = server.gateway(), 0, metrics(server)["resyncs_total"]
    until_time = time.monotonic() + 5
    while time.monotonic() < until_time or metrics(server)["resyncs_total"] - resyncs < 3:
        proxy.cut()
        for _ in range(4):
            began = time.monotonic()
            assert server.get("/hello").status == 200
            slowest = max(slowest, time.monotonic() - began)
            crowd.step(0.05)
    until_connected(server)
    server.publish(SCOPE, "end")
    crowd.pump(lambda: all(stream.data() == ["end"] for stream in some), what="the end of it")
    told = [len(stream.data("gap")) for stream in some]
    resyncs = metrics(server)["resyncs_total"] - resyncs
    print(f"{resyncs:.0f} reconnects, {min(told)} to {max(told)} gaps a stream, slowest answer {slowest:.3f} s")
    assert resyncs >= 3 and 1 <= min(told) and max(told) <= resyncs
    assert server.gateway() == gateway
    in_time(slowest, 2, "the slowest answer")


def test_whatever_another_node_puts_into_a_message_stays_one_event(broker, nodes, streams):
    """Line ends, fields, names of ours, globs, a tab that is not theirs: nothing forges or crosses anything."""
    [server] = nodes(broker.url(), workers=2, subscribe=["every:*"])
    some = streams(server)
    [room] = some.open(EVENTS)
    [tab] = some.open("/events?scope=tab")
    [session] = some.open("/events?scope=session:abc")
    gaps = sum(server.get("/broker").json()["gaps"])
    message = '{"scope":"%s","nodeId":"other","seq":%d,"event":"%s","data":"%s"}'
    hostile = [(SCOPE, "gap", "x"), (SCOPE, "retry: 1", "x"), (SCOPE, "", "a\\r\\nid: 7:7\\r\\revent: evil\\n\\ndata: y"),
               ("tab", "", "not yours"), ("session:*", "", "to all sessions"), ("*", "", "to all"),
               (SCOPE, "", "end")]
    with broker.raw() as raw:
        malformed = metrics(server)["malformed_total"]
        for n, (scope, event, data) in enumerate(hostile, 1):
            raw.publish((message % (scope, n, event, data)).encode())
        for bad in ("a\\nb", "a\\rb", "a\\u0000b", "a" * 300):
            raw.publish((message % (SCOPE, 100, bad, "x")).encode())
        raw.publish((message % (SCOPE, len(hostile) + 1, "", "z" * (1 << 20))).encode())
        raw.publish((message % (SCOPE, len(hostile) + 2, "", "last")).encode())
    some.pump(lambda: room.data()[-1:] == ["last"])
    assert [(event.name, event.data) for event in room.events if event.data != "z" * (1 << 20)] == [
        ("gap", "x"), ("retry: 1", "x"), ("message", "a\nid: 7:7\n\nevent: evil\n\ndata: y"), ("message", "to all"),
        ("message", "end"), ("message", "last")]
    assert [event.data for event in tab.events] == ["to all"]
    assert [event.data for event in session.events] == ["to all sessions", "to all"]
    assert metrics(server)["gaps_total"] == 0 and sum(server.get("/broker").json()["gaps"]) == gaps
    print(metrics(server)["malformed_total"] - malformed, "refused")


@measured
def test_a_killed_supervisor_takes_all_with_it_though_the_broker_is_frozen(broker, start):
    one = start(broker=broker.url(), **STEADY)
    until_connected(one)
    broker.freeze()
    for n in range(50):
        one.publish(SCOPE, str(n))
    os.kill(one.process.pid, signal.SIGKILL)
    one.orphans_end(5)  # 1 s of grace, on a busy machine
    broker.thaw()
