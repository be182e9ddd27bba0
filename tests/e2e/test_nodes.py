# SPDX-License-Identifier: Apache-2.0
"""Two nodes of four workers on one broker, and streams on both: what is published on either reaches each stream
once and in the order of its sender. While the broker or the links break, nothing is lost without a gap event."""
import os
import random
import signal

import pytest

from support.brokers import SERVERS
from support.nodes import QUICK, STEADY, judge, metrics, until_confirmed, until_connected, until_degraded
from support.senders import Brake, Sender, check_senders, run_senders
from support.wait import until

PHP = os.environ.get("VIADUCT_E2E_APP") == "php"
FOR_EVER = 10**9
SCOPES = [f"room:{n}" for n in range(5)]
# Enough for a machine that is busy with other things: no node shall drop anything for that.
ROOMY = {"broker_outbox_messages": 100_000, "broker_outbox_bytes": 64 << 20}


def open_audience(streams, servers):
    """On each node: three streams a room, one of each two rooms, two of all by two patterns."""
    audience = []
    for server in servers:
        some = streams(server)
        for n, scope in enumerate(SCOPES):
            audience += [(stream, [scope]) for stream in some.open(f"/events?scope={scope}", count=3)]
            two = [scope, SCOPES[n - 1]]
            audience += [(stream, two) for stream in some.open(f"/events?scope={'&scope='.join(two)}")]
        audience += [(stream, SCOPES) for stream in some.open("/events?scope=room:*&scope=room:1", count=2)]
        yield some, audience
        audience = []


class Cluster:
    """Nodes, an audience on each and four senders to each."""

    def __init__(self, streams, servers):
        self.servers, self.crowds = servers, []
        self.audience = []
        for some, audience in open_audience(streams, servers):
            self.crowds.append(some)
            self.audience += audience
        self.senders, self.brake = [], Brake()

    def send(self, count=FOR_EVER, name="s"):
        pause, brake = (0.01, self.brake) if count == FOR_EVER else (0.0, None)
        fresh = [Sender(server, f"{name}{node}.{n}", SCOPES, count, pause=pause, brake=brake)
                 for node, server in enumerate(self.servers) for n in range(4)]
        self.senders += fresh
        done = run_senders(fresh)
        return lambda: not done()

    def sent(self):
        return sum(sender.done for sender in self.senders)

    def pump(self, done, what="the streams' condition"):
        def step():
            for some in self.crowds:
                some.step(0.002)
            assert all(stream.state == "open" for stream, _ in self.audience), "a stream ended"
            return done()
        until(step, what=what, every=0)

    def pump_more(self, count):
        check_senders(self.senders)
        gone = self.brake.go(count)
        self.pump(lambda: gone() or check_senders(self.senders), what=f"{count} more are sent")

    def stop(self):
        for sender in self.senders:
            sender.stopping = True
        self.pump(lambda: not any(sender.is_alive() for sender in self.senders), what="the senders stop")
        check_senders(self.senders)

    def finish(self):
        """Nothing breaks any more: what is sent from now on reaches everybody, which is how all before it has."""
        until_connected(*self.servers)
        running = self.send(len(SCOPES), "last")
        marks = {scope: {f"{sender.name_} {n}" for sender in self.senders if sender.name_.startswith("last")
                         for n, one in enumerate(SCOPES) if one == scope} for scope in SCOPES}

        def complete():
            return not running() and all({mark for scope in scopes for mark in marks[scope]}
                                         <= {event.data for event in stream.events[-5000:]} for stream, scopes in self.audience)
        self.pump(complete, what="the last messages reach every stream")
        check_senders(self.senders)

    def missing(self, node=None):
        """Nothing twice, nothing out of order, nothing missing without a gap event; returns how much with one. A node
        whose link flaps tells of gaps once a second at most: the last one may be on its way."""
        crowd = [one for one in self.audience if node is None or one[0] in self.crowds[node].all]
        missing, wrong = [], []

        def judged():
            try:
                missing[:] = [judge(stream, scopes, self.senders) for stream, scopes in crowd]
            except AssertionError as error:
                wrong[:] = [error]
                return False
            return True
        self.pump(judged, what=lambda: wrong[0])
        return sum(missing)

    def gaps(self, node=None):
        return sum(len(stream.data("gap")) for stream, _ in self.audience
                   if node is None or stream in self.crowds[node].all)


