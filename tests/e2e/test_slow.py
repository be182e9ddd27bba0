# SPDX-License-Identifier: Apache-2.0
"""Slow readers cost nobody but themselves."""
import time

from support.measure import in_time, measured

MESSAGES, BYTES = 150, 4096


def publish_and_time(server, some, fast):
    """Seconds until each fast stream has MESSAGES more events."""
    goal = [len(stream.events) + MESSAGES for stream in fast]
    data = "x" * BYTES
    began = time.monotonic()
    with server.connect() as connection:
        for n in range(MESSAGES):
            assert connection.publish("a", data).status == 204
            if n % 10 == 0:
                some.step(0)
    some.pump(lambda: all(len(stream.events) >= count for stream, count in zip(fast, goal)))
    return time.monotonic() - began


@measured
def test_200_slow_readers_do_not_slow_200_fast_ones(start, streams):
    server = start(workers=2)
    some, lazy = streams(server), streams(server)
    fast = some.open("/events?scope=a", count=200)
    publish_and_time(server, some, fast)  # warm
    alone = publish_and_time(server, some, fast)
    # `lazy` is never pumped again, so these 200 read nothing more.
    lazy.open("/events?scope=a", count=200, receive_buffer=4096)
    beside = [publish_and_time(server, some, fast) for _ in range(3)]
    assert all(stream.connects == 1 and stream.state == "open" for stream in fast)
    # As much again is written to the slow ones until their buffers are full: twice is fair, four generous.
    assert server.health()["status"] == "ok"
    in_time(min(beside), 4 * alone + 0.2, "150 messages to fast streams beside slow ones")
