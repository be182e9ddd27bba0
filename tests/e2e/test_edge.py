# SPDX-License-Identifier: Apache-2.0
"""The edge of the server: several listeners, what stands between it and its clients, and the access log."""
import json
import os
import re
import socket
import stat
import struct
import subprocess
import threading
import time

import pytest

from support.http import Closed, Connection
from support.leash import leashed
from support.measure import in_time, measured, unanswered
from support.ports import free_port
from support.wait import PATIENCE, until


@pytest.fixture
def folder(tmp_path_factory):
    """A short path: a unix socket's has at most 107 bytes."""
    return tmp_path_factory.mktemp("e")


def curl(*words):
    return subprocess.run(leashed(["curl", "-sS", "--max-time", "60", *words]), capture_output=True, check=True).stdout


def ports(server):
    """Every TCP port that the log names, in order."""
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
        socket.create_connection(("127.0.0.1", only), PATIENCE)


def test_two_servers_share_a_port_when_both_say_so(start):
    port = free_port()
    first = start(port="none", listener=f"tcp://127.0.0.1:{port}?reuseport")
    second = start(port="none", listener=f"tcp://127.0.0.1:{port}?reuseport")
    assert ports(second) == [port]
    first.stop()
    assert second.get("/hello").status == 200
    third = start(port="none", listener=f"tcp://127.0.0.1:{port}", wait=False)
    third.expect_exit = 1
    third.ended(1)
    assert f"127.0.0.1:{port} is in use" in third.log()


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
    with Connection.unix(path) as connection:
        assert connection.get("/hello").status == 200
    second = start(listener=f"unix://{path}", wait=False)
    second.expect_exit = 1
    second.ended(1)
    assert f"{path} is in use" in second.log()
    with Connection.unix(path) as connection:  # the one that lost has not taken the file away
        assert connection.get("/hello").status == 200
    first.stop()


def test_a_file_that_is_no_socket_is_left_alone(start, folder):
    path = folder / "notes"
    path.write_text("precious")
    server = start(listener=f"unix://{path}", wait=False)
    server.expect_exit = 1
    server.ended(1)
    assert path.read_text() == "precious"


def test_an_address_that_is_taken_is_named_and_leaves_nothing_behind(start, folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = folder / "s"
        server = start(listener=[f"unix://{path}", f"tcp://127.0.0.1:{port}"], wait=False)
        server.expect_exit = 1
        server.ended(1)
        assert f"127.0.0.1:{port} is in use" in server.log()
        assert not path.exists()


def test_a_unix_socket_may_be_the_only_door(start, folder):
    path = folder / "s"
    server = start(port="none", listener=f"unix://{path}", wait=False)

    def serves():
        try:
            with Connection.unix(path) as connection:
                return connection.get("/hello").status == 200
        except (OSError, Closed):
            return False

    until(serves, what="it serves")
    assert ports(server) == []
    with Connection.unix(path):  # a gateway that dies keeps the socket
        os.kill(server.gateway(), 9)
    until(serves, what="it serves again")


@measured
def test_a_drain_closes_idle_connections_of_every_kind_at_once(start, folder):
    path = folder / "s"
    server = start(listener=[f"unix://{path}", "tcp://[::1]:0"], drain_timeout_ms=30000)
    v4, v6 = ports(server)
    idle = [Connection.unix(path), Connection(("::1", v6)), Connection(("127.0.0.1", v4)), Connection.unix(path)]
    for connection in idle[:3]:  # the last one has never said anything
        assert connection.get("/hello").status == 200
    busy = Connection.unix(path)
    busy.send(b"GET /sleep?ms=3000 HTTP/1.1\r\nHost: test\r\n\r\n")
    until(lambda: 'viaduct_http_connections_open 6' in server.get("/metrics").text, what="all are open")
    server.process.terminate()
    for connection in idle:
        assert connection.socket.recv(1) == b""
    unanswered(busy, "what was idle is closed")
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
    for connection in (server.connect(), Connection.unix(path)):
        with connection:
            said, _ = client(connection, ("Forwarded", 'for="[2001:db8::1]:80";proto=https;host="shop.example"'))
            assert said[:4] == ["2001:db8::1", "80", "https", "shop.example"]
            said, _ = client(connection, ("X-Forwarded-For", "6.6.6.6, 192.0.2.7, 10.0.0.9"),
                             ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "a.example:8443"))
            assert said[:4] == ["192.0.2.7", "0", "https", "a.example:8443"]
            # what was said of one request holds for that one
            said, _ = client(connection)
            assert said[0] in ("127.0.0.1", "unix:") and said[2:4] == ["http", "test"]


