# SPDX-License-Identifier: Apache-2.0
"""A server under test: its own process group, an ephemeral port, and nothing left behind."""
import glob
import os
import re
import signal
import subprocess
import time
from pathlib import Path

from .http import Closed, Connection
from .leash import leashed
from .measure import in_time
from .wait import PATIENCE, until

SOURCE = Path(os.environ.get("VIADUCT_SOURCE") or Path(__file__).resolve().parents[3])
BUILD = Path(os.environ.get("VIADUCT_BUILD") or SOURCE / "build/debug")


def members(field, value):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[field]) == value and fields[0] not in "ZX":
                found.append(int(entry))
    return sorted(found)


def group_members(group):
    """Pids of the live (not zombie) processes in a process group."""
    return members(2, group)


def session_members(session):
    """The same of a session, which may have several groups."""
    return members(3, session)


def kill(pid, how=signal.SIGKILL):
    """Also one that has just ended by itself."""
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        pass


def freeze(pid):
    """Until it stands: the signal alone takes its time, and a thread of it may go on for a moment."""
    def stands():
        return all(Path(path).read_text().rpartition(")")[2].split()[0] == "T" for path in glob.glob(f"/proc/{pid}/task/*/stat"))
    os.kill(pid, signal.SIGSTOP)
    until(stands, what=f"process {pid} stands", every=0.001)


def kill_all(find):
    """Until find() finds no process any more: those that fork while they are killed as well."""
    def none_left():
        left = find()
        for pid in left:
            kill(pid)
        return not left
    until(none_left, what="the killed processes end")


class Server:
    def __init__(self, argv, log_path, env=None):
        self.argv, self.address, self.log_path = [str(word) for word in argv], None, Path(log_path)
        self.env = {**os.environ, **(env or {})}
        self.process = None
        self.expect_exit = 0

    # ---- life ------------------------------------------------------------------------------------

    def start(self, wait=True):
        """wait=False: until it listens or has ended, whether it serves or not."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(leashed(self.argv), env=self.env, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True)
        until(self._serves if wait else self._listens, what="the server answers", every=0.05)
        return self

    def _listens(self):
        said = re.search(r"listening: (?:(\S+) port (\d+)|unix socket)", self.log())
        if said and said[1]:  # asked for port 0; the log says what it became
            self.address = (said[1], int(said[2]))
        return said or self.process.poll() is not None

    def _serves(self):
        if self.process.poll() is not None:
            raise AssertionError(f"exit code {self.process.returncode} at start:\n{self.tail()}")
        if self.address is None and not self._listens():
            return False
        try:
            health = self.health()
            return health["status"] == "ok" and health["workers"]["ready"] == health["workers"]["configured"]
        except (OSError, Closed):
            return False

    def stop(self):
        """SIGTERM; exit code 0; the group is empty."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.ended(self.expect_exit)

    def ended(self, code, seconds=PATIENCE):
        """It ends with that exit code, or has, and leaves no process behind."""
        try:
            self.process.wait(seconds)
            since = time.monotonic()
            until(lambda: not group_members(self.process.pid), what="the process group is empty")
            assert time.monotonic() - since < 10, "its processes outlived it"
        except (subprocess.TimeoutExpired, AssertionError) as error:
            left = [f"{pid} {self.command(pid)}" for pid in group_members(self.process.pid)]
            self.destroy()
            raise AssertionError(f"still there: {left} ({error})\n{self.tail()}") from error
        assert self.process.returncode == code, f"exit code {self.process.returncode}\n{self.tail()}"
        whole = self.log()
        assert "Sanitizer" not in whole and "runtime error:" not in whole, whole

    def orphans_end(self, seconds):
        """The supervisor was killed. Claim that the others are gone within that time, in a test that is @measured."""
        since, group = time.monotonic(), self.process.pid
        self.process.wait(PATIENCE)
        until(lambda: not group_members(group), what="no process is left")
        self.process = None
        in_time(time.monotonic() - since, seconds, "the end of what a killed supervisor has left")

    def destroy(self):
        """For a test that failed: nothing may outlive it."""
        kill_all(lambda: group_members(self.process.pid))
        self.process.wait(PATIENCE)

    def log(self):
        """What is written by now: for what must not be there, after something that would have come behind it."""
        return self.log_path.read_text(errors="replace")

    def tail(self):
        return self.log()[-6000:]

    def says(self, *texts):
        """Wait until each of these is in the log."""
        for text in texts:
            until(lambda text=text: text in self.log(), what=lambda: f"{text!r} in the log:\n{self.tail()}")

    # ---- who is who ------------------------------------------------------------------------------

    @staticmethod
    def command(pid):
        try:
            return Path(f"/proc/{pid}/comm").read_text().strip()
        except (FileNotFoundError, ProcessLookupError):
            return ""

    def pids(self):
        return group_members(self.process.pid)

    @property
    def supervisor(self):
        return self.process.pid

    def workers(self):
        """Pids of the workers, by their place: {0: 4711, 1: 4712}."""
        found = {}
        for pid in self.pids():
            name = re.fullmatch(r"viaduct-work(\d+)", self.command(pid))
            if name:
                found[int(name[1])] = pid
        return found

    def look(self):
        """What `viaduct top` gets: the control socket's document."""
        path = Path(self.env["XDG_RUNTIME_DIR"]) / "viaduct" / f"{self.supervisor}.sock"
        with Connection.unix(path) as connection:
            return connection.get("/_top").json()

    def busy(self):
        """Pids of the workers that are in a handler."""
        return {worker["pid"] for worker in self.look()["workers"] if worker["busy"]}

    def quiet(self):
        """No process of it has used the processor for a while: what it could do by itself is done."""
        def ticks():
            return [self.busy_ticks(pid) for pid in self.pids()]
        before, since = ticks(), time.monotonic()
        while time.monotonic() - since < 0.1:
            time.sleep(0.02)
            if ticks() != before:
                return False
        return True

    @staticmethod
    def busy_ticks(pid):
        """Clock ticks of CPU time that a process has used."""
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    @staticmethod
    def resident_bytes(pid):
        """Private memory: what is shared with the others (arena, code) is not counted."""
        status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return int(status["RssAnon"].split()[0]) * 1024

    def gateway(self):
        found = [pid for pid in self.pids() if self.command(pid) == "viaduct-gateway"]
        return found[0] if found else None

    # ---- talking to it ---------------------------------------------------------------------------

    def connect(self, timeout=PATIENCE, source=None):
        return Connection(self.address, timeout, source)

    def get(self, target, **query):
        with self.connect() as connection:
            return connection.get(target, **query)

    def post(self, target, **form):
        with self.connect() as connection:
            return connection.post(target, **form)

    def publish(self, scope, data):
        with self.connect() as connection:
            return connection.publish(scope, data)

    def health(self):
        return self.get("/_health").json()
