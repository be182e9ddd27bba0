# SPDX-License-Identifier: Apache-2.0
"""The load balancers of docs/several-nodes.md, each run with what the page prints for it before two nodes on one
Redis: requests, event streams on both nodes, a broadcast to all of them, and a node that goes."""
import contextlib
import re
import shutil
import signal
import subprocess

import pytest

from support.http import Closed, Connection
from support.leash import leashed
from support.nodes import STEADY
from support.ports import free_port
from support.server import SOURCE
from support.sse import Streams
from support.wait import PATIENCE, until


def snippet(name):
    """The indented block behind the line "NAME:" or "NAME (...):"."""
    page = (SOURCE / "docs/several-nodes.md").read_text()
    found = re.search(rf"^{name}(?: \([^\n]*\))?:\n\n((?:    [^\n]*\n|\n)+)", page, re.M)
    assert found, f"docs/several-nodes.md has no {name}"
    return re.sub(r"(?m)^    ", "", found[1])


def caddy(text, port):
    assert text.startswith("app.example.com {")  # there it would ask for a certificate
    return ["caddy", "run", "--adapter", "caddyfile", "--config"], \
        "{\n    admin off\n    default_bind 127.0.0.1\n}\n" + text.replace("app.example.com", f"http://:{port}", 1)


def haproxy(text, port):
    assert "bind :80\n" in text
    return ["haproxy", "-db", "-f"], text.replace("bind :80", f"bind 127.0.0.1:{port}")


def nginx(text, port):
    return ["nginx", "-e", "stderr", "-p", ".", "-g", "daemon off; pid nginx.pid;", "-c"], f"""
events {{}}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    {text.replace("server {", f"server {{ listen 127.0.0.1:{port};", 1)}
}}
"""


@pytest.fixture
def balance(tmp_path):
    """balance(nginx, "nginx", servers) -> the address where it takes requests."""
    running = []

    def starter(kind, name, servers):
        text, port = snippet(name), free_port()
        for number, server in enumerate(servers, 1):
            assert f"node{number}:3000" in text
            text = text.replace(f"node{number}:3000", "%s:%d" % server.address)
        argv, config = kind(text, port)
        (tmp_path / "config").write_text(config)
        program = shutil.which(argv[0], path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert program, f"{argv[0]} is not installed: scripts/deps test"
        with open(tmp_path / "balancer.log", "wb") as log:
            running.append(subprocess.Popen(leashed([program, *argv[1:], tmp_path / "config"], signal.SIGTERM),
                                            cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env={"HOME": str(tmp_path), "PATH": "/usr/bin"}))
        address = ("127.0.0.1", port)
        said = servers[0].get("/hello").text
        until(lambda: answers(running[-1], address, said, tmp_path / "balancer.log"), what="it passes requests on")
        return address

    yield starter
    for process in running:  # caddy has no children; the others' leave with them
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(PATIENCE)
        process.kill()
        process.wait(PATIENCE)


def answers(process, address, said, log):
    assert process.poll() is None, log.read_text()
    try:
        with Connection(address) as connection:
            return connection.get("/hello").text == said
    except (OSError, Closed):
        return False


def held(server):
    return server.health()["connections"]["sse"]


@pytest.mark.parametrize("kind, name", [(caddy, "Caddy"), (haproxy, "HAProxy"), (nginx, "nginx")])
def test_two_nodes_behind_it_are_one(nodes, serve, balance, kind, name):
    broker = serve("redis")
    # No heartbeat would find out that a tab is gone.
    servers = nodes(broker.url(), broker.url(), workers=2, heartbeat_ms=3_600_000, **STEADY)
    address = balance(kind, name, servers)
    with Streams(address) as some:
        opened = []

        def spread():
            """Streams on either node, as the balancer likes: it knows nothing of sessions."""
            if len(opened) < 40:
                opened.extend(some.open("/events?scope=room:x", ready=False))
            some.pump(lambda: all(stream.state == "open" for stream in opened), what="the streams are open")
            assert {stream.status for stream in opened} == {200}
            return all(held(server) for server in servers)
        until(spread, what="both nodes hold streams")
        with Connection(address) as connection:
            assert connection.publish("room:x", "to all").status == 204
        some.pump(lambda: all(stream.data() for stream in opened), what="the broadcast reaches every stream, unbuffered")
        assert {tuple(stream.data()) for stream in opened} == {("to all",)}
    until(lambda: not any(held(server) for server in servers), what="a tab that is closed is gone")
    servers[0].stop()
    for _ in range(4):  # a node that has just gone: the next one
        with Connection(address) as connection:
            assert connection.get("/hello").status == 200
