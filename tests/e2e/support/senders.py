# SPDX-License-Identifier: Apache-2.0
"""Clients that publish, each in a thread of its own, and a judge of what arrived."""
import socket
import threading
import time

from .http import Closed
from .wait import until


class Brake:
    """Keeps senders that send for ever within reach of whoever looks at them: no history and no queue is made for what
    they could send while a busy machine gives its time to nobody else."""

    AHEAD = 500

    def __init__(self):
        self.senders, self.goal = [], 0

    def sent(self):
        return sum(sender.done for sender in self.senders)

    def go(self, count):
        """Let them send that many and a few more; is it done?"""
        goal = self.goal = self.sent() + count
        return lambda: self.sent() >= goal

    def holds(self):
        return self.sent() >= self.goal + self.AHEAD


class Sender(threading.Thread):
    """Publishes "<name> <n>" for n = 0, 1, ..., one after the other, to the scopes in turn.

    acknowledged: (scope, n) answered 204. doubtful: (scope, n) whose answer was an error or never
    came: it may have been delivered or not."""

    def __init__(self, server, name, scopes, count, patient=False, pause=0.0, brake=None):
        """pause: seconds between two, for a rate that whoever reads can follow."""
        super().__init__(daemon=True)
        self.pause, self.brake = pause, brake
        if brake:
            brake.senders.append(self)
        self.server, self.name_, self.scopes, self.count, self.patient = server, name, scopes, count, patient
        self.acknowledged, self.doubtful, self.workers, self.error = [], [], set(), None
        self.done, self.stopping = 0, False

    def run(self):
        try:
            self._run()
        except BaseException as error:  # told to the test, which joins
            self.error = error

    def _connect(self):
        if not self.patient:
            return self.server.connect()

        def attempt():
            try:
                return self.server.connect()
            except OSError:
                return None

        return until(attempt, what="a connection to publish on")

    def _run(self):
        connection = self._connect()
        for n in range(self.count):
            while self.brake and self.brake.holds() and not self.stopping:
                time.sleep(0.01)
            if self.stopping:
                break
            scope = self.scopes[n % len(self.scopes)]
            try:
                answer = connection.publish(scope, f"{self.name_} {n}")
            except (Closed, socket.timeout) as error:
                if not self.patient:
                    raise
                self.doubtful.append((scope, n, repr(error)))
                connection.close()
                connection = self._connect()
            else:
                if answer.status == 204:
                    self.acknowledged.append((scope, n))
                    self.workers.add(int(answer.header("X-Worker")))
                elif self.patient and answer.status in (502, 503, 504):
                    self.doubtful.append((scope, n, answer.status))
                else:
                    raise AssertionError(answer)
                if (answer.header("Connection") or "").lower() == "close":
                    connection.close()
                    connection = self._connect()
            self.done += 1
            if self.pause:
                time.sleep(self.pause)
        connection.close()


def run_senders(senders):
    for sender in senders:
        sender.start()
    return lambda: not any(sender.is_alive() for sender in senders)


def check_senders(senders):
    for sender in senders:
        if sender.error:
            raise sender.error


def check_stream(stream, scopes, senders):
    """Each acknowledged message once and in order; a doubtful one at most once; no other."""
    got = {sender.name_: [] for sender in senders}
    for data in stream.data():
        name, n = data.split()
        got[name].append(int(n))
    for sender in senders:
        numbers = got[sender.name_]
        assert numbers == sorted(set(numbers)), f"{stream.path}: twice or out of order from {sender.name_}: {numbers}"
        certain = {n for scope, n in sender.acknowledged if scope in scopes}
        possible = certain | {n for scope, n, _ in sender.doubtful if scope in scopes}
        missing, foreign = certain - set(numbers), set(numbers) - possible
        assert not missing, (f"{stream.path}: {sorted(missing)} of {sender.name_} never came; the stream is {stream.state}, "
                             f"status {stream.status}, after {stream.connects} connections, last id {stream.last_id}, "
                             f"last came {stream.data()[-3:]}, unread {stream.raw[:200]!r} {stream.text[:200]!r}")
        assert not foreign, f"{stream.path}: {sorted(foreign)} of {sender.name_} are not its business"


def expected(scopes, senders):
    return sum(1 for sender in senders for scope, _ in sender.acknowledged if scope in scopes)