def test_each_stream_of_each_node_gets_each_message_once_and_in_order(broker, nodes, streams):
    servers = nodes(broker.url(), broker.url(), workers=4, **ROOMY)
    cluster = Cluster(streams, servers)
    running = cluster.send(250)
    cluster.pump(lambda: not running(), what="all is sent")
    cluster.finish()
    assert cluster.missing() == 0 and cluster.gaps() == 0
    assert all(stream.connects == 1 for stream, _ in cluster.audience)
    for node in range(2):
        of_node = [sender for sender in cluster.senders if sender.server is servers[node]]
        assert set.union(*(sender.workers for sender in of_node)) == {0, 1, 2, 3}
        counted = metrics(servers[node])
        published = sum(len(sender.acknowledged) for sender in of_node)
        assert counted["published_total"] == published
        assert counted["received_total"] == sum(len(sender.acknowledged) for sender in cluster.senders) - published
        until(lambda: metrics(servers[node])["own_filtered_total"] >= published, what="its own come back")
        assert all(counted[f"{name}_total"] == 0 for name in ("duplicates", "malformed", "gaps", "outbox_drops", "inbox_drops"))


def test_nothing_is_lost_in_silence_while_the_broker_restarts(broker, nodes, streams):
    servers = nodes(broker.url(), broker.url(), workers=4, **STEADY, **ROOMY)
    cluster = Cluster(streams, servers)
    cluster.send()
    for how in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL)[PHP:]:  # in PHP the pauses between attempts are as they are in earnest
        cluster.pump_more(300)
        before = [metrics(server)["reconnects_total"] for server in servers]
        broker.kill(how)
        cluster.pump_more(100)  # nobody waits for the broker
        broker.start()
        cluster.pump(lambda: all(metrics(server)["reconnects_total"] > one for server, one in zip(servers, before)), what="connected again")
    cluster.pump_more(300)
    cluster.stop()
    cluster.finish()
    missing = cluster.missing()
    print(f"{cluster.sent()} sent, {missing} missing on {len(cluster.audience)} streams, {cluster.gaps()} gaps told")
    assert all(stream.connects == 1 for stream, _ in cluster.audience)
    for server in servers:
        counted = metrics(server)
        assert min(counted[f"{name}_total"] for name in ("reconnects", "resyncs", "failures")) >= 3 - PHP
        assert counted["outbox_drops_total"] == 0


def test_what_a_node_sent_into_a_cut_link_is_sent_again(broker, between, nodes, streams):
    """Only the first node's link is cut: the second one misses nothing and is told no gap."""
    proxy = between(broker)
    servers = nodes(broker.url(proxy.port), broker.url(), workers=4, **STEADY, **ROOMY)
    cluster = Cluster(streams, servers)
    cluster.send()
    chance = random.Random(4)
    for _ in range(2 if PHP else 8):
        cluster.pump_more(chance.randrange(20, 200))
        before = metrics(servers[0])["reconnects_total"]
        proxy.cut()
        cluster.pump(lambda: metrics(servers[0])["reconnects_total"] > before, what="connected again")
    cluster.stop()
    cluster.finish()
    missing = cluster.missing()
    print(f"{cluster.sent()} sent, {missing} missing; {metrics(servers[1])['duplicates_total']} came twice to the second node")
    assert cluster.missing(1) == 0 and cluster.gaps(1) == 0


def publish(server, count, scope="a"):
    with server.connect() as connection:
        for n in range(count):
            assert connection.publish(scope, str(n)).status == 204


def test_a_killed_gateway_loses_nothing_of_a_full_outbox(broker, between, nodes, streams):
    proxy = between(broker)
    one, two = nodes(broker.url(proxy.port), broker.url(), broker_outbox_messages=100, **STEADY)
    some = streams(two)
    [stream] = some.open("/events?scope=a")
    proxy.mode = "refuse"
    until_degraded(one)
    publish(one, 100)
    victim = one.gateway()
    os.kill(victim, signal.SIGKILL)
    until(lambda: one.gateway() not in (None, victim), what="another gateway")
    proxy.mode = "pass"
    until_connected(one)
    some.pump(lambda: stream.data() and stream.data()[-1] == "99")
    assert [event.data for event in stream.events] == [str(n) for n in range(100)], "all, once, in order"


