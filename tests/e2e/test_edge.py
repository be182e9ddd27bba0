# SPDX-License-Identifier: Apache-2.0
"""The edge of the server: several listeners, what stands between it and its clients, and the access log."""
import os
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from support.http import Closed, Connection
from support.wait import until


@pytest.fixture
def folder(tmp_path_factory):
    """A short path: a unix socket's has at most 107 bytes."""
    return tmp_path_factory.mktemp("e")


def unix(path, timeout=15.0):
    connection = Connection.__new__(Connection)
    connection.socket = socket.socket(socket.AF_UNIX)
    connection.socket.settimeout(timeout)
    connection.socket.connect(str(path))
    connection.buffer = b""
    return connection


def curl(*words):
    return subprocess.run(["curl", "-sS", "--max-time", "15", *map(str, words)], capture_output=True, check=True).stdout


def ports(server):
    """Every TCP port that the log names, in order."""
    import re
    return [int(port) for port in re.findall(r"listening: \S+ port (\d+)", server.log())]


# ---- listeners -----------------------------------------------------------------------------------


def test_several_listeners_serve_the_same_application(start, folder):
    path = folder / "s"
    server = start(listener=[f"unix://{path}", "tcp://[::1]:0", "tcp://127.0.0.1:0?reuseport"])
    v4, v6, other = ports(server)
    assert curl("--unix-socket", path, "http://x/hello") == b"Hello, world!\n"
    assert curl("-6", f"http://[::1]:{v6}/hello") == b"Hello, world!\n"
    assert curl("-4", f"http://127.0.0.1:{v4}/hello") == b"Hello, world!\n"
    assert curl("-4", f"http://127.0.0.1:{other}/hello") == b"Hello, world!\n"


def test_a_dual_stack_listener_takes_both_and_ipv6only_does_not(start):
    server = start(listener=["tcp://[::]:0", "tcp://[::]:0?ipv6only"])
    _, both, only = ports(server)
    for address in (("127.0.0.1", both), ("::1", both), ("::1", only)):
        with Connection(address) as connection:
            assert connection.get("/hello").status == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", only), 5)


def test_a_socket_file_has_its_mode_and_goes_at_the_end(start, folder):
    plain, open_to_all = folder / "a", folder / "b"
    server = start(listener=[f"unix://{plain}", f"unix://{open_to_all}?mode=0666"])
    assert stat.S_IMODE(plain.stat().st_mode) == 0o660
    assert stat.S_IMODE(open_to_all.stat().st_mode) == 0o666
    server.stop()
    assert not plain.exists() and not open_to_all.exists()


def test_a_stale_socket_file_is_replaced_a_live_one_is_not(start, folder):
    path = folder / "s"
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    first = start(listener=f"unix://{path}")
    with unix(path) as connection:
        assert connection.get("/hello").status == 200
    second = start(listener=f"unix://{path}", wait=False)
    second.expect_exit = 1
    assert second.process.wait(10) == 1
    assert f"{path} is in use" in second.log()
    with unix(path) as connection:  # the one that lost has not taken the file away
        assert connection.get("/hello").status == 200
    first.stop()


def test_a_file_that_is_no_socket_is_left_alone(start, folder):
    path = folder / "notes"
    path.write_text("precious")
    server = start(listener=f"unix://{path}", wait=False)
    server.expect_exit = 1
    assert server.process.wait(10) == 1
    assert path.read_text() == "precious"


def test_an_address_that_is_taken_is_named_and_leaves_nothing_behind(start, folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = folder / "s"
        server = start(listener=[f"unix://{path}", f"tcp://127.0.0.1:{port}"], wait=False)
        server.expect_exit = 1
        assert server.process.wait(10) == 1
        assert f"127.0.0.1:{port} is in use" in server.log()
        assert not path.exists()


def test_a_unix_socket_may_be_the_only_door(start, folder):
    path = folder / "s"
    server = start(port="none", listener=f"unix://{path}", wait=False)

    def serves():
        try:
            with unix(path) as connection:
                return connection.get("/hello").status == 200
        except (OSError, Closed):
            return False

    until(serves, 20, "it serves")
    assert ports(server) == []
    with unix(path) as connection:  # a gateway that dies keeps the socket
        os.kill(server.gateway(), 9)
    until(serves, 20, "it serves again")


def test_a_drain_closes_idle_connections_of_every_kind_at_once(start, folder):
    path = folder / "s"
    server = start(listener=[f"unix://{path}", "tcp://[::1]:0"], drain_timeout_ms=10000)
    v4, v6 = ports(server)
    idle = [unix(path), Connection(("::1", v6)), Connection(("127.0.0.1", v4)), unix(path)]
    for connection in idle[:3]:  # the last one has never said anything
        assert connection.get("/hello").status == 200
    busy = unix(path)
    busy.send(b"GET /sleep?ms=3000 HTTP/1.1\r\nHost: test\r\n\r\n")
    until(lambda: 'viaduct_http_connections_open 6' in server.get("/metrics").text, 10, "all are open")
    server.process.terminate()
    for connection in idle:
        connection.socket.settimeout(2)  # well before the busy one is answered
        assert connection.socket.recv(1) == b""
    assert busy.answer().status == 200
    for connection in [*idle, busy]:
        connection.close()
    server.ended(0)
