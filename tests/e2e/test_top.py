# SPDX-License-Identifier: Apache-2.0
"""viaduct top: a running node through its control socket, which is its user's alone."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import tempfile
import termios
import threading

import pytest

from support.command import COMMAND, environment, run
from support.leash import leashed
from support.wait import PATIENCE, until


@pytest.fixture
def place(tmp_path, monkeypatch):
    """The folder of this test's control sockets."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "viaduct"


def look(*words):
    return json.loads(run("top", "--once", "--json", *words).stdout)


def pictures(text):
    """What a terminal shows after each time that it was drawn on: lists of lines."""
    text = text.decode().replace("\x1b[K", "").replace("\x1b[J", "\x1b[H")
    return [[line.rstrip("\r") for line in one.split("\n")] for one in text.split("\x1b[H") if one.strip("\r\n")]


# ---- the socket ------------------------------------------------------------------------------------


def test_a_node_is_found_where_its_user_keeps_it(start, place):
    server = start()
    path = place / f"{server.supervisor}.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(place.stat().st_mode) == 0o700
    document = look()
    assert document["pid"] == server.supervisor and document["gateway"]["pid"] == server.gateway()
    assert {worker["pid"] for worker in document["workers"]} == set(server.workers().values())
    assert document["status"] == "ok" and document["listeners"] == ["%s:%d" % server.address]
    server.stop()
    assert not path.exists()
    assert b"no node listens there" in run("top", "--socket", path, code=1).stderr


def test_only_the_control_socket_serves_it(start, place):
    server = start()
    assert server.get("/_top").status == 404
    before = look()["gateway"]
    assert look()["gateway"]["requests_total"] == before["requests_total"], "who looks is not counted"
    assert look()["gateway"]["accepted_total"] == before["accepted_total"]
    with unix_connection(place / f"{server.supervisor}.sock") as control:
        for request, status in ((b"GET / HTTP/1.1", b"404"), (b"GET /_health HTTP/1.1", b"404"), (b"POST /_top HTTP/1.1", b"405"),
                                (b"GET /_top?x=1 HTTP/1.1", b"200")):
            control.sendall(request + b"\r\nHost: x\r\n\r\n")
            assert answer(control).startswith(b"HTTP/1.1 " + status), request


@contextlib.contextmanager
def unix_connection(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE)
        connection.connect(str(path))
        yield connection


