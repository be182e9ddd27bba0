# SPDX-License-Identifier: Apache-2.0
"""/_health: counts of the whole node, true within a second."""
import time

from support.measure import in_time, measured
from support.wait import until


def sse(server):
    return server.health()["connections"]["sse"]


def test_the_document_is_what_the_page_promises(start):
    server = start(workers=2)
    answer = server.get("/_health")
    assert answer.status == 200
    assert answer.header("Content-Type") == "application/json"
    document = answer.json()
    assert list(document)[:4] == ["status", "version", "broker", "connections"]
    assert document["broker"] == {**document["broker"], "driver": "PipeBroker", "connected": True}
    assert document["connections"] == {**document["connections"], "contexts": 0, "sse": 0}
    assert "127.0.0.1" not in answer.text
    head = None
    with server.connect() as connection:
        head = connection.request("HEAD", "/_health")
        assert head.status == 200 and connection.get("/_health/ready").status == 200
    assert int(head.header("Content-Length")) > 0


@measured
def test_counts_are_true_within_a_second_of_a_close(start, streams):
    server = start(workers=2)
    some = streams(server)
    opened = some.open("/events?scope=a", count=50)
    assert sse(server) == 50
    for closed, left in ((opened[:30], 20), (opened[30:], 0)):
        some.close(closed)
        began = time.monotonic()
        until(lambda left=left: sse(server) == left, what=f"{left} streams are counted")
        in_time(time.monotonic() - began, 1, "until closed streams are no longer counted")


def test_what_came_late_and_what_did_not_is_counted(start, streams):
    server = start(workers=2)
    some = streams(server)
    stream, = some.open("/events?scope=a")
    server.publish("a", "seen")
    some.pump(lambda: stream.data() == ["seen"])
    some.close([stream])
    for n in range(3):
        server.publish("a", f"missed {n}")
    back, = some.open("/events?scope=a", last_id=stream.last_id)
    some.pump(lambda: len(back.data()) == 3)
    lost, = some.open("/events?scope=a", last_id="1:1")
    some.pump(lambda: lost.data("gap"))
    lines = server.get("/metrics").text.splitlines()
    assert {"viaduct_messages_delivered_total 1", "viaduct_messages_replayed_total 3", "viaduct_messages_dropped_total 0",
            "viaduct_sse_gaps_total 1"} <= set(lines), lines


def test_metrics_are_prometheus_text(start):
    server = start(workers=2)
    server.publish("a", "x")
    answer = server.get("/metrics")
    assert answer.status == 200 and answer.header("Content-Type").startswith("text/plain")
    samples = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
    assert samples
    for line in samples:
        name, value = line.rsplit(" ", 1)
        assert name.startswith("viaduct_"), line
        float(value)
