# SPDX-License-Identifier: Apache-2.0
"""Messages through four workers reach every stream exactly once and in order per sender."""
import os
import signal

from support.senders import Brake, Sender, check_senders, check_stream, expected, run_senders
from support.server import kill
from support.wait import until

FOR_EVER = 10**9
KEPT = 100_000  # messages of a scope: a busy machine may send thousands before this process reconnects its streams
SCOPES = [f"room:{n}" for n in range(10)]


def open_audience(streams):
    """500 streams: 380 follow one room, 100 three of them, 20 all by a glob."""
    audience = []
    for n in range(10):
        audience += [(stream, [SCOPES[n]]) for stream in streams.open(f"/events?scope=room:{n}", count=38)]
        three = [SCOPES[n], SCOPES[(n + 3) % 10], SCOPES[(n + 7) % 10]]
        audience += [(stream, three) for stream in streams.open(f"/events?scope={'&scope='.join(three)}", count=10)]
    # Two patterns that both match: still once.
    audience += [(stream, SCOPES) for stream in streams.open("/events?scope=room:*&scope=room:1", count=20)]
    return audience


def settle(streams, audience, senders, running):
    def complete():
        if running() or any(len(stream.data()) < expected(scopes, senders) for stream, scopes in audience):
            return False
        # The number alone does not say it: one that is doubtful may have come before one that is certain.
        certain = [(scope, f"{sender.name_} {n}") for sender in senders for scope, n in sender.acknowledged]
        return all({data for scope, data in certain if scope in scopes} <= set(stream.data()) for stream, scopes in audience)

    # When it stays incomplete the check below names what is missing.
    try:
        streams.pump(complete)
    except AssertionError:
        if running():
            raise
    check_senders(senders)
    late = sum(len(stream.data()) < expected(scopes, senders) for stream, scopes in audience)
    gaps = sum(bool(stream.data("gap")) for stream, _ in audience)
    print(f"{late} of {len(audience)} streams are not complete, {gaps} were told a gap")
    for stream, scopes in audience:
        check_stream(stream, scopes, senders)


def start_senders(server, count, patient=False):
    brake = Brake() if count == FOR_EVER else None
    senders = [Sender(server, f"s{n}", SCOPES, count, patient, brake=brake) for n in range(8)]
    done = run_senders(senders)
    return senders, lambda: not done()


def pump_more(streams, senders, running, count):
    gone = senders[0].brake.go(count)
    streams.pump(lambda: not running() or gone(), what="the senders go on")


def stop(senders):
    for sender in senders:
        sender.stopping = True


def test_each_stream_gets_each_message_once_and_in_order(start, streams):
    server = start(workers=4)
    some = streams(server)
    audience = open_audience(some)
    senders, running = start_senders(server, 250)
    settle(some, audience, senders, running)
    assert sum(len(sender.acknowledged) for sender in senders) == 2000
    assert set.union(*(sender.workers for sender in senders)) == {0, 1, 2, 3}
    assert all(stream.connects == 1 for stream, _ in audience)


def test_a_killed_worker_costs_no_stream_and_no_other_message(start, streams):
    server = start(workers=4)
    some = streams(server)
    audience = open_audience(some)
    senders, running = start_senders(server, FOR_EVER, patient=True)
    victim = server.workers()[2]
    pump_more(some, senders, running, 500)
    os.kill(victim, signal.SIGKILL)
    pump_more(some, senders, running, 500)
    stop(senders)
    settle(some, audience, senders, running)
    assert all(stream.connects == 1 and stream.state == "open" for stream, _ in audience)
    # One worker holds one request at a time.
    assert sum(len(sender.doubtful) for sender in senders) <= 1
    until(lambda: server.workers().get(2) not in (None, victim), what="a new worker 2")


def test_a_killed_gateway_is_made_good_by_last_event_id(start, streams):
    server = start(workers=4, history_per_scope=KEPT)
    some = streams(server, reconnect=True)
    audience = open_audience(some)
    senders, running = start_senders(server, FOR_EVER, patient=True)
    victim = server.gateway()
    pump_more(some, senders, running, 300)
    os.kill(victim, signal.SIGKILL)
    pump_more(some, senders, running, 300)
    stop(senders)
    some.pump(lambda: all(stream.connects >= 2 and stream.state == "open" for stream, _ in audience))
    settle(some, audience, senders, running)
    assert server.gateway() not in (None, victim)
    assert not any(stream.data("gap") for stream, _ in audience)
    until(lambda: server.health()["status"] == "ok", what="healthy again")


def test_gateway_and_workers_killed_again_and_again(start, streams):
    server = start(workers=4, history_per_scope=KEPT)
    some = streams(server, reconnect=True)
    audience = open_audience(some)
    senders, running = start_senders(server, FOR_EVER, patient=True)
    for n in range(9):
        pump_more(some, senders, running, 200)
        victims = list(server.workers().values()) if n % 3 else [server.gateway()]
        if victims and victims[-1]:
            kill(victims[n % len(victims)])
    stop(senders)
    settle(some, audience, senders, running)
    assert not any(stream.data("gap") for stream, _ in audience)
    until(lambda: server.health()["status"] == "ok", what="healthy again")