def answer(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        body += connection.recv(65536)
    return head


@pytest.fixture
def as_nobody():
    """as_nobody("top") -> what a user says who owns nothing here. Needs root: else the modes must do."""
    if os.geteuid() != 0:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:  # this checkout may be closed to others
        os.chmod(folder, 0o755)
        shutil.copy(COMMAND, folder)
        yield lambda *words: subprocess.run([f"{folder}/viaduct", *words], capture_output=True, user=65534, group=65534,
                                            extra_groups=[], cwd=folder, env=environment(), timeout=PATIENCE)


def test_another_user_cannot_look(start, place, as_nobody):
    """Neither through the folder nor, where that is open, through the socket."""
    server = start()
    path = place / f"{server.supervisor}.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    if as_nobody:
        for folder in (place, *list(place.parents)[:-2]):
            folder.chmod(0o755)
        done = as_nobody("top", "--once", "--socket", path)
        assert (done.returncode, done.stdout) == (1, b"") and b"Permission denied" in done.stderr, done.stderr
        done = as_nobody("top", "--once")
        assert done.returncode == 1 and b"no node of this user is running here" in done.stderr, done.stderr


def test_a_path_of_ones_own_and_none(start, place, tmp_path):
    server = start(control_path=tmp_path / "own.sock")
    assert look("--socket", tmp_path / "own.sock")["pid"] == server.supervisor
    assert json.loads(run("top", "-1", "-j", VIADUCT_SOCKET=tmp_path / "own.sock").stdout)["pid"] == server.supervisor
    start(control_path="")
    assert not place.exists()


def test_a_path_that_cannot_be_had_is_an_error(start, tmp_path):
    server = start(wait=False, control_path=tmp_path / "no/such/folder/x.sock")
    assert server.process.wait(PATIENCE) != 0
    server.expect_exit = server.process.returncode
    assert "no/such/folder/x.sock" in server.log()


@pytest.mark.parametrize("spoil", [lambda place: place.write_text(""), lambda place: (place.mkdir(), place.chmod(0o777))])
def test_a_node_runs_without_when_its_place_is_not_its_own(start, place, spoil):
    spoil(place)
    server = start()
    server.says("no_control_socket")
    assert server.get("/hello").status == 200
    assert not place.is_dir() or not list(place.iterdir())


def test_what_a_killed_node_has_left_is_swept_by_the_next(start, place):
    server = start()
    left = place / f"{server.supervisor}.sock"
    os.kill(server.supervisor, signal.SIGKILL)
    server.ended(-signal.SIGKILL)
    server.process = None
    assert left.exists() and b"no node listens there" in run("top", "--socket", left, code=1).stderr
    (place / "other.sock").write_text("not a socket")
    start()
    assert not left.exists() and (place / "other.sock").exists()


def test_several_nodes_are_listed(start, place):
    servers = [start(workers=1), start(workers=1)]
    said = run("top", code=1).stderr.decode()
    assert "2 nodes are running here" in said and "--socket" in said
    for server in servers:
        assert f"{place}/{server.supervisor}.sock  pid {server.supervisor}  %s:%d" % server.address in said
    assert look("--socket", place / f"{servers[1].supervisor}.sock")["pid"] == servers[1].supervisor


# ---- what it shows ---------------------------------------------------------------------------------


def test_tables_counters_and_streams(start, place, streams):
    server = start("top")
    streams(server).open("/events")
    assert server.post("/fill").status == 204
    document = until(lambda: (seen := look())["gateway"]["streams"] == 1 and seen, what="the stream is counted")
    tables = {table["name"]: (table["rows"], table["capacity"], table["columns"]) for table in document["tables"]}
    assert tables["sessions"] == (6, 8, 1) and tables["rates"] == (0, 100, 1)
    counters = {counter["name"]: counter["value"] for counter in document["counters"]}
    assert counters["hits"] == 42 and counters["evil\x1b[2J\u202e"] == -1_234_567
    assert sum(worker["requests_total"] for worker in document["workers"]) >= 2
    assert "secret" not in json.dumps(document), "neither keys nor values nor scopes"
    said = run("top", "--once").stdout.decode()
    assert re.search(r"^sessions +6 +8  #{12}\.{4}  75 %$", said, re.M), said
    assert re.search(r"^evil\\x1b\[2J\\u\{202e\} +-1,234,567 +-$", said, re.M), said
    assert "1 open" in said and "PipeBroker" in said and "\x1b" not in said


def test_a_worker_that_is_busy(start, place):
    server = start(workers=1)
    with server.connect() as connection:
        connection.send(b"GET /sleep?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n" * 200)  # whoever looks finds one of them
        worker = until(lambda: (one := look()["workers"][0])["busy"] and one, what="it is busy")
        assert worker["in_flight"] == 1 and worker["state"] == "ready"


def test_the_link_to_other_nodes(start, place, broker):
    start(broker=broker.url())
    shown = until(lambda: (link := look()["broker"])["connected"] and link, what="connected")
    assert shown["driver"] == broker.display and shown["state"] == "connected" and shown["rtt_us"] > 0
    assert re.search(rf"^broker +{broker.display}  connected  rtt", run("top", "-1").stdout.decode(), re.M)
    assert str(broker.port) not in json.dumps(look()["broker"])
    broker.kill()
    shown = until(lambda: not (link := look()["broker"])["connected"] and link, what="not connected")
    assert shown["attempts"] >= 1 or shown["state"] in ("connecting", "waiting")


def test_what_is_no_node_is_refused(tmp_path):
    """Whoever listens there may say anything."""
    def serve(reply):
        try:
            connection, _ = listener.accept()
            connection.recv(4096)
            connection.sendall(reply)
            connection.close()
        except OSError:
            pass
    for body in (b"", b"{", b'{"a":', b"[" * 5000, b'{"a":1}x', b'{"a":"\\ud8"}', b'{"a":"\x1b"}', b"\x00", b"nul", b'{"a" 1}'):
        path = tmp_path / "fake.sock"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            listener.settimeout(PATIENCE)
            thread = threading.Thread(target=serve, args=(b"HTTP/1.1 200 OK\r\n\r\n" + body,))
            thread.start()
            said = run("top", "--once", "--socket", path, code=1)
            thread.join()
        assert b"is no node of Viaduct" in said.stderr and said.stdout == b"", body


HOSTILE = (b'{"version":"\x7f\xc2\x9b31m","node":"\\u001b[2J","uptime_ms":-1e300,"now_ms":1e308,"pid":1e308,'
           b'"gateway":{"connections":1e308,"queue":-1e308,"requests_total":1e308},'
           b'"broker":{"state":"\xe2\x80\xaegnp","attempts":1e308,"last_error":"\\u001b]0;owned\\u0007","rtt_us":1e308},'
           b'"tables":[{"name":"\\u009b31m","rows":1e308,"capacity":1e-308}],"counter_count":1e308,'
           b'"counters":[{"name":"\xff","value":-1e308}]}')


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_no_answer_drives_the_terminal(tmp_path, words):
    with answering(tmp_path / "fake.sock", b"HTTP/1.1 200 OK\r\n\r\n" + HOSTILE):
        shown = run("top", "--once", "--socket", tmp_path / "fake.sock", *words).stdout
    assert re.fullmatch(rb"[\n -~]+", shown), shown
    if words:
        assert json.loads(shown)["broker"]["state"] == "\u202egnp"


def test_a_node_that_does_not_answer_is_asked_again(tmp_path):
    """Its gateway was killed: before the answer, in its head, in its middle."""
    whole = b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{"pid":4711}'
    with answering(tmp_path / "fake.sock", b"", whole[:20], whole[:-1], whole, whole[:9], whole):
        said = run("top", "--json", "--interval", "0.05", "--socket", tmp_path / "fake.sock", code=1)
    assert said.stdout == b'{"pid":4711}' * 2, said
    with answering(tmp_path / "again.sock", b"", whole):
        assert run("top", "--once", "--json", "--socket", tmp_path / "again.sock").stdout == b'{"pid":4711}'


def test_a_node_that_does_not_answer_is_found_all_the_same(place):
    place.mkdir(mode=0o700)
    with answering(place / "1.sock", b"", b'HTTP/1.1 200 OK\r\n\r\n{"pid":4711}'):
        assert run("top", "--once", "--json").stdout == b'{"pid":4711}'
    with answering(place / "2.sock", b""), answering(place / "3.sock", b'HTTP/1.1 200 OK\r\n\r\n{"pid":3}'):
        said = run("top", "--once", code=1).stderr.decode()
        assert "2 nodes are running here" in said and "2.sock  does not answer\n" in said and "3.sock  pid 3\n" in said


def test_an_answer_is_bounded(tmp_path):
    with answering(tmp_path / "fake.sock", b"HTTP/1.1 200 OK\r\n\r\n[" + b"0," * 4_000_000 + b"0]"):
        assert b"is no node of Viaduct" in run("top", "--once", "--socket", tmp_path / "fake.sock", code=1).stderr


@contextlib.contextmanager
def answering(path, *replies):
    """Somebody else's socket, for as many connections; then nobody listens."""
    def serve():
        with contextlib.suppress(OSError), listener:
            for reply in replies:
                connection, _ = listener.accept()
                connection.settimeout(PATIENCE)
                connection.recv(4096)
                connection.sendall(reply)
                connection.close()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(PATIENCE)
        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


def test_the_socket_of_another_user_is_left_alone(place, as_nobody):
    """Anybody may have made a folder in /tmp under our name."""
    if not as_nobody:
        return
    with tempfile.TemporaryDirectory(prefix="viaduct-test-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"{folder}/1.sock")
            os.chmod(f"{folder}/1.sock", 0o777)
            listener.listen()
            listener.settimeout(0)
            assert b"no node of this user" in as_nobody("top", "--once").stderr
            with pytest.raises(BlockingIOError):
                listener.accept()


# ---- on a terminal ---------------------------------------------------------------------------------


class Screen:
    """The command on a terminal of its own."""

    def __init__(self, *words, columns=100, rows=30, terminal="xterm"):
        self.main, side = pty.openpty()
        self.resize(columns, rows)
        self.before = termios.tcgetattr(side)
        self.process = subprocess.Popen(leashed([COMMAND, "top", *words]), stdin=side, stdout=side, stderr=side, close_fds=True,
                                        env=environment(TERM=terminal), start_new_session=True)
        self.side, self.text = side, b""
        os.set_blocking(self.main, False)

    def resize(self, columns, rows):
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.main, 65536):
                self.text += data
        return self.text

    def ends(self, code):
        until(lambda: (self.read(), self.process.poll())[1] is not None, what="it ends")
        assert self.process.returncode == code, self.read()
        assert termios.tcgetattr(self.side) == self.before, "the terminal is as it was"
        assert self.read().count(b"\x1b[?1049h") == self.text.count(b"\x1b[?1049l")
        for mode in (b"25", b"7"):  # the cursor, and lines that wrap
            assert {self.text.count(b"\x1b[?%s%s" % (mode, state)) for state in (b"l", b"h")} == {self.text.count(b"\x1b[?1049h")}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.side)
        os.close(self.main)


