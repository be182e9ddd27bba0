# SPDX-License-Identifier: Apache-2.0
"""scripts/demo as a newcomer runs it: two at once, Ctrl-C, a port that is taken; two nodes on a broker."""
import os
import signal
import subprocess

import pytest

from support.brokers import SERVERS
from support.http import Connection
from support.leash import SessionLeash
from support.ports import free_port
from support.server import SOURCE, group_members, kill_all, session_members
from support.sse import Streams
from support.wait import PATIENCE, until

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "VIADUCT_BUILD"}


@pytest.fixture
def demo(artifacts):
    running = []

    def starter(*options):
        log = artifacts / f"demo-{len(running)}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([SOURCE / "scripts/demo", *options], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out, start_new_session=True)
        running.append((process, SessionLeash(process.pid)))
        return process, log

    yield starter
    for process, leash in running:
        kill_all(lambda process=process: session_members(process.pid))
        process.wait(PATIENCE)
        leash.release()


def until_it_says_where(process, log):
    def says_where():
        assert process.poll() is None, log.read_text()
        return "Ctrl-C stops it" in log.read_text()
    until(says_where, 600, "the address is printed")  # the first run builds the release, from nothing in a fresh clone


def test_two_at_once_and_ctrl_c(demo):
    ports = [free_port(), free_port()]
    both = [demo("--port", str(ports[0]), "--workers", "3"), demo(f"--port={ports[1]}", "--broker=memory", "--example=hello")]
    for (process, log), port in zip(both, ports):
        until_it_says_where(process, log)
        assert f"is on http://127.0.0.1:{port}/" in log.read_text()
        with Connection(("127.0.0.1", port)) as connection:
            assert connection.get("/").status == 200
    with Connection(("127.0.0.1", ports[0])) as connection:
        health = connection.get("/_health").json()
        assert health["broker"]["driver"] == "PipeBroker" and health["workers"]["configured"] == 3
    with Connection(("127.0.0.1", ports[1])) as connection:
        assert connection.get("/_health").json()["broker"]["driver"] == "InMemoryBroker"
    taken = subprocess.run([SOURCE / "scripts/demo", "--port", str(ports[0])], env=ENVIRONMENT, capture_output=True,
                           text=True, timeout=300, stdin=subprocess.DEVNULL)
    assert taken.returncode == 2 and "--port" in taken.stderr
    for process, log in both:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(PATIENCE) == 0, log.read_text()
        until(lambda: not group_members(process.pid), what="nothing is left")


@pytest.mark.parametrize("driver", list(SERVERS))
def test_two_nodes_on_one_broker(serve, demo, driver):
    broker = serve(driver, password="s3cret/")
    port = free_port(2)
    process, log = demo("--nodes=2", "--port", str(port), "--broker", broker.url())
    until_it_says_where(process, log)
    assert f"http://127.0.0.1:{port}/ and http://127.0.0.1:{port + 1}/" in log.read_text()
    nodes = [("127.0.0.1", port), ("127.0.0.1", port + 1)]
    for address in nodes:
        def connected():
            with Connection(address) as connection:
                return connection.get("/_health").status == 200
        until(connected, what="connected")
    with Streams(nodes[1]) as some, Connection(nodes[0]) as connection:
        [stream] = some.open("/events?room=lobby")
        assert connection.post("/say", room="lobby", name="Ada", text="hello").status == 204
        some.pump(lambda: stream.data(), what="the line reaches the other node")
    os.killpg(process.pid, signal.SIGINT)  # as a terminal sends it
    assert process.wait(PATIENCE) == 0, log.read_text()
    until(lambda: not session_members(process.pid), what="nothing is left")
    assert "s3cret" not in log.read_text()
