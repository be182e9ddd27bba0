# SPDX-License-Identifier: Apache-2.0
"""Several nodes on one broker: how to start them, what they say of the link, and a judge of what arrived."""
import re

from .wait import until

# A link that gives up and comes back within moments: for tests of breakage.
QUICK = {"broker_probe_interval_ms": 500, "broker_connect_timeout_ms": 1000, "broker_backoff_first_ms": 50,
         "broker_backoff_cap_ms": 300}
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


def until_connected(*servers, seconds=20):
    for server in servers:
        until(lambda server=server: connected(server), seconds, "connected to the broker")


def until_degraded(server, seconds):
    """Until it says so in every way it has, which must not keep it from serving."""
    def degraded():
        answer = server.get("/_health")
        return answer.status == 503 and answer
    answer = until(degraded, seconds, "degraded")
    document = answer.json()
    assert document["status"] == "degraded" and document["broker"]["connected"] is False, document
    assert "broker_disconnected" in document["reasons"], document
    assert server.get("/_health/live").status == 200
    assert metrics(server)["connected"] == 0


def judge(stream, scopes, senders):
    """Each acknowledged message of the stream's scopes once, in the order of its sender. One that is missing must
    have an explicit gap event at its place. Returns how many are missing."""
    at, gap_at = {sender.name_: {} for sender in senders}, []
    for place, event in enumerate(stream.events):
        if event.name == "gap":
            gap_at.append(place)
            continue
        name, n = event.data.split()
        if name not in at:
            continue
        assert int(n) not in at[name], f"{stream.path}: {event.data} came twice"
        at[name][int(n)] = place
    missing = 0
    for sender in senders:
        places = at[sender.name_]
        assert list(places) == sorted(places), f"{stream.path}: out of order from {sender.name_}: {list(places)}"
        foreign = set(places) - {n for scope, n in sender.acknowledged if scope in scopes} \
            - {n for scope, n, _ in sender.doubtful if scope in scopes}
        assert not foreign, f"{stream.path}: {sorted(foreign)} of {sender.name_} are not its business"
        last = -1  # the place of what came before
        lost = []
        for n in [n for scope, n in sender.acknowledged if scope in scopes] + [None]:
            if n is not None and n not in places:
                lost.append(n)
                continue
            here = places[n] if n is not None else len(stream.events)
            assert not lost or any(last < place < here for place in gap_at), (
                f"{stream.path}: {lost} of {sender.name_} are lost without a word, between places {last} and {here}; gaps at {gap_at}")
            missing, last, lost = missing + len(lost), here, []
    return missing