@pytest.mark.parametrize("end", [lambda screen: os.write(screen.main, b"xq"),
                                 lambda screen: screen.process.send_signal(signal.SIGINT),
                                 lambda screen: screen.process.send_signal(signal.SIGQUIT),
                                 lambda screen: screen.process.send_signal(signal.SIGTERM)], ids=["q", "INT", "QUIT", "TERM"])
def test_it_draws_and_leaves_the_terminal_as_it_was(start, place, end):
    start()
    with Screen("--interval", "0.1") as screen:
        until(lambda: len(pictures(screen.read())) > 6, what="it draws again and again")
        assert termios.tcgetattr(screen.side)[3] & (termios.ICANON | termios.ECHO) == 0
        end(screen)
        screen.ends(0)
        assert any("0 requests/s" in line for line in sum(pictures(screen.text), []))


def test_it_keeps_to_the_window_and_follows_its_size(start, place):
    start(workers=3)
    with Screen("--interval", "0.1", columns=50, rows=9) as screen:
        until(lambda: len(pictures(screen.read())) > 4, what="it draws")
        for picture in pictures(screen.text.split(b"\x1b[2J")[1])[:4]:
            lines = [line for line in picture if line]
            assert len(picture) <= 9 and all(len(line) <= 50 for line in lines), picture
            assert "more lines" in lines[-1]
        screen.resize(200, 40)
        screen.process.send_signal(signal.SIGWINCH)
        until(lambda: "DROPPED" in screen.read()[-4000:].decode(), what="the whole width is used")
        os.write(screen.main, b"q")
        screen.ends(0)


