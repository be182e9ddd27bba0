#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the link to other nodes costs the gateway: CPU a message with and without it, in turn in one run.

    bench/link.py [--build build/release] [--messages 40000] [--bytes 200] [--pairs 3] [--streams 1]

Each side is the C test server; one worker publishes as fast as it may, N streams follow. "alone" has no link,
"link" a redis-server of this run. Printed: microseconds of gateway CPU a message, and the ratio pair by pair."""
import argparse
import os
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]


def busy_ns(pid):
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def measure(server, streams, options):
    some = streams.open("/events?scope=bench", options.streams)
    before = busy_ns(server.gateway())
    with server.connect(timeout=120) as connection:
        for at in range(0, options.messages, 2000):  # no stream falls behind its queue
            connection.send(f"POST /flood?scope=bench&count=2000&bytes={options.bytes} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            assert connection.answer("POST").status == 200
            streams.pump(lambda at=at: all(len(stream.events) >= at + 2000 for stream in some), seconds=60)
    return (busy_ns(server.gateway()) - before) / 1e3 / options.messages


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=SOURCE / "build/release", type=Path)
    parser.add_argument("--messages", default=40000, type=int)
    parser.add_argument("--bytes", default=200, type=int)
    parser.add_argument("--pairs", default=3, type=int)
    parser.add_argument("--streams", default=1, type=int)
    options = parser.parse_args()
    os.environ["VIADUCT_BUILD"] = str(options.build.resolve())
    sys.path.insert(0, str(SOURCE / "tests/e2e"))
    from support.brokers import SERVERS
    from support.nodes import metrics, until_connected
    from support.server import Server
    from support.sse import Streams

    with tempfile.TemporaryDirectory() as folder:
        redis = SERVERS["redis"](Path(folder) / "redis").start()
        try:
            for pair in range(options.pairs):
                cost = {}
                for name, broker in (("alone", "pipe"), ("link", redis.url())):
                    words = [options.build / "bin/app_server", "--port", 0, "--workers", 1, "--broker", broker,
                             "--stream-queue-bytes", 1 << 26]
                    server = Server(words, Path(folder) / f"{name}{pair}.log").start()
                    try:
                        until_connected(server)
                        with Streams(server.address) as streams:
                            cost[name] = measure(server, streams, options)
                        if name == "link":
                            seen = metrics(server)
                            assert seen["published_total"] == options.messages and seen["outbox_drops_total"] == 0
                    finally:
                        server.stop()
                print(f"alone {cost['alone']:.2f} us  link {cost['link']:.2f} us  ratio {cost['link'] / cost['alone']:.2f}", flush=True)
        finally:
            redis.kill()


if __name__ == "__main__":
    main()
