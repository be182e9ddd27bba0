# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy between a node and its broker that misbehaves on demand, on a thread of its own.

    with Proxy(server.port) as proxy:
        node = start(broker=server.url(proxy.port))
        proxy.mode = "freeze"

Modes, for what is open and what comes:
    pass     as if it were not there; what was held back goes on its way
    refuse   nobody listens; what is open is closed
    freeze   connections stay, nothing moves: a half-open link
    mute     new connections are accepted and hear nothing; the others work
    deaf     the server's messages are swallowed, everything else passes: as after a failover
    stall    a TLS handshake begins and is never answered
    delay    everything comes delay_seconds late, either way
cut() resets what is open. half_close() shuts the server's direction down and swallows the other."""
import re
import selectors
import socket
import struct
import threading
import time

from .ports import free_port
from .wait import PATIENCE

PIECE = 65536
HELD_MAX = 1 << 20  # of one direction: beyond it the sender is no longer read


class Messages:
    """Cuts messages out of what a server says, whole or in pieces, and lets the rest through."""

    HEAD = re.compile(rb"\*3\r\n\$7\r\nmessage\r\n\$\d+\r\n[^\r\n]*\r\n\$(\d+)\r\n|H?MSG [^\r\n]* (\d+)\r\n")
    STARTS = (b"*3\r\n$7\r\nmessage\r\n", b"MSG ", b"HMSG ")

    def __init__(self):
        self.kept, self.skip = b"", 0

    def rest(self, data):
        """Deaf no more: what was begun to be swallowed is swallowed whole."""
        part = min(self.skip, len(data))
        self.skip -= part
        data, self.kept = self.kept + data[part:], b""
        return data

    def without(self, data):
        data, self.kept, out = self.kept + data, b"", []
        while data:
            if self.skip:
                part = min(self.skip, len(data))
                self.skip -= part
                data = data[part:]
                continue
            head = self.HEAD.match(data)
            if head:
                self.skip = len(head[0]) + int(head[1] or head[2]) + 2
            elif any(data.startswith(start[:len(data)]) for start in self.STARTS):
                self.kept = data
                break
            else:
                line, end, data = data.partition(b"\r\n")
                out.append(line + end)
        return b"".join(out)


class Direction:
    """From one socket to the other: what was read and is not yet written, each piece with its time."""

    def __init__(self, source, sink, from_server):
        self.source, self.sink, self.from_server = source, sink, from_server
        self.pieces, self.bytes, self.ended, self.told = [], 0, False, False
        self.messages = Messages()


class Pair:
    def __init__(self, client, server, mute):
        self.sockets = (client, server)
        self.directions = (Direction(client, server, False), Direction(server, client, True))
        self.mute, self.stalled, self.half_closed = mute, False, False


class Proxy:
    def __init__(self, server_port, delay_seconds=0.2):
        self.server_port, self.delay_seconds = server_port, delay_seconds
        self.listener = None
        self.port = free_port()  # kept while nobody listens there
        self.pairs, self.accepted, self.error = [], 0, None
        self._mode, self._orders = "pass", []
        self._lock, self._ended = threading.Lock(), False
        self._listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._ended = True
        self._thread.join(PATIENCE)
        if self.error:
            raise self.error

    # ---- orders: obeyed when these return ----------------------------------------------------------

    @property
    def mode(self):
        return self._mode

    @mode.setter
    def mode(self, mode):
        self._order(lambda: self._change(mode))

    def cut(self):
        self._order(lambda: [self._drop(pair, reset=True) for pair in list(self.pairs)])

    def half_close(self):
        def obey():
            for pair in self.pairs:
                pair.half_closed = True
                pair.sockets[0].shutdown(socket.SHUT_WR)
        self._order(obey)

    def _order(self, what):
        done = threading.Event()
        with self._lock:
            self._orders.append((what, done))
        assert done.wait(PATIENCE), f"the proxy does not answer: {self.error}"

    # ---- the thread ----------------------------------------------------------------------------------

    def _listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen(64)
        self.listener.setblocking(False)

    def _change(self, mode):
        assert mode in ("pass", "refuse", "freeze", "mute", "deaf", "stall", "delay"), mode
        if mode == "refuse":
            for pair in list(self.pairs):
                self._drop(pair)
            self.listener.close()
            self.listener = None
        elif self.listener is None:
            self._listen()
        self._mode = mode

    def _run(self):
        try:
            while not self._ended:
                with self._lock:
                    orders, self._orders = self._orders, []
                for what, done in orders:
                    what()
                    done.set()
                self._turn()
        except BaseException as error:  # told by close()
            self.error = error
        finally:
            for pair in list(self.pairs):
                self._drop(pair)
            if self.listener:
                self.listener.close()

    def _holds(self, pair):
        return self._mode == "freeze" or pair.mute or pair.stalled

    def _turn(self):
        for pair in list(self.pairs):
            if not self._holds(pair):
                self._finish(pair)
        with selectors.DefaultSelector() as selector:
            wanted = {}
            if self.listener:
                wanted[self.listener] = (selectors.EVENT_READ, None)
            now = time.monotonic()
            for pair in self.pairs:
                for direction in pair.directions:
                    if direction.bytes < HELD_MAX and not direction.ended:
                        wanted[direction.source] = (wanted.get(direction.source, (0,))[0] | selectors.EVENT_READ, pair)
                    if direction.pieces and not self._holds(pair) and direction.pieces[0][0] <= now:
                        wanted[direction.sink] = (wanted.get(direction.sink, (0,))[0] | selectors.EVENT_WRITE, pair)
            for one, (events, pair) in wanted.items():
                selector.register(one, events, pair)
            for key, events in selector.select(0.01):
                if key.data is None:
                    self._accept()
                elif key.data in self.pairs:
                    self._move(key.data, key.fileobj, events)

    def _accept(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return
        self.accepted += 1
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port), timeout=PATIENCE)
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pairs.append(Pair(client, server, self._mode == "mute"))

    def _move(self, pair, one, events):
        for direction in pair.directions:
            try:
                if direction.source is one and events & selectors.EVENT_READ:
                    self._read(pair, direction)
                if direction.sink is one and events & selectors.EVENT_WRITE:
                    self._write(direction)
            except BlockingIOError:
                continue
            except OSError:
                self._drop(pair)
                return

    def _finish(self, pair):
        """Pass on the ends that have nothing before them any more."""
        done = [direction for direction in pair.directions if direction.ended and not direction.pieces]
        if len(done) == 2:
            self._drop(pair)
            return
        for direction in done:
            if not direction.told:
                direction.told = True
                try:
                    direction.sink.shutdown(socket.SHUT_WR)
                except OSError:
                    self._drop(pair)

    def _read(self, pair, direction):
        data = direction.source.recv(PIECE)
        if not data:
            direction.ended = True
            return
        if not direction.from_server and self._mode == "stall" and data[0] == 0x16:  # a TLS handshake
            pair.stalled = True
        if direction.from_server:
            data = direction.messages.without(data) if self._mode == "deaf" else direction.messages.rest(data)
        if data and not pair.half_closed:
            direction.pieces.append((time.monotonic() + (self.delay_seconds if self._mode == "delay" else 0), data))
            direction.bytes += len(data)

    @staticmethod
    def _write(direction):
        at, data = direction.pieces[0]
        sent = direction.sink.send(data)
        direction.bytes -= sent
        if sent == len(data):
            direction.pieces.pop(0)
        else:
            direction.pieces[0] = (at, data[sent:])

    def _drop(self, pair, reset=False):
        for one in pair.sockets:
            if reset:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            one.close()
        self.pairs.remove(pair)
