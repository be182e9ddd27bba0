# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with the broker: the node says so in time, serves as before, recovers by itself, tells no secrets."""
import time

import pytest

from support.brokers import SERVERS
from support.measure import in_time, measured, median_latency
from support.nodes import PROBE_SECONDS, QUICK, STEADY, metrics, until_connected, until_degraded
from support.wait import until

BUSY_MACHINE = 2.0  # seconds that a look may come late here


def refused(broker, proxy):
    proxy.mode = "refuse"
    return lambda: setattr(proxy, "mode", "pass")


def dropped(broker, proxy):
    """The server dies and comes back."""
    broker.kill()
    return broker.start


def frozen(broker, proxy):
    broker.freeze()
    return broker.thaw


def half_open(broker, proxy):
    """Nothing arrives any more, in either direction, and nobody says so."""
    proxy.mode = "freeze"
    return lambda: setattr(proxy, "mode", "pass")


def half_closed(broker, proxy):
    proxy.mode = "mute"  # and the next attempt hears nothing
    proxy.half_close()
    return lambda: setattr(proxy, "mode", "pass")


def deaf(broker, proxy):
    """Every answer comes but no message does."""
    proxy.mode = "deaf"
    return lambda: setattr(proxy, "mode", "pass")


def mute(broker, proxy):
    proxy.mode = "mute"
    proxy.cut()
    return lambda: setattr(proxy, "mode", "pass")


@pytest.mark.parametrize("fault", [refused, dropped, frozen, half_open, half_closed, deaf, mute])
@measured
def test_a_broken_link_is_told_within_two_probe_intervals_and_mended(broker, between, nodes, streams, fault):
    proxy = between(broker)
    [server] = nodes(broker.url(proxy.port), workers=2, **QUICK)
    some = streams(server)
    [stream] = some.open("/events?scope=a")
    before = metrics(server)
    began = time.monotonic()
    mend = fault(broker, proxy)
    until_degraded(server)
    took = time.monotonic() - began
    # The node's own pages go on.
    assert server.publish("a", "while it was broken").status == 204
    some.pump(lambda: "while it was broken" in stream.data())
    mend()
    until_connected(server)
    after = metrics(server)
    assert after["failures_total"] > before["failures_total"] and after["reconnects_total"] > before["reconnects_total"]
    assert after["resyncs_total"] > before["resyncs_total"]
    some.pump(lambda: stream.data("gap"), what="the stream is told that it may have missed something")
    assert server.publish("a", "mended").status == 204
    some.pump(lambda: "mended" in stream.data())
    assert stream.connects == 1
    in_time(took, 2 * PROBE_SECONDS + BUSY_MACHINE, "until it was degraded")


def test_a_broker_that_is_not_there_at_the_start(broker, start, streams):
    """Nothing waits for it: the node serves, says degraded, and is well as soon as the broker is."""
    broker.kill()
    server = start(broker=broker.url(), wait=False, workers=2, **QUICK)
    until(lambda: server.get("/_health").status == 503 and server.health()["workers"]["ready"] == 2, what="degraded, with two workers")
    until_degraded(server)
    some = streams(server)
    [stream] = some.open("/events?scope=a")
    assert server.get("/pid").status == 200
    assert server.publish("a", "alone").status == 204
    some.pump(lambda: stream.data() == ["alone"])
    until(lambda: metrics(server)["failed_attempts"] >= 2, what="it tries again and again")
    assert metrics(server)["outbox_messages"] == 1
    broker.start()
    until_connected(server)
    until(lambda: metrics(server)["outbox_messages"] == 0, what="what waited is sent")


@measured
def test_requests_and_streams_are_as_fast_while_the_broker_is_frozen_or_flaps(broker, between, nodes, streams):
    proxy = between(broker)
    [server] = nodes(broker.url(proxy.port), workers=2, **QUICK)
    some = streams(server)
    [stream] = some.open("/events?scope=a")
    well = median_latency(server)
    broker.freeze()
    frozen = median_latency(server)
    until_degraded(server)
    assert server.publish("a", "frozen").status == 204
    some.pump(lambda: stream.data() == ["frozen"])
    broker.thaw()
    until_connected(server)
    flapping = []
    for _ in range(3):
        proxy.mode = "refuse"
        flapping.append(median_latency(server, rounds=1))
        proxy.mode = "pass"
        flapping.append(median_latency(server, rounds=1))
    # Generous: others run beside this. A loop that waited for the broker would stand for hundreds of milliseconds.
    in_time(frozen, 5 * well + 0.005, "the median of a request beside a frozen broker")
    in_time(min(flapping), 5 * well + 0.005, "the median of a request beside one that flaps")


@measured
def test_a_slow_broker_works_and_its_round_trip_says_so(broker, between, nodes, streams):
    proxy = between(broker, delay_seconds=0.2)
    quick, slow = nodes(broker.url(), broker.url(proxy.port), broker_probe_interval_ms=2000)
    proxy.mode = "delay"
    until(lambda: metrics(slow)["round_trip_seconds"] >= 0.4, what="a round trip of twice 200 ms")
    some = streams(slow)
    [stream] = some.open("/events?scope=a")
    before = metrics(slow)["failures_total"]
    for n in range(100):
        assert quick.publish("a", str(n)).status == 204
    some.pump(lambda: len(stream.data()) == 100)
    assert stream.data() == [str(n) for n in range(100)] and not stream.data("gap")
    assert metrics(slow)["failures_total"] == before
    in_time(metrics(quick)["round_trip_seconds"], 0.2, "the round trip of the other node")


def test_an_outbox_keeps_what_is_published_while_the_broker_is_down(broker, nodes, streams):
    one, two = nodes(broker.url(), broker.url(), **STEADY)
    some = streams(two)
    [stream] = some.open("/events?scope=a")
    broker.kill()
    until_degraded(one)
    until_degraded(two)
    with one.connect() as connection:
        for n in range(500):
            assert connection.publish("a", str(n)).status == 204
    assert metrics(one)["outbox_messages"] == 500 and metrics(one)["outbox_bytes"] > 500
    broker.start()
    until_connected(one, two)
    # Both come back at their own time: the second node may have missed what the first one sent before, and is told so.
    some.pump(lambda: stream.data("gap"), what="told when it was connected again")
    until(lambda: metrics(one)["outbox_messages"] == 0, what="what waited is sent")
    assert one.publish("a", "after it").status == 204
    some.pump(lambda: stream.data()[-1:] == ["after it"])
    numbers = [int(n) for n in stream.data()[:-1]]
    assert numbers == list(range(500 - len(numbers), 500))
    assert metrics(one)["outbox_drops_total"] == 0


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("username", ["node", None])
@pytest.mark.parametrize("driver", list(SERVERS))
def test_secrets_and_addresses_are_nowhere(serve, start, driver, username, right):
    """Whether they are right or wrong, and the broker is there or not."""
    broker = serve(driver, username=username, password="pa55word/%+")
    url = broker.url()
    if not right:
        broker.kill()
        broker.password = "another one"
        broker.start()
    server = start(broker=url, wait=right, log_level="debug", **QUICK)
    until(lambda: metrics(server)["connected"] if right else metrics(server)["failed_attempts"] >= 2)
    broker.kill()
    until_degraded(server)
    public = server.get("/_health").text + server.get("/metrics").text
    assert "127.0.0.1" not in public and str(broker.port) not in public
    said = public + server.log()
    for secret in ("pa55word", "cGE1NXdvcmQ"):
        assert secret not in said
