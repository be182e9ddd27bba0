# SPDX-License-Identifier: Apache-2.0
"""A real redis-server or nats-server of a test's own: own folder, a port it keeps, dies with the test.

    server = SERVERS["redis"](folder, password="s3cret")
    server.start(); server.kill(); server.start(); server.freeze(); server.thaw()
    server.url()                     "redis://:s3cret@127.0.0.1:17311"
    with server.raw() as raw:        the protocol by hand, for bytes that no client library sends
        raw.publish(b"not JSON")

Options of both: tls (file name of the certificate, such as "server"), mtls, password, username.
impatient: a subscriber that lags behind by a megabyte is dropped.
redis: username makes an ACL user with no more than the documentation asks for. nats: a password alone is a token."""
import os
import signal
import socket
import subprocess
from urllib.parse import quote

from .leash import leashed
from .ports import free_port
from .server import freeze
from .wait import PATIENCE, until

PERMISSIONS = "+subscribe +publish +ping &via:broadcast"  # as docs/brokers.md has them


class Raw:
    """A connection that speaks the server's protocol as far as these tests need it."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def exactly(self, length):
        while len(self.buffer) < length:
            self.more()
        part, self.buffer = self.buffer[:length], self.buffer[length:]
        return part

    def more(self):
        data = self.socket.recv(65536)
        assert data, "the broker closed the connection"
        self.buffer += data


class RawRedis(Raw):
    channel = "via:broadcast"

    def command(self, *words):
        parts = [word.encode() if isinstance(word, str) else word for word in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))

    def leave(self):
        """Until the server has no client of us any more."""
        self.command("QUIT")
        assert self.reply() == b"OK" and self.socket.recv(1) == b""

    def reply(self):
        kind, rest = (line := self.line())[:1], line[1:]
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        if kind == b"$":
            return self.exactly(int(rest) + 2)[:-2]
        assert kind != b"-", line
        return int(rest) if kind == b":" else rest

    def publish(self, data):
        self.command("PUBLISH", self.channel, data)
        return self.reply()  # how many have got it

    def publish_all(self, some):
        """In one write, as fast as it goes."""
        parts = [b"*3\r\n$7\r\nPUBLISH\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(self.channel), self.channel.encode(), len(data), data)
                 for data in some]
        self.socket.sendall(b"".join(parts))
        for _ in some:
            self.reply()

    def subscribe(self):
        self.command("SUBSCRIBE", self.channel)
        assert self.reply()[0] == b"subscribe"

    def next(self):
        """The data of the next message."""
        kind, _, data = self.reply()
        assert kind == b"message"
        return data


class RawNats(Raw):
    channel = "via.broadcast"

    def __init__(self, port):
        super().__init__(port)
        assert self.line().startswith(b"INFO ")
        self.socket.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\n')
        self.pong()

    def pong(self):
        self.socket.sendall(b"PING\r\n")
        while (line := self.line()) != b"PONG":
            assert line == b"PING" or line.startswith(b"INFO "), line

    def publish(self, data):
        self.publish_all([data])

    def publish_all(self, some):
        self.socket.sendall(b"".join(b"PUB %s %d\r\n%s\r\n" % (self.channel.encode(), len(data), data) for data in some))
        self.pong()

    def subscribe(self):
        self.socket.sendall(b"SUB %s 1\r\n" % self.channel.encode())
        self.pong()

    def next(self):
        while not (line := self.line()).startswith(b"MSG "):
            if line == b"PING":
                self.socket.sendall(b"PONG\r\n")
        return self.exactly(int(line.rsplit(b" ", 1)[1]) + 2)[:-2]


class BrokerServer:
    scheme = secure_scheme = raw_class = driver = None

    def __init__(self, folder, certificates=None, tls=None, mtls=False, username=None, password=None, impatient=False):
        self.folder, self.certificates = folder, certificates
        self.tls, self.mtls, self.username, self.password = tls, mtls, username, password
        self.impatient = impatient
        self.port, self.process = free_port(), None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        assert self.process is None
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(leashed(self.command()), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until(self._answers, what=f"{self.driver} takes connections")
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def kill(self, how=signal.SIGKILL):
        """Also one that is not there, or stopped."""
        if self.process is not None:
            self.process.send_signal(how)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(PATIENCE)
            self.process = None

    def restart(self):
        self.kill()
        self.start()

    def freeze(self):
        freeze(self.process.pid)

    def thaw(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def raw(self):
        return self.raw_class(self.port)

    def userinfo(self):
        return f"{quote(self.username or '', safe='')}:{quote(self.password, safe='')}@" if self.password else ""

    def url(self, port=None, host="127.0.0.1"):
        """Port: of a proxy before it."""
        return f"{self.secure_scheme if self.tls else self.scheme}://{self.userinfo()}{host}:{port or self.port}"

    def secrets(self):
        return [self.password] if self.password else []


class RedisServer(BrokerServer):
    driver, display, scheme, secure_scheme, raw_class = "redis", "RedisBroker", "redis", "rediss", RawRedis

    def command(self):
        lines = ["bind 127.0.0.1", 'save ""', "appendonly no", "daemonize no",
                 f"port {0 if self.tls else self.port}"]
        if self.tls:
            lines += [f"tls-port {self.port}", f"tls-ca-cert-file {self.certificates.path('ca.pem')}",
                      f"tls-cert-file {self.certificates.path(self.tls + '.pem')}",
                      f"tls-key-file {self.certificates.path(self.tls + '.key')}",
                      f"tls-auth-clients {'yes' if self.mtls else 'no'}"]
        if self.impatient:
            lines.append("client-output-buffer-limit pubsub 1mb 1mb 1")
        if self.username:
            lines += ["user default off", f'user {self.username} on ">{self.password}" resetchannels {PERMISSIONS}']
        elif self.password:
            lines.append(f'requirepass "{self.password}"')
        (self.folder / "redis.conf").write_text("\n".join(lines) + "\n")
        return ["redis-server", "redis.conf"]


class NatsServer(BrokerServer):
    driver, display, scheme, secure_scheme, raw_class = "nats", "NatsBroker", "nats", "tls", RawNats

    def userinfo(self):
        if self.password and not self.username:
            return f"{quote(self.password, safe='')}@"
        return super().userinfo()

    def command(self):
        lines = [f"listen: 127.0.0.1:{self.port}"]
        if self.tls:
            lines.append(f"""tls {{ ca_file: "{self.certificates.path('ca.pem')}"
                cert_file: "{self.certificates.path(self.tls + '.pem')}"
                key_file: "{self.certificates.path(self.tls + '.key')}"
                verify: {str(self.mtls).lower()} }}""")
        lines += ["max_pending: 1MB", 'write_deadline: "1s"'] if self.impatient else ["max_payload: 8MB"]
        if self.password and not self.username:
            lines.append(f'authorization {{ token: "{self.password}" }}')
        elif self.password:
            lines.append(f'authorization {{ user: "{self.username}", password: "{self.password}" }}')
        (self.folder / "nats.conf").write_text("\n".join(lines) + "\n")
        return ["nats-server", "-c", "nats.conf"]


SERVERS = {"redis": RedisServer, "nats": NatsServer}