def test_one_of_the_two_kinds_may_be_chosen_and_both_are_warned_of(start):
    both = [("Forwarded", "for=192.0.2.1"), ("X-Forwarded-For", "192.0.2.2")]
    for chosen, address in ((0, "192.0.2.1"), (1, "192.0.2.1"), (2, "192.0.2.2")):
        server = start(trusted_proxy="127.0.0.1", forwarded_headers=chosen)
        with server.connect() as connection:
            assert client(connection, *both)[0][0] == address
        if chosen == 0:
            server.says("forwarded_twice")
        server.stop()
        assert ("forwarded_twice" in server.log()) == (chosen == 0)


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
    with Connection.unix(path) as connection:
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
    until(lambda: server.gateway() not in (None, gateway) and server._serves(), what="another gateway serves")
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
    server.says(f"(request {id})")


# ---- the access log ------------------------------------------------------------------------------

COMMON, JSON = 1, 2
COMBINED = re.compile(r'(\S+) - - \[(\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "([^"]*)" (\d{3}) (\d+) "([^"]*)" "([^"]*)"'
                      r' id=(\S+) worker=(\d+|-) queue=([\d.]+) time=([\d.]+)( cut)?$')


def begin_anew(log):
    """Without what the start has asked: whatever of it is still to be written goes to the file that was open then."""
    log.unlink()
    until(log.exists, what="the log is opened again")


def lines(path, count):
    """The log's lines, when there are @count of them."""
    until(lambda: path.exists() and path.read_text().count("\n") >= count, what=f"{count} lines in {path}")
    found = path.read_text().splitlines()
    assert len(found) == count, found
    return found


def objects(path, count):
    return [json.loads(line) for line in lines(path, count)]


def test_common_lines_say_what_happened(start, folder):
    log = folder / "access.log"
    server = start(access_log=COMMON, access_log_path=log)
    begin_anew(log)
    with server.connect() as connection:
        id = connection.request("GET", "/hello?token=secret", headers=[
            ("User-Agent", 'evil"\\agent'), ("Referer", "http://a/?b"), ("Authorization", "Bearer hidden"),
            ("Cookie", "session=hidden")]).header("X-Request-Id")
        connection.request("HEAD", "/large?bytes=5000")
        connection.get("/big?bytes=200000")
        connection.get("/_health")
        connection.get("/sleep?ms=300")
        connection.send(b"rubbish\r\n\r\n")
        connection.answer()
    found = [COMBINED.match(line) for line in lines(log, 6)]
    assert all(found), log.read_text()
    hello, head, big, health, sleep, rubbish = found
    assert hello[1] == "127.0.0.1" and hello[3] == "GET /hello HTTP/1.1" and hello[4] == "200" and hello[5] == "14"
    assert hello[6] == "http://a/?b" and hello[7] == "evil\\x22\\x5cagent" and hello[8] == id
    assert hello[9] in "01" and 0 < float(hello[11]) < PATIENCE
    assert (head[3], head[5]) == ("HEAD /large HTTP/1.1", "0")
    assert big[5] == "200000"
    assert (health[3], health[9]) == ("GET /_health HTTP/1.1", "-")
    assert 0.29 < float(sleep[11]) < PATIENCE
    assert (rubbish[3], rubbish[4]) == ("-", "400")
    assert "secret" not in log.read_text() and "hidden" not in log.read_text()


