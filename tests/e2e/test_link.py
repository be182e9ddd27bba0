# SPDX-License-Identifier: Apache-2.0
"""The gateway's link to other nodes: whatever happens to it or to the gateway, who is told what."""
import os
import random
import signal
import threading
import time

import pytest

from support.brokers import SERVERS
from support.http import Closed
from support.nodes import QUICK, STEADY, judge, metrics, until_confirmed, until_connected, until_degraded
from support.senders import Brake, Sender, check_senders, run_senders
from support.server import kill
from support.wait import until

SCOPE = "room:link"
EVENTS = f"/events?scope={SCOPE}"


@pytest.fixture(params=sorted(SERVERS))
def server(request, tmp_path):
    """The broker's server, not started yet."""
    one = SERVERS[request.param](tmp_path / "broker")
    yield one
    one.kill()


@pytest.fixture
def node(server, start):  # in this order: the nodes end before their broker does
    """node(workers=2, ..) -> one more node on the server; through: a proxy between them."""
    def starter(workers=2, through=None, **options):
        url = server.url(through.port if through else None)
        return start(workers=workers, wait=False, broker=url, **{**STEADY, **options})
    return starter


def workers_ready(*nodes):
    for one in nodes:
        until(lambda one=one: one.health()["workers"]["ready"] == one.health()["workers"]["configured"], what="the workers are ready")


def broker(one):
    """What the workers of a node were told: {"errors": 2, "last": [..], "gaps": [0, 1]}."""
    return one.get("/broker").json()


def pair(node, server, through=None, **options):
    """Two nodes; the first one's link can be cut alone."""
    server.start()
    both = node(through=through, **options), node(**options)
    until_connected(*both)
    workers_ready(*both)
    return both


def settled(some, one, mark):
    """Everything published before has arrived: a mark comes last."""
    one.publish(SCOPE, mark)
    return lambda: all(stream.events and stream.events[-1].data == mark for stream in some)


def test_a_message_reaches_the_streams_and_subscriptions_of_the_other_node(node, server, streams):
    a, b = pair(node, server, subscribe=[f"once:{SCOPE}", "every:room:*"])
    there, here = streams(b), streams(a)
    far, near = there.open(EVENTS, 3), here.open(EVENTS, 2)
    for n in range(50):
        a.publish(SCOPE, f"from a {n}")
    wanted = [f"from a {n}" for n in range(50)]
    there.pump(lambda: all(stream.data() == wanted for stream in far), what="all on the other node")
    here.pump(lambda: all(stream.data() == wanted for stream in near), what="all on the own node")
    def counts(one):
        seen = one.get("/subs").json()
        return sum(seen[f"once:{SCOPE}"]), seen["every:room:*"]
    for one in (a, b):  # once per node and message, and in every worker
        until(lambda one=one: counts(one) == (50, [50, 50]), what="the subscriptions")
    assert metrics(a)["published_total"] == 50 and metrics(b)["received_total"] == 50
    assert metrics(b)["own_filtered_total"] == 0 == metrics(b)["gaps_total"]
    assert a.health()["broker"] == {"driver": server.display, "connected": True}


