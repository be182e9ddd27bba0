# SPDX-License-Identifier: Apache-2.0
"""viaduct pub and viaduct sub, with real brokers."""
import base64
import contextlib
import json
import os
import re
import select
import subprocess

import pytest

from support.command import COMMAND, Running, environment, run
from support.leash import leashed
from support.wait import PATIENCE, until

# ---- a message goes through ------------------------------------------------------------------------


def test_a_message_goes_through(tmp_path, broker):
    with Running(tmp_path, "sub", "room:*", "other", broker=broker) as sub:
        sub.listening()
        run("pub", "room:lobby", '{"text":"hällo"}', "--event", "say", broker=broker)
        run("pub", "elsewhere", "not for us", broker=broker)
        run("pub", "room:lobby", broker=broker)
        run("pub", "other", "", broker=broker)
        lines = [line.decode().partition(" ") for line in sub.lines(3)]
        sub.interrupt().ends(0)
    assert [rest for _, _, rest in lines] == ['room:lobby [say] {"text":"hällo"}', "room:lobby (has changed)", "other "]
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", at) for at, _, _ in lines)


def test_json_gives_back_every_byte(tmp_path, broker):
    binary, text = bytes(range(256)) * 3, "quote \" back\\slash \x00 \x1b[31m \u009b \u202e é 🎉 \n end"
    with Running(tmp_path, "sub", "--json", "--count", "4", broker=broker) as sub:
        sub.listening()
        run("pub", "a", "-", broker=broker, stdin=binary)
        run("pub", "b", "--stdin", "--event", "née", broker=broker, stdin=text.encode())
        (tmp_path / "data").write_bytes(b"from a file")
        run("pub", "c", "--file", tmp_path / "data", broker=broker)
        run("pub", "d", broker=broker)
        sub.ends(0)
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]", sub.out())
    first, second, third, fourth = map(json.loads, sub.out().splitlines())
    assert base64.b64decode(first["data64"]) == binary and "data" not in first and "event" not in first
    assert (second["scope"], second["data"], second["event"]) == ("b", text, "née")
    assert third["data"] == "from a file"
    assert fourth["scope"] == "d" and "data" not in fourth and "data64" not in fourth
    assert re.fullmatch(r"[0-9a-f]{16}", third["nodeId"]) and third["seq"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", third["receivedAt"])


def test_no_message_drives_the_terminal(tmp_path, broker):
    """Nothing but printable characters and the end of the line reaches standard output, whoever sent it."""
    hostile = "\x1b[2J\x1b]0;owned\x07\r\nfaked line\x08\x7f\u009b31m\u202egnp.exe\u2028\u2066 done".encode() + b"\xff\xc3\x28"
    with Running(tmp_path, "sub", broker=broker) as sub, broker.raw() as raw:
        sub.listening()
        run("pub", "x", "-", broker=broker, stdin=hostile)
        raw.publish(json.dumps({"scope": "y", "event": "e\u202e", "data": "\x1b[0m\x00"}).encode())
        lines = sub.lines(2)
        sub.interrupt().ends(0)
    assert len(lines) == 2
    for line in lines:
        assert re.fullmatch(r"[ -~]+", line.decode("ascii"))
    assert b"x \\x1b[2J\\x1b]0;owned\\x07\\r\\nfaked line\\x08\\x7f\\u{9b}31m\\u{202e}gnp.exe\\u{2028}\\u{2066} done\\xff\\xc3(" in lines[0]


def test_hostile_bytes_from_the_broker_do_not_end_it(tmp_path, broker):
    with Running(tmp_path, "sub", "--json", broker=broker) as sub, broker.raw() as raw:
        sub.listening()
        for bad in (b"", b"{", b"\x00" * 50, b'{"scope":"a b"}', b'{"scope":"x","data":1}', b"[" * 5000):
            raw.publish(bad)
        run("pub", "good", "still here", broker=broker)
        assert json.loads(sub.lines(1)[0])["data"] == "still here"
        sub.interrupt().ends(0)


def test_lines_go_out_as_they_come(tmp_path, broker):
    with Running(tmp_path, "sub", "--json", broker=broker) as sub, \
            Running(tmp_path, "pub", "--lines", "log", broker=broker, stdin=subprocess.PIPE) as pub:
        sub.listening()
        for n in range(3):
            pub.process.stdin.write(f"line {n}\n".encode())
            pub.process.stdin.flush()
            assert json.loads(sub.lines(n + 1)[n])["data"] == f"line {n}"
        pub.process.stdin.write(b"\nno end of line")
        pub.process.stdin.close()
        pub.ends(0)
        assert [json.loads(line)["data"] for line in sub.lines(5)[3:]] == ["", "no end of line"]
        sub.interrupt().ends(0)


def test_the_lines_before_a_bad_one_are_published(tmp_path, broker):
    with Running(tmp_path, "sub", "--json", "--count", "2", broker=broker) as sub:
        sub.listening()
        said = run("pub", "--lines", "n", broker=broker, stdin=b"1\n2\n" + b"x" * (1 << 21) + b"\n4\n", code=2).stderr.decode()
        assert "line 3: " in said
        sub.ends(0)
    assert [json.loads(line)["data"] for line in sub.out().splitlines()] == ["1", "2"]


def test_many_lines_in_order(tmp_path, broker):
    """More than any outbox holds: what is read waits for what is confirmed."""
    count = 20_000
    with Running(tmp_path, "sub", "--json", "--count", count, broker=broker) as sub:
        sub.listening()
        run("pub", "--lines", "n", broker=broker, stdin=b"".join(b"%07d%s\n" % (n, b"." * 400) for n in range(count)))
        sub.ends(0)
    assert [int(json.loads(line)["data"][:7]) for line in sub.out().splitlines()] == list(range(count))


# ---- how it ends -----------------------------------------------------------------------------------


def test_count_and_timeout(tmp_path, broker):
    with Running(tmp_path, "sub", "--count", "2", broker=broker) as sub:
        sub.listening()
        run("pub", "--lines", "n", broker=broker, stdin=b"1\n2\n3\n")
        sub.ends(0)
        assert len(sub.out().splitlines()) == 2
    run("sub", "--count", "1", "--timeout", "0.5", broker=broker, code=3)
    run("sub", "--timeout", "3", broker=broker, code=0)  # the time in which it connects, too


def test_a_message_that_two_patterns_match_is_shown_once(tmp_path, broker):
    with Running(tmp_path, "sub", "--json", "--count", "2", "room:*", "*:lobby", "room:lobby", broker=broker) as sub:
        sub.listening()
        run("pub", "--lines", "room:lobby", broker=broker, stdin=b"1\n2\n3\n")
        sub.ends(0)
    assert [json.loads(line)["data"] for line in sub.out().splitlines()] == ["1", "2"]


def test_a_scope_that_no_server_listens_to_is_said(broker):
    assert b'"tab" from elsewhere' in run("pub", "tab", "x", broker=broker).stderr
    assert run("pub", "tab", "x", "--quiet", broker=broker).stderr == run("pub", "tab:1", "x", broker=broker).stderr == b""


def test_data_that_begins_with_a_dash(tmp_path, broker):
    with Running(tmp_path, "sub", "--json", "--count", "1", broker=broker) as sub:
        sub.listening()
        run("pub", "--event", "e", "degrees", "--", "-5", broker=broker)
        sub.ends(0)
    assert json.loads(sub.out())["data"] == "-5"


def test_a_reader_that_leaves_ends_it(tmp_path, broker):
    reader, writer = os.pipe()
    with open(tmp_path / "err", "wb") as err:
        process = subprocess.Popen(leashed([COMMAND, "sub"]), stdout=writer, stderr=err, env=environment(broker))
    os.close(writer)
    try:
        until(lambda: b"listening" in (tmp_path / "err").read_bytes(), what="it listens")
        os.close(reader)
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait(PATIENCE)


def test_a_full_disk_is_a_failure(tmp_path, broker):
    with open("/dev/full", "wb") as full, open(tmp_path / "err", "wb") as err:
        process = subprocess.Popen(leashed([COMMAND, "sub"]), stdout=full, stderr=err, env=environment(broker))
    try:
        until(lambda: b"listening" in (tmp_path / "err").read_bytes(), what="it listens")
        run("pub", "x", "y", broker=broker)
        assert process.wait(PATIENCE) == 1 and b"No space left" in (tmp_path / "err").read_bytes()
    finally:
        process.kill()
        process.wait(PATIENCE)


@pytest.mark.parametrize("words", [("help",), ("version",), ("pub", "--help"), ("doctor",), ("doctor", "--json")])
def test_what_cannot_be_shown_is_a_failure(serve, words):
    url = serve("redis").url() if words[0] == "doctor" else None
    with open("/dev/full", "wb") as full:
        done = subprocess.run(leashed([COMMAND, *words]), stdout=full, stderr=subprocess.PIPE, env=environment(url), timeout=PATIENCE)
    assert done.returncode == 1 and b"standard output cannot be written" in done.stderr


def shell(words, broker=None):
    return subprocess.run(leashed(["sh", "-c", f'exec "$0" {words}', COMMAND]), capture_output=True, env=environment(broker),
                          timeout=PATIENCE)


def test_closed_descriptors_are_no_sockets(broker):
    """What is meant for people goes nowhere, and not to the server."""
    assert shell("pub x y <&- >&- 2>&-", broker).returncode == 0
    done = shell("pub x - <&-", broker)
    assert done.returncode == 1 and b"the input cannot be read" in done.stderr
    done = shell("version >&-")
    assert done.returncode == 1
    assert shell("doctor --timeout 5 >&-", broker).returncode == 1
    assert shell("pub 'bad scope' 2>&- >&-", broker).returncode == 2


@contextlib.contextmanager
def writing_into_a_pipe(folder, broker, *words, data):
    """sub, when it has written what a pipe takes of one message and waits for its reader: (process, reading end)."""
    reader, writer = os.pipe()
    with open(folder / "err", "wb") as err:
        process = subprocess.Popen(leashed([COMMAND, "sub", *words]), stdout=writer, stderr=err, env=environment(broker))
    try:
        until(lambda: b"listening" in (folder / "err").read_bytes(), what="it listens")
        run("pub", "big", "-", broker=broker, stdin=data)
        until(lambda: not select.select([], [writer], [], 0)[1], what="the pipe is full")
        os.close(writer)
        writer = None
        yield process, reader
    finally:
        if writer is not None:
            os.close(writer)
        process.kill()
        process.wait(PATIENCE)
        os.close(reader)


def test_a_reader_that_does_not_read_holds_no_signal_up(tmp_path, broker):
    with writing_into_a_pipe(tmp_path, broker, data=b"x" * 500_000) as (process, _):
        process.terminate()
        assert process.wait(PATIENCE) == 0


def test_a_reader_that_does_not_read_holds_no_timeout_up(tmp_path, serve):
    with writing_into_a_pipe(tmp_path, serve("redis"), "--timeout", "10", data=b"x" * 500_000) as (process, _):
        assert process.wait(PATIENCE) == 3 and b"nobody reads" in (tmp_path / "err").read_bytes()


def test_no_signal_cuts_a_line(tmp_path, broker):
    """Who reads a log or a pipe of JSON gets whole lines."""
    with writing_into_a_pipe(tmp_path, broker, "--json", data=b"x" * 500_000) as (process, reader):
        process.terminate()
        out = b""
        while part := os.read(reader, 65536):
            out += part
        assert process.wait(PATIENCE) == 0
    assert json.loads(out)["data"] == "x" * 500_000 and out.endswith(b"}\n")


def test_the_server_goes_and_comes_back(tmp_path, broker):
    with Running(tmp_path, "sub", "--json", broker=broker) as sub:
        sub.listening()
        broker.kill()
        sub.says("next attempt in")
        broker.start()
        sub.says("gap: the link was down")
        run("pub", "a", "after", broker=broker)
        assert json.loads(sub.lines(1)[0])["data"] == "after"
        sub.interrupt().ends(0)