def test_a_node_that_stops_hands_over_what_it_has(broker, nodes, streams):
    one, two = nodes(broker.url(), broker.url(), **STEADY)
    some = streams(two)
    [stream] = some.open("/events?scope=a")
    publish(one, 300)
    one.stop()
    some.pump(lambda: len(stream.events) == 300)
    assert [event.data for event in stream.events] == [str(n) for n in range(300)]
    assert two.health()["status"] == "ok"
    [three] = nodes(broker.url(), **STEADY)  # and its successor needs no introduction
    publish(three, 10)
    some.pump(lambda: len(stream.events) == 310)
    assert not stream.data("gap")


@pytest.mark.parametrize("driver", list(SERVERS))
def test_a_node_that_the_broker_drops_for_being_slow_is_told(serve, between, nodes, streams, driver):
    """What was buffered for it is lost: that is a gap, and nobody else's business."""
    broker = serve(driver, impatient=True)
    proxy = between(broker)
    one, two = nodes(broker.url(), broker.url(), **STEADY)
    [slow] = nodes(broker.url(proxy.port), **QUICK)
    seen = {}
    for server in (two, slow):
        some = streams(server, reconnect=True)  # what comes at once may be more than its node keeps for a stream
        seen[server] = (some, some.open("/events?scope=a")[0])
    proxy.mode = "freeze"
    some, stream = seen[two]
    for n in range(1, 25):  # half of what may be buffered for a node at a time, more than all buffers on the way in all
        assert one.post("/flood?scope=a&count=500&bytes=1000").status == 200
        some.pump(lambda: len(stream.events) == n * 500, what="nobody waits for the slow one")
    assert not stream.data("gap")
    proxy.mode = "pass"
    until(lambda: metrics(slow)["resyncs_total"] >= 1, what="it was dropped and came back")
    until_connected(slow)
    assert one.publish("a", "the last").status == 204
    some, stream = seen[slow]
    some.pump(lambda: stream.data() and stream.data()[-1] == "the last" and stream.data("gap"))
    assert len(stream.data()) < 12_000


@pytest.mark.parametrize("policy", ["drop-oldest", "fail"])
def test_a_full_outbox_drops_the_oldest_or_refuses(broker, between, nodes, streams, policy):
    proxy = between(broker)
    one, two = nodes(broker.url(proxy.port), broker.url(), broker_outbox_messages=100, broker_outbox_policy=policy, **STEADY)
    some = streams(two)
    [stream] = some.open("/events?scope=a")
    here = streams(one)
    [own] = here.open("/events?scope=a")
    assert one.publish("a", "-1").status == 204
    some.pump(lambda: stream.data() == ["-1"])
    until_confirmed(one)
    proxy.mode = "refuse"
    until_degraded(one)
    with one.connect() as connection:
        statuses = [connection.publish("a", str(n)).status for n in range(150)]
    counted = metrics(one)
    assert counted["outbox_messages"] == 100
    if policy == "fail":  # neither here nor there
        assert statuses == [204] * 100 + [503] * 50, statuses
        assert counted["outbox_drops_total"] == 0
    else:
        assert statuses == [204] * 150
        assert counted["outbox_drops_total"] == 50
    here.pump(lambda: own.data()[-1:] == ["149" if policy == "drop-oldest" else "99"])
    proxy.mode = "pass"
    until_connected(one)
    assert one.publish("a", "150").status == 204
    some.pump(lambda: stream.data()[-1] == "150")
    arrived = [event.data if event.name == "message" else "gap" for event in stream.events]
    if policy == "fail":
        assert arrived == [str(n) for n in [*range(-1, 100), 150]]
    else:  # the gap stands where the messages are missing
        assert arrived == ["-1", "gap", *[str(n) for n in range(50, 151)]]


def test_a_browser_that_comes_to_another_node_loads_anew(broker, nodes, streams):
    """What it has seen is known to the node that it came from."""
    one, two = nodes(broker.url(), broker.url())
    here, there = streams(one), streams(two)
    [stream] = here.open("/events?scope=a")
    publish(one, 3)
    here.pump(lambda: len(stream.events) == 3)
    here.close([stream])
    until(lambda: metrics(two)["received_total"] == 3, what="the other node has them, too")
    [moved] = there.open("/events?scope=a", last_id=stream.last_id)
    there.pump(lambda: moved.data("gap"))
    publish(one, 1)
    there.pump(lambda: moved.data() == ["0"])