def test_json_lines_and_the_query_when_it_is_wanted(start, folder):
    log = folder / "access.log"
    server = start(access_log=JSON, access_log_path=log, access_log_query=1, trusted_proxy="127.0.0.1", workers=1)
    begin_anew(log)
    with server.connect() as connection:
        connection.request("GET", "/hello?a=%22&b", headers=[
            ("X-Forwarded-For", "192.0.2.77"), ("X-Forwarded-Proto", "https"), ("X-Request-Id", "from-the-proxy")])
    (one,) = objects(log, 1)
    assert one.pop("time").endswith("Z") and 0 <= one.pop("queue_us") < PATIENCE * 1e6 and 0 < one.pop("time_us") < PATIENCE * 1e6
    assert one == {"id": "from-the-proxy", "remote": "192.0.2.77", "scheme": "https", "method": "GET",
                   "target": "/hello?a=%22&b", "protocol": "HTTP/1.1", "status": 200, "bytes": 14, "referer": None,
                   "agent": None, "worker": 0, "stream": False, "complete": True}


@measured
def test_the_time_in_the_queue_is_told_from_the_time_at_work(start, folder):
    log = folder / "access.log"
    log.unlink(missing_ok=True)
    server = start(access_log=JSON, access_log_path=log, workers=1)
    begin_anew(log)
    first, second = server.connect(), server.connect()
    first.send(b"GET /sleep?ms=600 HTTP/1.1\r\nHost: a\r\n\r\n")
    second.send(b"GET /sleep?ms=100 HTTP/1.1\r\nHost: a\r\n\r\n")
    assert first.answer().status == second.answer().status == 200
    a, b = objects(log, 2)
    first.close(), second.close()
    assert a["time_us"] >= 590e3 or b["time_us"] >= 590e3
    short, long = sorted((a, b), key=lambda one: one["time_us"])
    in_time(min(long["queue_us"], short["queue_us"]) / 1e6, 0.4, "the time in the queue of who was first")
    in_time(short["time_us"] / 1e6, 0.55, "the work of 100 ms")
    in_time(0.08, max(a["queue_us"], b["queue_us"]) / 1e6, "what the second waited at least, against what it says")


def test_streams_are_logged_when_they_close(start, folder):
    log = folder / "access.log"
    server = start(access_log=JSON, access_log_path=log)
    begin_anew(log)
    with server.connect() as stream:
        stream.send(b"GET /events?scope=a HTTP/1.1\r\nHost: a\r\n\r\n")
        until(lambda: stream._more() or b"\r\n\r\n" in stream.buffer)
        server.publish("a", "x" * 1000)
        until(lambda: stream._more() or b"x" * 1000 in stream.buffer)
        assert [one["target"] for one in objects(log, 1)] == ["/publish"]
    _, stream = objects(log, 2)
    assert (stream["target"], stream["status"], stream["stream"], stream["complete"]) == ("/events", 200, True, True)
    assert stream["bytes"] > 1000 and stream["worker"] in (0, 1)


