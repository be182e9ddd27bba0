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


# ---- who the client is ---------------------------------------------------------------------------


def client(connection, *headers):
    """What the worker is told: address, port, scheme, host, request id; and the answer."""
    answer = connection.request("GET", "/client", headers=headers)
    assert answer.status == 200
    return answer.text.split(), answer


def test_without_trust_nobody_speaks_for_a_client(start):
    with start().connect() as connection:
        port = connection.socket.getsockname()[1]
        said, _ = client(connection, ("Forwarded", "for=1.2.3.4;proto=https;host=evil"),
                         ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-Proto", "https"), ("X-Request-Id", "mine"))
        assert said[:4] == ["127.0.0.1", str(port), "http", "test"]
        assert said[4] != "mine"
        # nor is there anything to be malformed
        assert client(connection, ("Forwarded", 'for="'))[0][0] == "127.0.0.1"


def test_a_trusted_proxy_says_who_the_client_is(start, folder):
    path = folder / "s"
    server = start(listener=f"unix://{path}", trusted_proxy=["127.0.0.0/8", "unix", "10.0.0.0/8"])
    for connection in (server.connect(), unix(path)):
        with connection:
            said, _ = client(connection, ("Forwarded", 'for="[2001:db8::1]:80";proto=https;host="shop.example"'))
            assert said[:4] == ["2001:db8::1", "80", "https", "shop.example"]
            said, _ = client(connection, ("X-Forwarded-For", "6.6.6.6, 192.0.2.7, 10.0.0.9"),
                             ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a.example:8443"))
            assert said[:4] == ["192.0.2.7", "0", "https", "a.example:8443"]
            # what was said of one request holds for that one
            said, _ = client(connection)
            assert said[0] in ("127.0.0.1", "unix:") and said[2:4] == ["http", "test"]


def test_a_malformed_forwarded_of_a_trusted_proxy_is_refused(start):
    server = start(trusted_proxy="127.0.0.1")
    with server.connect() as connection:
        answer = connection.request("GET", "/client", headers=[("Forwarded", 'for="1.2.3.4')])
        assert answer.status == 400 and "Forwarded" in answer.text
        with pytest.raises(Closed):
            connection.get("/hello")


def test_untrusted_on_the_unix_socket_is_only_unix(start, folder):
    path = folder / "s"
    start(listener=f"unix://{path}", trusted_proxy="127.0.0.1")
    with unix(path) as connection:
        assert client(connection, ("X-Forwarded-For", "1.2.3.4"))[0][:3] == ["unix:", "0", "http"]


# ---- request ids ---------------------------------------------------------------------------------


def test_every_answer_has_an_id_that_the_worker_knows(start):
    with start().connect() as connection:
        seen = set()
        for _ in range(200):
            said, answer = client(connection)
            assert answer.header("X-Request-Id") == said[4] and len(said[4]) == 32
            int(said[4], 16)
            seen.add(said[4])
        assert len(seen) == 200
        assert len(connection.get("/_health").header("X-Request-Id")) == 32
        connection.send(b"nonsense\r\n\r\n")
        assert len(connection.answer().header("X-Request-Id")) == 32


def test_ids_of_two_gateways_differ(start):
    server = start()
    first = server.get("/hello").header("X-Request-Id")
    gateway = server.gateway()
    os.kill(gateway, 9)
    until(lambda: server.gateway() not in (None, gateway) and server._serves(), 15, "another gateway serves")
    assert server.get("/hello").header("X-Request-Id") != first


@pytest.mark.parametrize("id, taken", [
    ("0af7651916cd43dd8448eb211c80319c", True), ("a", True), ("A-b_c.d:e@f+g/h=i~j", True), ("x" * 64, True),
    ("x" * 65, False), ("", False), ("a b", False), ("a\tb", False), ("<script>", False), ("a\"b", False),
    ("\u00e9", False), ("a;b", False),
])
def test_a_trusted_proxy_may_name_a_request(start, id, taken):
    with start(trusted_proxy="127.0.0.1").connect() as connection:
        said, answer = client(connection, ("X-Request-Id", id))
        assert (said[4] == id) == taken
        assert answer.header("X-Request-Id") == said[4]
        if taken:  # two of them are none
            assert client(connection, ("X-Request-Id", id), ("X-Request-Id", id))[0][4] != id


def test_the_id_may_be_kept_from_clients(start):
    with start(hide_request_id=1).connect() as connection:
        said, answer = client(connection)
        assert answer.header("X-Request-Id") is None and len(said[4]) == 32


def test_a_lost_request_is_logged_with_its_id(start):
    server = start()
    answer = server.get("/crash")
    assert answer.status == 502
    id = answer.header("X-Request-Id")
    until(lambda: f"(request {id})" in server.log(), 5, "the log names the request")
