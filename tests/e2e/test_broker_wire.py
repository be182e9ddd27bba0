# SPDX-License-Identifier: Apache-2.0
"""The wire, seen from outside: what php-via 0.12 sends is understood, what we send it understands, and nothing
that anybody else puts on the channel does harm."""
import json
import random
import time

from support.nodes import metrics
from support.wait import until


def test_an_invalidation_of_php_via_reaches_the_streams(broker, nodes, streams):
    [server] = nodes(broker.url(), workers=2)
    some = streams(server)
    [stream] = some.open("/events?scope=room:x")
    with broker.raw() as raw:
        raw.publish(b'{"scope":"room:x","nodeId":"php-via-1"}')
        raw.publish(b'{ "nodeId" : "php-via-1" , "scope" : "room\\u003ax" , "more" : { "than" : [ "asked" ] } }')
        raw.publish(b'{"scope":"room:*","nodeId":"php-via-2"}')
    some.pump(lambda: len(stream.events) == 3)
    assert [event.name for event in stream.events] == ["invalidate"] * 3
    assert [event.data for event in stream.events] == ["room:x", "room:x", "room:*"]
    assert metrics(server)["received_total"] == 3 and metrics(server)["malformed_total"] == 0


def test_what_is_sent_is_one_flat_object_that_php_via_reads(broker, nodes):
    [server] = nodes(broker.url())
    with broker.raw() as raw:
        raw.subscribe()
        assert server.publish("room:ä", "hello \"you\"\n\u20ac").status == 204
        assert server.publish("room:x", "second").status == 204

        def next_message():
            while "probe" in (message := json.loads(raw.next())).get("scope", "probe"):
                pass  # of the link itself
            return message
        first, second = next_message(), next_message()
    assert first["scope"] == "room:ä" and first["data"] == "hello \"you\"\n\u20ac"
    assert second["seq"] == first["seq"] + 1 and second["nodeId"] == first["nodeId"]
    for message in (first, second):
        assert isinstance(message["nodeId"], str) and all(isinstance(value, (str, int)) for value in message.values())


def test_duplicates_are_left_out_and_jumps_are_told(broker, nodes, streams):
    [server] = nodes(broker.url())
    some = streams(server)
    [stream] = some.open("/events?scope=a")
    with broker.raw() as raw:
        for sequence in (5, 5, 6, 5, 9, 7, 10):
            raw.publish(b'{"scope":"a","nodeId":"0123456789abcdef","seq":%d,"data":"%d"}' % (sequence, sequence))
        raw.publish(b'{"scope":"a","nodeId":"0123456789abcdef","seq":11,"event":"named","data64":"aGk="}')
        raw.publish(b'{"scope":"a","nodeId":"0123456789abcdef","seq":12,"data":"last"}')
    some.pump(lambda: stream.events and stream.events[-1].data == "last")
    assert [event.data if event.name == "message" else event.name for event in stream.events if event.name != "named"] \
        == ["5", "6", "gap", "9", "10", "last"]
    counted = metrics(server)
    assert [event.data for event in stream.events if event.name == "named"] == ["hi"]
    assert (counted["received_total"], counted["duplicates_total"], counted["gaps_total"]) == (6, 3, 1)


HOSTILE = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of it": b'{"scope":"room:x","nodeId":"a"',
    "a number": b"42",
    "null": b"null",
    "a list": b'["scope","room:x"]',
    "no scope": b'{"nodeId":"a"}',
    "scope no string": b'{"scope":7,"nodeId":"a"}',
    "scope of invalid UTF-8": b'{"scope":"room:\xff\xfe","nodeId":"a"}',
    "scope with a space": b'{"scope":"room x","nodeId":"a"}',
    "scope too long": b'{"scope":"' + b"x" * 257 + b'","nodeId":"a"}',
    "scope with a control character": b'{"scope":"room:\\u0000x","nodeId":"a"}',
    "lone surrogate": b'{"scope":"room:\\ud800","nodeId":"a"}',
    "origin too long": b'{"scope":"room:x","nodeId":"' + b"n" * 5000 + b'"}',
    "sequence no number": b'{"scope":"room:x","nodeId":"a","seq":"7","data":"x"}',
    "sequence beyond 64 bits": b'{"scope":"room:x","nodeId":"a","seq":99999999999999999999,"data":"x"}',
    "not base 64": b'{"scope":"room:x","nodeId":"a","seq":1,"data64":"!!!!"}',
    "deep": b'{"scope":"room:x","nodeId":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep and open": b'{"a":' * 100_000,
    "data over the limit": b'{"scope":"room:x","nodeId":"a","data":"' + b"x" * ((1 << 20) + 1) + b'"}',
    "bytes": bytes(range(256)),
}


def test_hostile_bytes_are_counted_and_do_nothing(broker, nodes, streams):
    [server] = nodes(broker.url(), workers=2)
    pids = server.pids()
    some = streams(server)
    [stream] = some.open("/events?scope=room:*&scope=a")
    chance, began = random.Random(12), time.monotonic()
    with broker.raw() as raw:
        for name, data in HOSTILE.items():
            before = metrics(server)
            raw.publish(data)
            until(lambda: metrics(server)["malformed_total"] + metrics(server)["received_total"]
                  > before["malformed_total"] + before["received_total"], what=f"{name} is counted")
            assert metrics(server)["malformed_total"] == before["malformed_total"] + 1, f"{name} is malformed"
        whole = b'{"scope":"a","nodeId":"other","seq":1,"data":"whole"}'
        before = metrics(server)
        for _ in range(500):
            broken = bytearray(whole)
            for _ in range(chance.randrange(1, 4)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            raw.publish(bytes(broken))
        raw.publish(b'{"scope":"a","nodeId":"the-last","seq":1,"data":"still here"}')
    some.pump(lambda: stream.data() and stream.data()[-1] == "still here")
    assert server.health()["broker"]["connected"] and server.health()["status"] == "ok"
    assert server.pids() == pids, "no process was replaced"
    assert metrics(server)["failures_total"] == before["failures_total"]
    # Said in the log once in a while, not a thousand times.
    assert server.log().count("broker_malformed") < 30 + time.monotonic() - began