def test_a_burst_comes_no_faster_than_the_broker_takes_it(node, server, streams):
    patient = {"broker_probe_interval_ms": 10_000, "publish_timeout_ms": 20_000, "broker_inbox_bytes": 64 << 20}  # a busy machine
    a, b = pair(node, server, history_log_bytes=64 << 20, history_per_scope=100_000, stream_queue_bytes=64 << 20, **patient)
    there = streams(b)
    far, = there.open(EVENTS)
    with a.connect() as connection:
        connection.send(f"POST /flood?scope={SCOPE}&count=100000&bytes=200 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        assert connection.answer("POST").status == 200
    there.pump(lambda: len(far.events) >= 100_000, what="all of them")
    assert [int(event.data.split()[1]) for event in far.events] == list(range(1, 100_001))
    assert metrics(a)["outbox_drops_total"] == 0 == metrics(b)["gaps_total"]


def test_what_belongs_to_a_tab_stays_here_and_uses_no_number(node, server, streams):
    a, b = pair(node, server)
    there, here = streams(b), streams(a)
    far, near = there.open("/events?scope=tab&scope=" + SCOPE), here.open("/events?scope=tab&scope=" + SCOPE)
    for n in range(5):
        a.publish("tab", f"tab {n}")
        a.publish(SCOPE, f"all {n}")
    there.pump(lambda: far[0].data() == [f"all {n}" for n in range(5)])
    here.pump(lambda: len(near[0].data()) == 10)
    assert metrics(b)["gaps_total"] == 0


def test_missed_messages_of_other_nodes_are_replayed(node, server, streams):
    a, b = pair(node, server)
    first = streams(b)
    stream, = first.open(EVENTS)
    a.publish(SCOPE, "seen")
    first.pump(lambda: stream.data() == ["seen"])
    last = stream.last_id
    first.close([stream])
    a.publish(SCOPE, "missed")
    until(lambda: metrics(b)["received_total"] == 2)
    again = streams(b, reconnect=True)
    late, = again.open(EVENTS, last_id=last)
    again.pump(lambda: late.data() == ["missed"])
    assert not late.data("gap")


def test_a_node_starts_without_its_broker_and_says_so(node, server, streams):
    one = node()
    workers_ready(one)
    until_degraded(one)
    assert one.health()["reasons"] == ["broker_disconnected"]
    here = streams(one)
    stream, = here.open(EVENTS)
    one.publish(SCOPE, "alone")
    here.pump(lambda: stream.data() == ["alone"])  # as if nothing was
    server.start()
    until_connected(one)
    assert metrics(one)["failures_total"] >= 1
    until(lambda: metrics(one)["outbox_messages"] == 0, what="what waited is delivered")


def test_each_failure_is_told_to_one_worker_once(node, server):
    one = node(workers=3)
    workers_ready(one)
    until(lambda: broker(one)["errors"] >= 6, what="six attempts fail")
    server.start()
    until_connected(one)
    until(lambda: broker(one)["errors"] == metrics(one)["failures_total"], what="each failure was told")
    told = broker(one)["last"]
    assert len(told) == broker(one)["errors"]
    assert sorted(error["attempt"] for error in told) == list(range(1, len(told) + 1))
    assert {error["worker"] for error in told} == {0, 1, 2}
    assert all(error["code"] == "VD_ERR_CONNECTION" and error["driver"] == server.display and error["text"] for error in told), told
    assert all(0 <= error["next_delay_ms"] <= STEADY["broker_backoff_cap_ms"] for error in told)
    before = broker(one)["errors"]
    server.kill()
    until(lambda: broker(one)["errors"] > before, what="the drop is told")
    server.start()
    until_connected(one)


def test_the_streams_learn_of_a_gap_and_pages_that_come_back_as_well(node, server, streams):
    a, b = pair(node, server)
    there = streams(b)
    some = there.open(EVENTS, 20)
    asleep, = there.open(EVENTS)
    a.publish(SCOPE, "before")
    there.pump(lambda: all(stream.data() == ["before"] for stream in some + [asleep]))
    last = asleep.last_id
    there.close([asleep])
    gaps = sum(broker(b)["gaps"])
    server.restart()
    until_connected(a, b)
    a.publish(SCOPE, "after")
    there.pump(lambda: all(stream.data() == ["before", "after"] for stream in some), what="the message after the restart")
    there.pump(lambda: all(stream.data("gap") for stream in some), what="a gap event on each stream")
    assert {stream.data("gap")[0] for stream in some} == {'{"reason":"broker reconnected"}'}
    until(lambda: sum(broker(b)["gaps"]) >= gaps + 2, what="both workers are told")
    late, = there.open(EVENTS, last_id=last)
    there.pump(lambda: late.data() == ["after"] and late.data("gap"), what="a gap and what came since")
    assert metrics(b)["resyncs_total"] >= 1
    known, = there.open(EVENTS, last_id=some[0].last_id)
    there.pump(settled([known], b, "end"))
    assert not known.data("gap")  # that one knew


def test_a_gateway_killed_with_a_full_outbox_loses_nothing(between, node, server, streams):
    proxy = between(server)
    a, b = pair(node, server, proxy, broker_outbox_messages=300)
    there = streams(b)
    far, = there.open(EVENTS)
    a.publish(SCOPE, "up")
    there.pump(lambda: far.data() == ["up"])
    until_confirmed(a)
    proxy.mode = "refuse"
    until_degraded(a)
    for n in range(300):
        a.publish(SCOPE, f"n {n}")
        if n in (100, 200):  # with those that are not confirmed in the dead one's memory
            killed = a.gateway()
            os.kill(killed, signal.SIGKILL)
            until(lambda: a.gateway() not in (None, killed), what="a new gateway")
            workers_ready(a)
    until(lambda: metrics(a)["outbox_messages"] == 300, what="the outbox of the successor")
    killed = a.gateway()
    os.kill(killed, signal.SIGKILL)
    proxy.mode = "pass"
    until(lambda: a.gateway() not in (None, killed), what="a new gateway")
    until_connected(a)
    there.pump(lambda: len(far.data()) >= 301, what="all of them")
    there.pump(settled([far], b, "end"))
    assert far.data() == ["up"] + [f"n {n}" for n in range(300)] + ["end"]
    assert metrics(b)["gaps_total"] == 0


def test_gateways_killed_under_load_lose_and_double_nothing(node, server, streams):
    """Kills at any instant, between history, outbox, broker and confirmation."""
    a, b = pair(node, server)
    there = streams(b)
    far, = there.open(EVENTS)
    stop, sent, doubtful = threading.Event(), [], []

    def send():
        n = 0
        while not stop.is_set():
            n += 1
            try:
                answer = a.publish(SCOPE, str(n))
                (sent if answer.status == 204 else doubtful).append(n)
            except (AssertionError, OSError, Closed):
                doubtful.append(n)
    sender = threading.Thread(target=send)
    sender.start()
    try:
        for _ in range(6):
            killed = a.gateway()
            seen = len(sent)
            there.pump(lambda: len(sent) > seen + 20, what="messages flow")
            os.kill(killed, signal.SIGKILL)
            until(lambda: a.gateway() not in (None, killed), what="a new gateway")
    finally:
        stop.set()
        sender.join()
    until_connected(a)
    there.pump(settled([far], a, "end"), what="all that was sent")
    got = [int(n) for n in far.data()[:-1]]
    assert got == sorted(set(got)), "doubled or out of order"
    assert set(sent) <= set(got), sorted(set(sent) - set(got))
    assert set(got) <= set(sent) | set(doubtful)
    assert metrics(b)["gaps_total"] == 0


@pytest.mark.parametrize("seed", [1])
def test_whatever_breaks_nothing_is_lost_or_doubled_in_silence(between, node, server, streams, seed):
    """Gateways and workers killed, links cut, the broker killed, in any order, under load on both nodes."""
    server.start()
    proxies = between(server), between(server)
    roomy = {**QUICK, "broker_outbox_messages": 100_000, "stream_queue_bytes": 64 << 20, "history_log_bytes": 64 << 20,
             "history_per_scope": 100_000}  # the last messages are still there for whoever comes back
    both = [node(through=proxy, **roomy) for proxy in proxies]
    until_connected(*both)
    workers_ready(*both)
    crowds = [streams(one, reconnect=True) for one in both]
    audience = [stream for crowd in crowds for stream in crowd.open(EVENTS, 3) + crowd.open("/events?scope=room:*")]
    brake = Brake()
    senders = [Sender(one, f"s{place}.{n}", [SCOPE], 10**9, patient=True, brake=brake) for place, one in enumerate(both) for n in range(2)]
    draw = random.Random(seed)

    def pump(done, what="the streams' condition"):
        def step():
            for crowd in crowds:
                crowd.step(0.002)
            return done()
        until(step, what=what, every=0)

    def kill_gateway(place):
        killed = until(both[place].gateway, what="a gateway to kill")
        kill(killed)
        pump(lambda: both[place].gateway() not in (None, killed), what="a new gateway")

    run_senders(senders)
    for _ in range(16):
        pump(brake.go(draw.randrange(200)), what="messages flow")
        check_senders(senders)
        act, place = draw.choice(("kill", "kill", "worker", "cut", "away", "restart", "freeze")), draw.randrange(2)
        if act == "kill":
            kill_gateway(place)
        elif act == "worker":  # in mid-publish, or while it waits for an answer
            for pid in list(both[place].workers().values())[:1]:
                kill(pid)
        elif act == "cut":
            proxies[place].cut()
        elif act == "away":
            proxies[place].mode = "refuse" if proxies[place].mode == "pass" else "pass"
        elif act == "freeze":  # for longer than a probe may take, or not
            server.freeze()
            thaw = time.monotonic() + draw.choice((0.5, 2.5))
            pump(lambda thaw=thaw: time.monotonic() > thaw)
            server.thaw()
        else:
            server.restart()
    for sender in senders:
        sender.stopping = True
    pump(lambda: not any(sender.is_alive() for sender in senders), what="the senders end")
    for proxy in proxies:
        proxy.mode = "pass"
    check_senders(senders)
    until_connected(*both)
    last = []

    def last_words():  # a link that breaks once more after it was up loses one, and says so
        last.append([Sender(one, f"last{place}.{len(last)}", [SCOPE], 1, patient=True) for place, one in enumerate(both)])
        run_senders(last[-1])
        arrived = time.monotonic() + 3
        pump(lambda: time.monotonic() > arrived or everywhere())
        return everywhere()

    def everywhere():
        return all({f"{sender.name_} 0" for sender in last[-1]} <= set(stream.data()) for stream in audience)
    until(last_words, what="the last message of each node", every=0)

    def judged():
        try:
            return [judge(stream, [SCOPE], senders + sum(last, [])) for stream in audience]
        except AssertionError as error:
            wrong[:] = [error]
            return None
    wrong = []
    pump(judged, what=lambda: wrong[0])  # gaps that are held back for a while


def test_the_policy_to_fail_tells_the_publisher(between, node, server, streams):
    proxy = between(server)
    a, b = pair(node, server, proxy, broker_outbox_messages=10, broker_outbox_policy="fail")
    here, there = streams(a), streams(b)
    near, far = here.open(EVENTS)[0], there.open(EVENTS)[0]
    proxy.mode = "refuse"
    until_degraded(a)
    for n in range(10):
        a.publish(SCOPE, str(n))
    with a.connect() as connection:
        for _ in range(3):
            answer = connection.request("POST", f"/publish?scope={SCOPE}", b"too much")
            assert answer.status == 503 and "VD_ERR_FULL" in answer.text and "outbox" in answer.text, answer
        answer = connection.request("POST", "/publish?scope=tab", b"stays here")
        assert answer.status == 204
        # a burst finds out as exactly as a single one
        answer = connection.request("POST", f"/flood?scope={SCOPE}&count=100", b"")
        assert answer.status == 503, answer
    here.pump(lambda: near.data() == [str(n) for n in range(10)])
    proxy.mode = "pass"
    until_connected(a)
    a.publish(SCOPE, "end")
    there.pump(lambda: far.data() == [str(n) for n in range(10)] + ["end"], what="what was accepted, and no more")
    here.pump(lambda: near.data()[-1:] == ["end"])
    assert near.data() == far.data()
    assert metrics(b)["gaps_total"] == 0


def test_the_oldest_give_way_and_nobody_is_left_in_the_dark(between, node, server, streams):
    proxy = between(server)
    a, b = pair(node, server, proxy, broker_outbox_messages=10)
    there = streams(b)
    far, = there.open(EVENTS)
    a.publish(SCOPE, "up")
    there.pump(lambda: far.data() == ["up"])
    until_confirmed(a)
    proxy.mode = "refuse"
    until_degraded(a)
    for n in range(25):
        a.publish(SCOPE, str(n))
    until(lambda: metrics(a)["outbox_drops_total"] == 15)
    until(lambda: any(error["code"] == "VD_ERR_FULL" for error in broker(a)["last"]), what="the overflow is told")
    assert len([error for error in broker(a)["last"] if error["code"] == "VD_ERR_FULL"]) == 1
    proxy.mode = "pass"
    until_connected(a)
    there.pump(lambda: far.data()[1:] == [str(n) for n in range(15, 25)] and far.data("gap"), what="the newest, and a gap")


def test_what_the_broker_does_not_take_is_told_to_both_sides(node, server, streams):
    server.impatient = server.driver == "nats"  # without the max_payload that other tests need
    a, b = pair(node, server, stream_queue_bytes=8 << 20)
    there = streams(b)
    far, = there.open(EVENTS)
    a.publish(SCOPE, "1")
    with a.connect() as connection:  # within our limit, but with what is around it over the 1 MiB of a NATS server
        assert connection.request("POST", f"/publish?scope={SCOPE}", b"x" * (1 << 20)).status == 204
    a.publish(SCOPE, "3")
    there.pump(lambda: far.data()[-1:] == ["3"], what="the message after it")
    if server.driver == "redis":
        assert len(far.data()) == 3 and not far.data("gap")
        return
    assert [event.name for event in far.events] == ["message", "gap", "message"]
    until(lambda: broker(a)["errors"] == 1, what="an error")
    assert broker(a)["last"][0]["code"] == "VD_ERR_TOO_LARGE" and "max_payload" in broker(a)["last"][0]["text"]


def test_the_end_waits_for_the_outbox(between, node, server, streams):
    proxy = between(server)
    a, b = pair(node, server, proxy, drain_timeout_ms=60_000)
    there = streams(b)
    far, = there.open(EVENTS)
    proxy.mode = "refuse"
    until_degraded(a)
    for n in range(50):
        a.publish(SCOPE, str(n))
    with a.connect() as busy:  # is not done before the link is up again, however slow this machine is
        busy.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        busy.until_continue()
        a.process.send_signal(signal.SIGTERM)
        a.says("draining")
        proxy.mode = "pass"
        there.pump(lambda: far.data() == [str(n) for n in range(50)], what="all before the end")
        busy.send(b"12")
        assert busy.answer("POST").status == 200
    a.ended(0)
    assert "broker_undelivered" not in a.log()


def test_the_last_words_of_the_workers_reach_the_other_node(node, server, streams):
    a, b = pair(node, server, workers=3, farewell=SCOPE)
    there = streams(b)
    far, = there.open(EVENTS)
    a.stop()
    there.pump(lambda: far.data() == ["farewell"] * 3)
    assert "broker_undelivered" not in a.log(), a.log()
    b.stop()  # while its own can be delivered


def with_seven_undelivered(node, server, **options):
    server.start()
    one = node(**options)
    until_connected(one)
    workers_ready(one)
    server.kill()
    until_degraded(one)
    for n in range(7):
        one.publish(SCOPE, str(n))
    return one


def test_the_end_does_not_wait_for_a_broker_that_is_away(node, server):
    one = with_seven_undelivered(node, server, drain_timeout_ms=120_000)
    one.process.send_signal(signal.SIGTERM)
    one.ended(0, seconds=60)  # half of what it might take, and many times what it should
    assert "broker_undelivered: 7 messages" in one.log(), one.log()


def test_a_gateway_killed_while_the_node_ends_has_a_successor(between, node, server, streams):
    proxy = between(server)
    a, b = pair(node, server, proxy, drain_timeout_ms=60_000)
    there = streams(b)
    far, = there.open(EVENTS)
    proxy.mode = "refuse"
    until_degraded(a)
    for n in range(50):
        a.publish(SCOPE, str(n))
    killed = a.gateway()
    os.kill(killed, signal.SIGSTOP)  # it hands over nothing any more
    proxy.mode = "pass"
    a.process.send_signal(signal.SIGTERM)
    a.says("draining")
    os.kill(killed, signal.SIGKILL)
    a.ended(0, seconds=50)
    there.pump(lambda: far.data() == [str(n) for n in range(50)], what="all of them")
    assert "broker_undelivered" not in a.log(), a.log()


def test_a_gateway_killed_in_its_last_act_has_a_successor(between, node, server, streams):
    proxy = between(server)
    patient = {"broker_probe_interval_ms": 20_000, "drain_timeout_ms": 60_000}
    a, b = pair(node, server, proxy, workers=3, farewell=SCOPE, **patient)
    there = streams(b)
    far, = there.open(EVENTS)
    proxy.mode = "freeze"
    a.process.send_signal(signal.SIGTERM)
    until(lambda: not a.workers(), what="the workers are gone")
    os.kill(a.gateway(), signal.SIGKILL)
    proxy.cut()
    proxy.mode = "pass"
    a.ended(0, seconds=50)
    there.pump(lambda: far.data() == ["farewell"] * 3, what="the last words")
    assert "broker_undelivered" not in a.log(), a.log()
    b.stop()


def test_the_end_does_not_wait_for_ever(node, server):
    one = with_seven_undelivered(node, server, drain_timeout_ms=3000)
    one.stop()
    assert "broker_undelivered: 7 messages" in one.log(), one.log()


def test_a_broker_that_cannot_be_is_refused_at_the_start(start, server):
    for url, words, options in (("carrier://pigeon:hunter2@here", "no driver for its scheme", {}),
                                ("pipe:", "does not leave this machine", {}),
                                (server.url(), "tls", {"broker_tls": 1, "broker_tls_ca_file": "/nowhere.pem"})):
        one = start(wait=False, broker=url, **options)
        one.ended(1)
        assert words in one.log() and "hunter2" not in one.log(), one.log()
        one.process = None