def test_the_node_ends_meanwhile(start, place):
    server = start()
    with Screen("--interval", "0.1") as screen:
        until(lambda: pictures(screen.read()), what="it draws")
        server.stop()
        screen.ends(1)
        assert b"no node listens there" in screen.text or b"does not answer" in screen.text


def test_a_gateway_that_is_replaced_meanwhile(start, place):
    server = start()
    with Screen("--interval", "0.1") as screen:
        until(lambda: pictures(screen.read()), what="it draws")
        os.kill(server.gateway(), signal.SIGKILL)
        until(lambda: b"deaths 1" in screen.read(), what="it goes on with the next gateway")
        os.write(screen.main, b"q")
        screen.ends(0)


def test_a_node_that_is_silent_is_waited_for(place, tmp_path):
    with answering(tmp_path / "fake.sock", *[b""] * 100):
        with Screen("--interval", "0.1", "--socket", str(tmp_path / "fake.sock")) as screen:
            until(lambda: b"does not answer; asking again" in screen.read(), what="it says so")
            os.write(screen.main, b"q")
            screen.ends(0)
        for _ in range(100):  # the rest
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(tmp_path / "fake.sock"))


def test_stopped_by_the_terminal_and_continued(start, place):
    start()
    with Screen("--interval", "0.1") as screen:
        until(lambda: pictures(screen.read()), what="it draws")
        screen.process.send_signal(signal.SIGTSTP)
        until(lambda: b"\x1b[?1049l" in screen.read(), what="it leaves the screen")
        until(lambda: termios.tcgetattr(screen.side) == screen.before, what="the terminal is the shell's")
        screen.process.send_signal(signal.SIGCONT)
        until(lambda: screen.read().count(b"\x1b[?1049h") == 2, what="it comes back")
        os.write(screen.main, b"q")
        screen.ends(0)


@pytest.mark.parametrize("terminal", ["dumb", ""])
def test_a_terminal_that_cannot_move_its_cursor(start, place, terminal):
    start()
    with Screen("--interval", "0.1", terminal=terminal) as screen:
        until(lambda: screen.read().count(b"WORKER") >= 3, what="pictures follow each other")
        screen.process.send_signal(signal.SIGINT)
        screen.ends(0)
        assert b"\x1b" not in screen.text


def test_into_a_pipe(start, place):
    start()
    with subprocess.Popen(leashed([COMMAND, "top", "--json", "--interval", "0.1"]), stdout=subprocess.PIPE, env=environment()) as process:
        seen = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdout.close()
        assert process.wait(PATIENCE) == 0, "the reader has left"
    assert seen[0]["now_ms"] < seen[1]["now_ms"] < seen[2]["now_ms"]


def test_a_reader_that_does_not_read_holds_no_signal_up(start, place):
    start()
    reader, writer = os.pipe()
    process = subprocess.Popen(leashed([COMMAND, "top", "--json", "--interval", "0.01"]), stdout=writer, env=environment())
    try:
        until(lambda: not select.select([], [writer], [], 0)[1], what="the pipe is full")
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)
        os.close(reader)
        os.close(writer)


def test_a_full_disk_is_a_failure(start, place):
    start()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([COMMAND, "top", "--once"], stdout=full, stderr=subprocess.PIPE, env=environment(), timeout=PATIENCE)
    assert done.returncode == 1 and b"No space left" in done.stderr
