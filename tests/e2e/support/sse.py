# SPDX-License-Identifier: Apache-2.0
"""Hundreds of event streams in one Python process: one epoll, no thread a stream.

    streams = Streams(address)
    some = streams.open("/events?scope=a", count=100)
    streams.pump(lambda: all(stream.events for stream in some), what="an event on each")

Nothing is read outside pump(). With reconnect=True a stream that ends comes back as a browser does:
with Last-Event-ID, after the time that the server's `retry:` names (at most 100 ms here)."""
import select
import socket
import time

from .http import parse_head
from .wait import PATIENCE


class Event:
    __slots__ = ("id", "name", "data")

    def __init__(self, id_, name, data):
        self.id, self.name, self.data = id_, name, data

    def __repr__(self):
        return f"<{self.name} {self.id} {self.data!r}>"


class Stream:
    """One stream. events: what came, in order. state: connecting, head, open or closed."""

    def __init__(self, path, last_id=None, receive_buffer=None):
        self.path, self.last_id, self.receive_buffer = path, last_id, receive_buffer
        self.socket, self.state, self.status, self.headers = None, "closed", None, []
        self.events, self.comments, self.retry_ms = [], 0, None
        self.connects, self.again_at = 0, None
        self._reset()

    def _reset(self):
        self.raw = b""     # bytes of the connection not yet understood
        self.text = b""    # bytes of the event stream not yet understood
        self.chunked, self.left = False, 0
        self.over = False  # the last chunk came: a proxy may keep the connection

    def data(self, name="message"):
        return [event.data for event in self.events if event.name == name]

    def feed(self, data):
        self.raw += data
        if self.state == "head":
            if b"\r\n\r\n" not in self.raw:
                return
            head, self.raw = self.raw.split(b"\r\n\r\n", 1)
            self.status, _, self.headers = parse_head(head)
            lower = {key.lower(): value.lower() for key, value in self.headers}
            self.chunked = lower.get("transfer-encoding") == "chunked"
            self.state = "open"
        if self.chunked:
            self._dechunk()
        else:
            self.text, self.raw = self.text + self.raw, b""
        if b"\n\n" in self.text:
            *blocks, self.text = self.text.split(b"\n\n")
            for block in blocks:
                self._block(block)

    def _dechunk(self):
        at, raw, parts = 0, self.raw, []
        while True:
            if self.left == 0:
                end = raw.find(b"\r\n", at)
                if end < 0:
                    break
                line = raw[at:end]
                if line:  # empty: the line end behind the previous chunk's data
                    self.left = int(line, 16)
                    self.over = self.left == 0
                at = end + 2
            else:
                part = raw[at:at + self.left]
                if not part:
                    break
                parts.append(part)
                self.left -= len(part)
                at += len(part)
        self.raw, self.text = raw[at:], self.text + b"".join(parts)

    def _block(self, block):
        name, data = "message", None
        for line in block.split(b"\n"):
            field, _, value = line.partition(b":")
            value = value[1:] if value.startswith(b" ") else value
            if field == b"data":
                data = value if data is None else data + b"\n" + value
            elif field == b"event":
                name = value.decode()
            elif field == b"id":
                self.last_id = value.decode()
            elif field == b"retry":
                self.retry_ms = int(value)
            elif field == b"":
                self.comments += 1
            else:
                raise AssertionError(f"no field of an event stream: {line!r}")
        if data is not None:
            self.events.append(Event(self.last_id, name, data.decode()))


class Streams:
    def __init__(self, address, reconnect=False):
        self.address, self.reconnect = address, reconnect
        self.epoll, self.by_fd, self.all = select.epoll(), {}, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self, streams=None):
        for stream in list(streams or self.all):
            self._drop(stream)
            stream.again_at = None
            self.all.remove(stream)
        if streams is None:
            self.epoll.close()

    def open(self, path, count=1, ready=True, **options):
        """Open streams and, unless ready is False, pump until each has its 200."""
        fresh = [Stream(path, **options) for _ in range(count)]
        for stream in fresh:
            self.all.append(stream)
            self._connect(stream)
        if ready:
            self.pump(lambda: all(stream.state == "open" for stream in fresh), what=f"{count} x {path} open")
            for stream in fresh:
                assert stream.status == 200 and ("Content-Type", "text/event-stream") in stream.headers, (
                    f"{path}: {stream.status} {stream.headers} {stream.raw!r} {stream.text!r}")
        return fresh

    def _connect(self, stream):
        stream._reset()
        stream.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if stream.receive_buffer:
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, stream.receive_buffer)
        stream.socket.setblocking(False)
        stream.state, stream.again_at = "connecting", None
        stream.connects += 1
        stream.socket.connect_ex(self.address)
        self.by_fd[stream.socket.fileno()] = stream
        self.epoll.register(stream.socket, select.EPOLLOUT)

    def _drop(self, stream):
        if stream.socket is not None:
            self.by_fd.pop(stream.socket.fileno(), None)
            stream.socket.close()
            stream.socket = None
        stream.state = "closed"

    def _ended(self, stream):
        self._drop(stream)
        if self.reconnect:
            stream.again_at = time.monotonic() + min(stream.retry_ms or 100, 100) / 1000

    def _ready(self, stream):
        if stream.state == "connecting":
            if stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return self._ended(stream)
            lines = [f"GET {stream.path} HTTP/1.1", "Host: test", "Accept: text/event-stream"]
            if stream.last_id:
                lines.append(f"Last-Event-ID: {stream.last_id}")
            stream.state = "head"
            self.epoll.modify(stream.socket, select.EPOLLIN)
            try:
                stream.socket.send("\r\n".join(lines).encode() + b"\r\n\r\n")
            except ConnectionError:
                self._ended(stream)
            return None
        try:
            data = stream.socket.recv(262144)
        except BlockingIOError:
            return None
        except ConnectionError:
            data = b""
        if not data:
            return self._ended(stream)
        stream.feed(data)
        if stream.over or (stream.state == "open" and stream.status != 200 and self.reconnect):
            self._ended(stream)
        return None

    def step(self, seconds=0.05):
        now = time.monotonic()
        for stream in self.all:
            if stream.again_at is not None and stream.again_at <= now:
                self._connect(stream)
        for fd, _ in self.epoll.poll(seconds, 1024):
            stream = self.by_fd.get(fd)
            if stream is not None:
                self._ready(stream)

    def pump(self, done, seconds=PATIENCE, what="the streams' condition"):
        """Read until done() is true; done is asked every few milliseconds, not for every event. As until(): no less than
        PATIENCE is waited."""
        seconds = max(seconds, PATIENCE)
        deadline = time.monotonic() + seconds
        asked = 0.0
        while True:
            if time.monotonic() - asked > 0.02:
                if done():
                    return
                asked = time.monotonic()
                if asked > deadline:
                    states = {}
                    for stream in self.all:
                        states[stream.state] = states.get(stream.state, 0) + 1
                    raise AssertionError(f"not within {seconds} s: {what}; streams: {states}")
            self.step(0.02)
