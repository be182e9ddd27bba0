# SPDX-License-Identifier: Apache-2.0
"""Thousands of clients in a process of their own (the descriptor limit is one process's).

    with Crowd(server.address, 5000, "stream", target="/events?scope=a") as crowd:
        crowd.until(lambda now: now["ready"] == 5000)

Modes:
    idle    one request, answered; then the connection is kept and nothing said
    silent  connects and says nothing
    stream  an event stream; events are counted
    loris   a request whose headers never end, a line every half second
    body    a request whose body never ends, a byte every half second
"""
import json
import resource
import select
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

PENDING_MAX = 256  # connections on their way at a time
DRIP_SECONDS = 0.5


class Crowd:
    """The parent's end: what the process last said about itself."""

    def __init__(self, address, count, mode, target="/hello"):
        self.count, self.now = count, {}
        self.process = subprocess.Popen([sys.executable, "-B", __file__, address[0], str(address[1]), str(count), mode, target],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.now = json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def until(self, condition, seconds=120):
        deadline = time.monotonic() + seconds
        while not (self.now and condition(self.now)):
            assert self.process.poll() is None, f"the crowd ended: {self.process.returncode}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.now}"
            time.sleep(0.02)
        return self.now


class Member:
    __slots__ = ("socket", "state", "head", "tail", "status")

    def __init__(self, address):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(address)
        self.state, self.head, self.tail, self.status = "connecting", b"", b"", None


class Process:
    def __init__(self, address, count, mode, target):
        self.address, self.left, self.mode, self.target = address, count, mode, target
        self.epoll, self.by_fd = select.epoll(), {}
        self.connecting = self.ready = self.closed = self.events = 0
        self.statuses, self.drip_at, self.failed = Counter(), 0.0, 0

    def opening_words(self):
        head = f"{'POST' if self.mode == 'body' else 'GET'} {self.target} HTTP/1.1\r\nHost: crowd\r\n"
        return {"loris": head, "body": head + "Content-Length: 100000\r\n\r\n", "silent": ""}.get(self.mode, head + "\r\n").encode()

    def step(self):
        while self.left and self.connecting < PENDING_MAX:
            self.left -= 1
            self.connecting += 1
            member = Member(self.address)
            self.by_fd[member.socket.fileno()] = member
            self.epoll.register(member.socket, select.EPOLLOUT)
        for fd, _ in self.epoll.poll(0.05, 1024):
            self.happened(self.by_fd[fd])
        if self.mode in ("loris", "body") and time.monotonic() > self.drip_at:
            self.drip_at = time.monotonic() + DRIP_SECONDS
            for member in list(self.by_fd.values()):
                if member.state == "open" and member.status is None:
                    self.say(member, b"X: y\r\n" if self.mode == "loris" else b"x")

    def say(self, member, data):
        try:
            member.socket.send(data)
        except OSError:
            self.drop(member)

    def drop(self, member):
        self.by_fd.pop(member.socket.fileno(), None)
        member.socket.close()
        self.closed += 1

    def happened(self, member):
        if member.state == "connecting":
            self.connecting -= 1
            if member.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self.failed += 1
                self.drop(member)
                return
            member.state = "open"
            self.epoll.modify(member.socket, select.EPOLLIN)
            if self.mode in ("silent", "loris", "body"):
                self.ready += 1
            self.say(member, self.opening_words())
            return
        try:
            data = member.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(member)
            return
        self.heard(member, data)

    def heard(self, member, data):
        if member.status is None:
            member.head += data
            if b"\r\n\r\n" not in member.head:
                return
            head, data = member.head.split(b"\r\n\r\n", 1)
            member.status, member.head = int(head.split(b" ", 2)[1]), b""
            self.statuses[member.status] += 1
            if self.mode in ("idle", "stream"):
                self.ready += 1
        if self.mode == "stream":  # "data: " may be cut between two reads
            data = member.tail + data
            self.events += data.count(b"data: ")
            member.tail = data[-5:]

    def report(self):
        print(json.dumps({"ready": self.ready, "open": len(self.by_fd), "closed": self.closed, "failed": self.failed,
                          "events": self.events, "statuses": {str(k): v for k, v in self.statuses.items()}}), flush=True)


def main():
    host, port, count, mode, target = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    process = Process((host, int(port)), int(count), mode, target)
    said = 0.0
    while not select.select([sys.stdin], [], [], 0)[0]:  # the parent closes it
        process.step()
        if time.monotonic() - said > 0.1:
            said = time.monotonic()
            process.report()


if __name__ == "__main__":
    main()
