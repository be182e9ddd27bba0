# SPDX-License-Identifier: Apache-2.0
"""Compression, seen by curl, Python's zlib and a browser: none of them knows our coders."""
import gzip
import os
import subprocess
import time
import zlib
from pathlib import Path
from urllib.parse import urlencode

import pytest

from support.leash import leashed
from support.measure import TooSlow, measured
from support.wait import PATIENCE, until

TEXT = ("header", "Content-Type: text/plain")


def pattern(length):
    return (b"abcdefghijklmnopqrstuvwxyz" * (length // 26 + 1))[:length]


def reply(*more, **query):
    return "/reply?" + urlencode([TEXT, *more, *query.items()])


def ask(connection, target, accept=None, method="GET", headers=()):
    fields = [("Accept-Encoding", accept)] if accept is not None else []
    return connection.request(method, target, headers=[*fields, *headers])


def curl(server, target, *options):
    """Body as curl decodes it; it fails when the coding is damaged or cut."""
    host, port = server.address
    return subprocess.run(leashed(["curl", "--silent", "--show-error", "--fail", "--max-time", "100", *options,
                                   f"http://{host}:{port}{target}"]), check=True, stdout=subprocess.PIPE).stdout


@pytest.mark.parametrize("accept", ["gzip", "br"])
@pytest.mark.parametrize("length", [1024, 70_000, 1_000_000, 9_000_000])
def test_a_response_comes_back_whole(start, accept, length):
    server = start(workers=1)
    for noise in (0, 1):
        plain = curl(server, reply(bytes=length, noise=noise))
        assert len(plain) == length and (noise or plain == pattern(length))
        assert curl(server, reply(bytes=length, noise=noise), "--compressed", "-H", f"Accept-Encoding: {accept}") == plain


def test_a_coded_response_says_what_it_is(start):
    with start(workers=1).connect() as connection:
        for target in (reply(bytes=50_000), reply(bytes=5_000_000), reply(bytes=50_000, pieces=7)):
            answer = ask(connection, target, "gzip")
            assert answer.header("Content-Encoding") == "gzip" and answer.header("Vary") == "Accept-Encoding"
            length = int(target.split("bytes=")[1].split("&")[0])
            assert len(answer.body) < length / 10 and gzip.decompress(answer.body) == pattern(length)
            plain = ask(connection, target)
            assert plain.header("Content-Encoding") is None and plain.header("Vary") == "Accept-Encoding"
            assert plain.body == pattern(length)
        whole = ask(connection, reply(bytes=50_000), "gzip")
        assert int(whole.header("Content-Length")) == len(whole.body)


def test_the_client_chooses(start):
    target = reply(bytes=5000)
    with start(workers=1).connect() as connection:
        for accept, coding in [("gzip, deflate, br", "br"), ("br;q=0.4, gzip;q=0.5", "gzip"), ("br;q=0, *", "gzip"),
                               ("deflate", None), ("identity", None), ("*;q=0", None), ("gzip;q=0.1, identity", None),
                               ("identity;q=0, gzip;q=0.001", "gzip"), ("gzip;q=", None), ("", None)]:
            assert ask(connection, target, accept).header("Content-Encoding") == coding, accept
        two = connection.request("GET", target, headers=[("Accept-Encoding", "br;q=0"), ("Accept-Encoding", "gzip")])
        assert two.header("Content-Encoding") == "gzip"


def test_what_must_stay_stays_as_it_is(start):
    with start(workers=1).connect() as connection:
        for more in (("header", "Cache-Control: no-transform, max-age=1"), ("header", "Content-Encoding: zstd"),
                     ("header", "Content-Digest: sha-256=:x:"), ("status", 206)):
            answer = ask(connection, reply(more, bytes=5000), "gzip")
            assert answer.body == pattern(5000) and answer.header("Vary") is None, more
        for target in ("/reply?bytes=5000", "/reply?bytes=5000&header=Content-Type:%20image/png", reply(bytes=1023)):
            answer = ask(connection, target, "gzip")
            assert len(answer.body) > 1000 and answer.header("Vary") is None, target
        for status in (204, 304):
            answer = ask(connection, reply(status=status), "gzip")
            assert answer.status == status and answer.header("Vary") is None
        noise = ask(connection, reply(bytes=5000, noise=1), "gzip")  # nothing to gain: as it is
        assert noise.header("Content-Encoding") is None and len(noise.body) == 5000
        assert noise.header("Vary") == "Accept-Encoding"


def test_tags_and_vary(start):
    more = [("header", 'ETag: "v1"'), ("header", "Vary: Cookie")]
    with start(workers=1).connect() as connection:
        coded, plain = ask(connection, reply(*more, bytes=5000), "gzip"), ask(connection, reply(*more, bytes=5000))
        assert coded.header("ETag") == 'W/"v1"' and plain.header("ETag") == '"v1"'
        assert coded.header("Vary") == plain.header("Vary") == "Cookie, Accept-Encoding"
        again = ask(connection, reply(more[0], status=304), "gzip", headers=[("If-None-Match", 'W/"v1"')])
        assert again.header("ETag") == 'W/"v1"' and again.header("Vary") == "Accept-Encoding"
        again = ask(connection, reply(more[0], status=304), "gzip", headers=[("If-None-Match", '"v1"')])
        assert again.header("ETag") == '"v1"'


def test_head_has_the_headers_of_get(start):
    with start(workers=1).connect() as connection:
        for target in (reply(bytes=5000), reply(bytes=5_000_000), reply(bytes=50_000, pieces=3)):
            get, head = (ask(connection, target, "gzip", method) for method in ("GET", "HEAD"))
            of_each = ("Date", "X-Request-Id")
            assert [field for field in get.headers if field[0] not in of_each] == [
                field for field in head.headers if field[0] not in of_each], target
            assert head.body == b""


def test_http_1_0_takes_it_to_the_close(start):
    for target, length in ((reply(bytes=5000), 5000), (reply(bytes=5_000_000), 5_000_000)):
        with start(workers=1).connect() as connection:
            connection.send(f"GET {target} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            assert gzip.decompress(connection.answer().body) == pattern(length)


@pytest.mark.parametrize("accept", ["gzip", "br"])
@measured
def test_each_piece_can_be_read_before_the_next_is_written(start, accept):
    server = start(workers=1)
    host, port = server.address
    began = time.monotonic()
    client = subprocess.Popen(leashed(["curl", "-sN", "--compressed", "-H", f"Accept-Encoding: {accept}",
                                       f"http://{host}:{port}" + reply(bytes=3000, pieces=2, ms=3000)]), stdout=subprocess.PIPE)
    try:
        assert client.stdout.read(1500) == pattern(1500)
        if time.monotonic() - began > 3 or client.poll() is not None:
            raise TooSlow("the first piece may have come with the second")
    finally:
        client.kill()
        client.communicate()


def rss(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_a_slow_client_costs_no_memory(start):
    """The credit counts coded bytes: no more than a window of them lies about, on either side."""
    server = start(workers=1)
    pids = [server.gateway(), server.workers()[0]]
    length = 60_000_000
    with server.connect() as connection:
        connection.send(f"GET {reply(bytes=length, noise=1)} HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        connection._more()
        before = [rss(pid) for pid in pids]
        idle_since = [server.busy_ticks(pids[1]), time.monotonic()]

        def waits():
            if server.busy_ticks(pids[1]) != idle_since[0]:
                idle_since[:] = [server.busy_ticks(pids[1]), time.monotonic()]
            return time.monotonic() - idle_since[1] > 0.5

        until(waits, what="the worker waits for the client")
        assert rss(pids[0]) - before[0] < 8 << 20 and rss(pids[1]) - before[1] < 8 << 20
        answer, size = connection.answer(), 0
        decoder = zlib.decompressobj(31)
        for at in range(0, len(answer.body), 1 << 20):
            size += len(decoder.decompress(answer.body[at:at + (1 << 20)]))
        assert size == length and decoder.eof and not decoder.unused_data
    assert rss(pids[0]) - before[0] < 16 << 20


def test_a_client_that_leaves_frees_the_worker(start):
    server = start(workers=1)
    for accept in ("gzip", "br"):
        with server.connect() as connection:
            connection.send(f"GET {reply(bytes=30_000_000, noise=1)} HTTP/1.1\r\nHost: t\r\n"
                            f"Accept-Encoding: {accept}\r\n\r\n".encode())
            connection._more()
        assert curl(server, reply(bytes=5000), "--compressed", "-H", f"Accept-Encoding: {accept}") == pattern(5000)


def test_it_can_be_switched_off_and_tuned(start):
    with start(workers=1, compression_off=1, compress_streams=1).connect() as connection:
        answer = ask(connection, reply(bytes=5000), "gzip")
        assert answer.header("Content-Encoding") is None and answer.header("Vary") is None
    with start(workers=1, compression_min_bytes=100, compression_level=9).connect() as connection:
        assert gzip.decompress(ask(connection, reply(bytes=300), "gzip").body) == pattern(300)


# ---- event streams ---------------------------------------------------------------------------------


class Reader:
    """A raw stream: what can be decoded of it so far."""

    def __init__(self, server, version="1.1", headers="Accept-Encoding: gzip\r\n"):
        self.connection = server.connect()
        self.connection.send(f"GET /events?scope=a HTTP/{version}\r\nHost: t\r\n{headers}\r\n".encode())
        self.head = self.connection._until(b"\r\n\r\n").decode()
        self.chunked = "chunked" in self.head
        self.decoder, self.text, self.ended = zlib.decompressobj(31), b"", False

    def _part(self):
        if not self.chunked:
            if not self.connection.buffer:
                self.connection._more()
            part, self.connection.buffer = self.connection.buffer, b""
            return part
        size = int(self.connection._until(b"\r\n"), 16)
        part = self.connection._exactly(size)
        self.connection._exactly(2)
        self.ended = size == 0
        return part

    def until(self, mark):
        while mark not in self.text:
            assert not self.ended, self.text
            self.text += self.decoder.decompress(self._part())

    def to_the_end(self):
        while not self.ended:
            self.text += self.decoder.decompress(self._part())
        assert self.decoder.eof and not self.decoder.unused_data

    def messages(self):
        return [line[6:] for line in self.text.split(b"\n") if line.startswith(b"data: ")]


def test_one_compressed_event_serves_streams_that_came_at_different_times(start):
    server = start(workers=1, compress_streams=1, heartbeat_ms=100)
    said, readers = [], []
    for n in range(4):
        readers.append(Reader(server))
        said.append(b"%d " % n * 10 ** n)
        assert server.publish("a", said[-1].decode()).status == 204
        for came, reader in enumerate(readers):
            reader.until(b"\n\n".join([said[-1]]))
            assert "Content-Encoding: gzip" in reader.head and "Vary: Accept-Encoding" in reader.head
            assert reader.messages() == said[came:]
    readers[0].until(b":\n\n")  # a heartbeat
    plain = Reader(server, headers="Accept-Encoding: br, gzip;q=0\r\n")
    assert "Content-Encoding" not in plain.head and "Vary: Accept-Encoding" in plain.head
    server.process.terminate()
    for reader in readers:
        reader.to_the_end()  # with a checksum of everything it got, or zlib complains
        reader.connection.close()
    plain.connection.close()
    server.ended(0)


def test_a_compressed_stream_catches_up(start):
    server = start(workers=1, compress_streams=1)
    first = Reader(server)
    for n in range(50):
        server.publish("a", f"<p>{n}</p>" * 40)
    first.until(b"<p>49</p>")
    seen = [line for line in first.text.split(b"\n") if line.startswith(b"id: ")][10].decode()
    for version in ("1.1", "1.0"):
        again = Reader(server, version, f"Accept-Encoding: gzip\r\nLast-Event-{seen.replace('id:', 'ID:')}\r\n")
        again.until(b"<p>49</p>\n\n")
        assert again.messages() == first.messages()[10:], version
        again.connection.close()
    first.connection.close()


def test_streams_are_left_alone_by_default(start):
    reader = Reader(start(workers=1))
    assert "Content-Encoding" not in reader.head and "Vary" not in reader.head
    reader.connection.close()


def test_curl_and_a_browser_read_a_compressed_stream_as_it_comes(start, browser, tmp_path):
    server = start(workers=1, compress_streams=1)
    host, port = server.address
    with open(tmp_path / "out", "wb") as out:
        client = subprocess.Popen(leashed(["curl", "-sSN", "--compressed", f"http://{host}:{port}/events?scope=a"]), stdout=out)
    try:
        page = "/reply?" + urlencode({"header": "Content-Type: text/html", "bytes": 10})
        browser.get(f"http://{host}:{port}{page}")
        browser.execute_script("""
            window.got = []
            const source = new EventSource('/events?scope=a')
            source.onopen = () => window.open_ = true
            source.onmessage = event => got.push(event.data)
            fetch('/events?scope=b').then(response => window.coding = response.headers.get('content-encoding'))""")
        until(lambda: browser.execute_script("return window.open_"), what="the stream is open")
        until(lambda: browser.execute_script("return window.coding") == "gzip", what="it is compressed")
        for n in range(1, 4):
            text = f"<b>{n}</b>" * 10 ** n
            server.publish("a", text)
            until(lambda: browser.execute_script("return got.length") == n, what="the browser has it")
            assert browser.execute_script("return got[got.length - 1]") == text
            until(lambda: text.encode() in (tmp_path / "out").read_bytes(), what="curl has it")
        server.stop()
        assert client.wait(PATIENCE) == 0  # curl checks the trailer
    finally:
        client.kill()
        client.wait()
