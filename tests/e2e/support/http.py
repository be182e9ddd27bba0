# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 client over a raw socket: shows what came, repairs nothing."""
import json
import socket
from urllib.parse import urlencode

from .wait import PATIENCE


class Closed(Exception):
    """The peer closed (or reset) before the answer was whole."""


class Answer:
    def __init__(self, status, reason, headers, body):
        self.status, self.reason, self.headers, self.body = status, reason, headers, body

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def text(self):
        return self.body.decode()

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:200]!r}>"


def parse_head(head):
    lines = head.decode("latin-1").split("\r\n")
    version, status, reason = (lines[0] + " ").split(" ", 2)
    assert version in ("HTTP/1.1", "HTTP/1.0"), lines[0]
    return int(status), reason.strip(), [tuple(part.strip() for part in line.split(":", 1)) for line in lines[1:]]


class Connection:
    """One keep-alive connection. send() raw bytes, answer() reads one response."""

    def __init__(self, address, timeout=PATIENCE, source=None):
        """source: the address of this end, of several that lead here."""
        self.socket = socket.create_connection(address, timeout=timeout, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    @classmethod
    def unix(cls, path):
        connection = cls.__new__(cls)
        connection.socket, connection.buffer = socket.socket(socket.AF_UNIX), b""
        connection.socket.settimeout(PATIENCE)
        connection.socket.connect(str(path))
        return connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        try:
            self.socket.sendall(data)
        except ConnectionError as error:
            raise Closed(str(error)) from error

    def _more(self):
        try:
            data = self.socket.recv(65536)
        except ConnectionError as error:
            raise Closed(str(error)) from error
        if not data:
            raise Closed(f"closed after {self.buffer[:200]!r}")
        self.buffer += data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def _exactly(self, length):
        while len(self.buffer) < length:
            self._more()
        part, self.buffer = self.buffer[:length], self.buffer[length:]
        return part

    def until_continue(self):
        """Of a request with `Expect: 100-continue`: its head was read, it has begun."""
        status, _, _ = parse_head(self._until(b"\r\n\r\n"))
        assert status == 100

    def answer(self, method="GET"):
        status, reason, headers = parse_head(self._until(b"\r\n\r\n"))
        if status == 100:
            return self.answer(method)
        answer = Answer(status, reason, headers, b"")
        if method == "HEAD" or status in (204, 304):
            return answer
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            chunks = []
            while True:
                size = int(self._until(b"\r\n"), 16)
                chunks.append(self._exactly(size))
                assert self._exactly(2) == b"\r\n"
                if size == 0:
                    answer.body = b"".join(chunks)
                    return answer
        length = answer.header("Content-Length")
        if length is not None:
            answer.body = self._exactly(int(length))
            return answer
        try:  # to the end of the connection
            while True:
                self._more()
        except Closed:
            answer.body, self.buffer = self.buffer, b""
        return answer

    def request(self, method, target, body=None, headers=()):
        """body: bytes, or a dict that becomes a form."""
        lines = [f"{method} {target} HTTP/1.1", "Host: test", *(f"{k}: {v}" for k, v in headers)]
        if isinstance(body, dict):
            body = urlencode(body).encode()
            lines.append("Content-Type: application/x-www-form-urlencoded")
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        return self.answer(method)

    def get(self, target, **query):
        return self.request("GET", target + ("?" + urlencode(query) if query else ""))

    def post(self, target, **form):
        return self.request("POST", target, form)

    def publish(self, scope, data):
        return self.request("POST", "/publish?" + urlencode({"scope": scope}), data.encode())
