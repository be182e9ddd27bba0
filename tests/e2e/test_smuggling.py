# SPDX-License-Identifier: Apache-2.0
"""The request-smuggling corpus over the wire: one answer, the connection closed, nothing carried out."""
import pytest

from support.http import Closed
from support.smuggling import REFUSED, SMUGGLED, WHOLE

HELLO = b"GET /hello HTTP/1.1\r\nHost: test\r\n\r\n"


def send_in_pieces(connection, data, piece):
    """Small pieces travel alone (no delay is set); a peer that has heard enough may close."""
    try:
        for at in range(0, len(data), piece):
            connection.send(data[at:at + piece])
    except Closed:
        pass


def everything(connection):
    try:
        while True:
            connection._more()
    except Closed:
        return connection.buffer


def refusal_failure(server, name, piece):
    data, status = REFUSED[name]
    with server.connect() as connection:
        send_in_pieces(connection, data + SMUGGLED, piece)
        try:
            answer = connection.answer()
        except Closed as error:
            return f"{name}: {error}"
        rest = everything(connection)
    if (answer.status, answer.header("Connection"), rest) != (status, "close", b""):
        return f"{name}: {answer.status} instead of {status}, Connection: {answer.header('Connection')}, then {rest[:80]!r}"
    return None


@pytest.mark.parametrize("piece", [1 << 20, 7, 1], ids=["whole", "in sevens", "byte by byte"])
def test_what_is_ambiguous_is_refused_and_what_follows_it_is_never_read(start, streams, piece):
    server = start(workers=1)
    some = streams(server)
    [watcher] = some.open("/events?scope=smuggled")
    # A long one byte by byte tells nothing more, only later.
    names = [name for name, (data, _) in REFUSED.items() if len(data) < 3000 or piece > 1]
    failures = [failure for name in names if (failure := refusal_failure(server, name, piece))]
    assert not failures, "\n".join(failures)
    server.publish("smuggled", "end")
    some.pump(lambda: watcher.events)
    assert watcher.data() == ["end"], "a smuggled request was carried out"
    refused = sum(int(line.rpartition(" ")[2]) for line in server.get("/metrics").text.splitlines()
                  if line.startswith("viaduct_refused_total"))
    assert refused >= len(names)


@pytest.mark.parametrize("piece", [1 << 20, 7, 1], ids=["whole", "in sevens", "byte by byte"])
def test_what_only_looks_like_two_is_one(start, streams, piece):
    server = start(workers=1)
    some = streams(server)
    [watcher] = some.open("/events?scope=smuggled")
    for name, (data, body) in WHOLE.items():
        with server.connect() as connection:
            send_in_pieces(connection, data + HELLO, piece)
            first, second = connection.answer(), connection.answer()
            assert (first.status, first.body) == (200, body), name
            assert second.body == b"Hello, world!\n", name
            connection.send(HELLO.replace(b"1.1\r\n", b"1.1\r\nConnection: close\r\n"))
            assert connection.answer().status == 200
            assert everything(connection) == b"", name
    server.publish("smuggled", "end")
    some.pump(lambda: watcher.events)
    assert watcher.data() == ["end"]


LONG = SMUGGLED * 20000  # 1.5 MB: more than any buffer on the way
FORMS = {
    "length": lambda line: line + b"\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(LONG) + LONG,
    "one chunk": lambda line: line + b"\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(LONG), LONG),
    "a chunk each": lambda line: (line + b"\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                  + (b"%x\r\n%s\r\n" % (len(SMUGGLED), SMUGGLED)) * 20000 + b"0\r\n\r\n"),
    "refused in the middle": lambda line: (line + b"\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                           + b"%x\r\n%s\r\n" % (len(LONG), LONG) + b"zz\r\n" + LONG),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("line", ["GET /hello", "POST /nothing-here", "GET /_health", "PUT /echo", "GET /big?bytes=200000"])
def test_a_body_that_nobody_reads_is_never_read_as_requests(start, streams, line, form):
    """The answer may come before the body has. Then it is read and forgotten, or the connection ends."""
    server = start(workers=1)
    some = streams(server)
    [watcher] = some.open("/events?scope=smuggled")
    for piece in (1 << 24, 10007):
        with server.connect() as connection:
            send_in_pieces(connection, FORMS[form](line.encode() + b" HTTP/1.1") + HELLO, piece)
            try:
                first = connection.answer()
            except Closed:  # cut off in the middle of an answer, or reset while sending: no second one either way
                continue
            assert first.status in (200, 400, 404, 405), first
            rest = everything(connection) if first.header("Connection") == "close" else None
            if rest is None:
                try:
                    assert connection.answer().body == b"Hello, world!\n"
                except Closed:
                    pass
            else:
                assert rest == b""
    server.publish("smuggled", "end")
    some.pump(lambda: watcher.events)
    assert watcher.data() == ["end"], "a smuggled request was carried out"
