# SPDX-License-Identifier: Apache-2.0
"""scripts/demo as a newcomer runs it: two at once, Ctrl-C, a port that is taken."""
import os
import signal
import socket
import subprocess

import pytest

from support.http import Connection
from support.server import SOURCE, group_members
from support.wait import until

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "VIADUCT_BUILD"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def demo(artifacts):
    running = []

    def starter(*options):
        log = artifacts / f"demo-{len(running)}.log"
        with open(log, "wb") as out:
            process = subprocess.Popen([SOURCE / "scripts/demo", *options], env=ENVIRONMENT, stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=out, start_new_session=True)
        running.append(process)
        return process, log

    yield starter
    for process in running:
        for pid in group_members(process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(5)


def test_two_at_once_and_ctrl_c(demo):
    ports = [free_port(), free_port()]
    both = [demo("--port", str(ports[0]), "--workers", "3"), demo(f"--port={ports[1]}", "--broker=memory", "--example=hello")]
    for (process, log), port in zip(both, ports):

        def says_where():
            assert process.poll() is None, log.read_text()
            return f"is on http://127.0.0.1:{port}/" in log.read_text()

        until(says_where, 240, "the address is printed")  # the first run builds
        with Connection(("127.0.0.1", port)) as connection:
            assert connection.get("/").status == 200
    with Connection(("127.0.0.1", ports[0])) as connection:
        health = connection.get("/_health").json()
        assert health["broker"]["driver"] == "PipeBroker" and health["workers"]["configured"] == 3
    with Connection(("127.0.0.1", ports[1])) as connection:
        assert connection.get("/_health").json()["broker"]["driver"] == "InMemoryBroker"
    taken = subprocess.run([SOURCE / "scripts/demo", "--port", str(ports[0])], env=ENVIRONMENT, capture_output=True,
                           text=True, timeout=20, stdin=subprocess.DEVNULL)
    assert taken.returncode == 2 and "--port" in taken.stderr
    for process, log in both:
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(15) == 0, log.read_text()
        until(lambda: not group_members(process.pid), 3, "nothing is left")
