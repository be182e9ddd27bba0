# SPDX-License-Identifier: Apache-2.0
"""Several nodes on one broker: how to start them, what they say of the link, and a judge of what arrived."""
import re

from .wait import until

# A link that comes back within moments, and does not give up because the machine does other things.
STEADY = {"broker_probe_interval_ms": 20_000, "broker_connect_timeout_ms": 20_000, "broker_backoff_first_ms": 50,
          "broker_backoff_cap_ms": 300}
# One that gives up soon, too: for tests of breakage that is silent.
QUICK = {**STEADY, "broker_probe_interval_ms": 1000, "broker_connect_timeout_ms": 1500}
PROBE_SECONDS = QUICK["broker_probe_interval_ms"] / 1000


def metrics(server):
    """{"published_total": 4.0, ...}: the broker's samples of /metrics, without the prefix they share."""
    found = {}
    for line in server.get("/metrics").text.splitlines():
        sample = re.fullmatch(r"viaduct_broker_(\w+)\{[^}]*\} (\S+)", line)
        if sample:
            found[sample[1]] = float(sample[2])
    return found


def connected(server):
    answer = server.get("/_health")
    document = answer.json()
    assert document["broker"]["connected"] == ("broker_disconnected" not in document.get("reasons", [])), document
    return answer.status == 200 and document["broker"]["connected"]


def until_connected(*servers):
    for server in servers:
        until(lambda server=server: connected(server), what="connected to the broker")


def until_confirmed(server):
    """What a node has published may have arrived before the broker's confirmation has: until then it is kept in the outbox,
    and goes out again after a break."""
    until(lambda: metrics(server)["outbox_messages"] == 0, what="all is confirmed")


def until_degraded(server):
    """Until it says so in every way it has, which must not keep it from serving."""
    def degraded():
        answer = server.get("/_health")
        return answer.status == 503 and answer
    answer = until(degraded, what="degraded")
    document = answer.json()
    assert document["status"] == "degraded" and document["broker"]["connected"] is False, document
    assert "broker_disconnected" in document["reasons"], document
    assert server.get("/_health/live").status == 200
    assert metrics(server)["connected"] == 0


def judge(stream, scopes, senders):
    """Each acknowledged message of the stream's scopes once, in the order of its sender. One that is missing must be
    followed by a gap event, where a page loads anew what it shows. Returns how many are missing."""
    places, last_gap = {sender.name_: {} for sender in senders}, -1
    for place, event in enumerate(stream.events):
        if event.name == "gap":
            last_gap = place
            continue
        name, n = event.data.split()
        assert int(n) not in places[name], f"{stream.path}: {event.data} came twice"
        places[name][int(n)] = place
    missing = 0
    for sender in senders:
        got = places[sender.name_]
        assert list(got) == sorted(got), f"{stream.path}: out of order from {sender.name_}: {list(got)}"
        certain = [n for scope, n in sender.acknowledged if scope in scopes]
        foreign = set(got) - set(certain) - {n for scope, n, _ in sender.doubtful if scope in scopes}
        assert not foreign, f"{stream.path}: {sorted(foreign)} of {sender.name_} are not its business"
        before = -1  # the place of what came last before the loss
        for n in certain:
            before = got.get(n, before)
            if n not in got:
                missing += 1
                assert before < last_gap, (f"{stream.path}: {n} of {sender.name_} is lost without a word: behind place {before} "
                                           f"of {len(stream.events)}, the last gap was told at {last_gap}")
    return missing