def test_a_client_that_leaves_and_a_worker_that_dies(start, folder):
    log = folder / "access.log"
    server = start(access_log=JSON, access_log_path=log)
    begin_anew(log)
    with server.connect() as connection:
        assert connection.get("/crash").status == 502
    (crash,) = objects(log, 1)
    assert (crash["status"], crash["complete"]) == (502, True) and crash["worker"] in (0, 1)
    connection = server.connect()
    connection.send(b"GET /big?bytes=50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
    until(lambda: connection._more() or len(connection.buffer) > 1000)
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    big = objects(log, 2)[1]
    assert (big["target"], big["status"], big["complete"]) == ("/big", 200, False)


def test_a_renamed_log_is_left_and_a_new_one_begun(start, folder):
    log, old = folder / "access.log", folder / "access.log.1"
    server = start(access_log=JSON, access_log_path=log)
    stop = threading.Event()
    sent = []

    def ask():
        with server.connect() as connection:
            while not stop.is_set():
                sent.append(connection.get("/hello").header("X-Request-Id"))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        until(lambda: log.stat().st_size > 10000, what="the log grows")
        log.rename(old)
        until(lambda: log.exists() and log.stat().st_size > 1000, what="a new log grows")
        size = old.stat().st_size
        until(lambda: log.stat().st_size > 20000, what="it goes on")
        assert old.stat().st_size == size
    finally:
        stop.set()
        thread.join()
    server.stop()
    ids = [json.loads(line)["id"] for path in (old, log) for line in path.read_text().splitlines()]
    assert [id for id in ids if id in set(sent)] == sent  # each once, in order, none lost
    assert log.stat().st_mode & 0o777 == 0o640


@measured
def test_a_full_pipe_drops_lines_and_delays_nobody(start, folder):
    pipe = folder / "pipe"
    pipe.unlink(missing_ok=True)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        server = start(access_log=COMMON, access_log_path=pipe)

        def dropped():
            return int(re.search(r"^viaduct_access_log_dropped_total (\d+)", server.get("/metrics").text, re.M)[1])

        assert dropped() == 0
        agent = ("User-Agent", "x" * 500)
        worst = 0
        with server.connect() as connection:
            for _ in range(2000):
                begun = time.monotonic()
                assert connection.request("GET", "/hello", headers=[agent]).status == 200
                worst = max(worst, time.monotonic() - begun)
        assert dropped() > 100
        in_time(worst, 2, "the slowest answer")
        until(lambda: "access_log_full" in server.log() or "lines are dropped" in server.log(), what="it is told")
        # read dry: whole lines, and it goes on
        text = b""
        last = server.get("/hello").header("X-Request-Id").encode()

        def arrives():
            nonlocal text, last
            try:
                text += os.read(reader, 1 << 20)
            except BlockingIOError:
                last = server.get("/hello").header("X-Request-Id").encode()
            return last in text

        until(arrives, what="the line of the last request")
        assert all(COMBINED.match(line) for line in text.decode().splitlines()[:-1])
    finally:
        os.close(reader)


def test_a_log_that_cannot_be_opened_is_told_at_the_start(start, folder):
    server = start(access_log=COMMON, access_log_path=folder / "no/such/folder/log", wait=False)
    server.expect_exit = 1
    server.ended(1)
    assert "no/such/folder/log" in server.log() and "No such file" in server.log()


def test_the_log_may_be_the_standard_output(start):
    server = start(access_log=COMMON)
    id = server.get("/hello").header("X-Request-Id")
    server.says(f"id={id} ")


def test_files_are_logged_with_what_was_sent_of_them(start, folder):
    site, log = folder / "site", folder / "access.log"
    site.mkdir()
    (site / "big.bin").write_bytes(bytes(3_000_000))
    (site / "small.txt").write_text("small\n")
    server = start(access_log=JSON, access_log_path=log, static_dir=site)
    begin_anew(log)
    with server.connect() as connection:
        assert len(connection.get("/big.bin").body) == 3_000_000
        connection.get("/small.txt")
        tag = connection.request("HEAD", "/small.txt").header("ETag")
        assert connection.request("GET", "/small.txt", headers=[("If-None-Match", tag)]).status == 304
        assert connection.request("GET", "/big.bin", headers=[("Range", "bytes=5-1000004")]).status == 206
    found = [(one["target"], one["status"], one["bytes"], one["worker"], one["complete"]) for one in objects(log, 5)]
    assert found == [("/big.bin", 200, 3_000_000, None, True), ("/small.txt", 200, 6, None, True),
                     ("/small.txt", 200, 0, None, True), ("/small.txt", 304, 0, None, True),
                     ("/big.bin", 206, 1_000_000, None, True)]
