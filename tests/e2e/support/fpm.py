# SPDX-License-Identifier: Apache-2.0
"""A php-fpm of our own, with two pools on unix sockets, and a FastCGI client for it."""
import json
import os
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import urllib.parse
from pathlib import Path

from .leash import leashed
from .server import BUILD, group_members, kill_all
from .wait import PATIENCE, until

APP = Path(__file__).parent.parent / "apps/fpm.php"


def binary():
    """The php-fpm of the PHP that the extension is built for."""
    version = subprocess.run(["php", "-n", "-r", "echo PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION;"],
                             check=True, capture_output=True, text=True).stdout
    found = shutil.which(f"php-fpm{version}", path="/usr/sbin:/usr/bin") or shutil.which("php-fpm", path="/usr/sbin")
    assert found, f"php-fpm{version} is not there: scripts/deps test installs it"
    return found


def pair(name, value):
    def length(text):
        return bytes([len(text)]) if len(text) < 128 else struct.pack("!I", len(text) | 1 << 31)

    return length(name) + length(value) + name + value


def record(kind, body):
    return struct.pack("!BBHHBx", 1, kind, 1, len(body), 0) + body


class Request:
    """One FastCGI request that is under way."""

    def __init__(self, path, script, query):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(str(path))
        query = urllib.parse.urlencode(query)
        params = b"".join(pair(name.encode(), str(value).encode()) for name, value in {
            "SCRIPT_FILENAME": script, "SCRIPT_NAME": "/fpm.php", "REQUEST_METHOD": "GET", "QUERY_STRING": query,
            "REQUEST_URI": f"/fpm.php?{query}", "SERVER_PROTOCOL": "HTTP/1.1", "GATEWAY_INTERFACE": "CGI/1.1",
        }.items())
        self.socket.sendall(record(1, struct.pack("!HB5x", 1, 0)) + record(4, params) + record(4, b"") + record(5, b""))

    def answer(self):
        """The body; b"" when the worker died."""
        received, output = b"", b""
        try:
            while block := self.socket.recv(65536):
                received += block
        except ConnectionResetError:
            pass
        self.socket.close()
        while len(received) >= 8:
            _, kind, _, length, padding = struct.unpack("!BBHHBx", received[:8])
            if kind == 6:
                output += received[8:8 + length]
            received = received[8 + length + padding:]
        return output.partition(b"\r\n\r\n")[2]


class Daemon:
    """A master that went into the background, by its pid file, as subprocess.Popen has it; a reload gives it
    another pid. It is no child of ours, so its exit code is unknown: 0."""

    def __init__(self, pid_file):
        self.pid_file, self.last = pid_file, int(pid_file.read_text())
        # It is nobody's child: when we are gone the other end of this pipe is, too.
        self.leash = subprocess.Popen(["sh", "-c", 'cat; kill "$(cat "$0")"', pid_file], stdin=subprocess.PIPE,
                                      stderr=subprocess.DEVNULL, start_new_session=True)

    @property
    def pid(self):
        if self.pid_file.exists():
            self.last = int(self.pid_file.read_text() or self.last)
        return self.last

    def poll(self):
        return None if os.path.exists(f"/proc/{self.pid}") else 0

    def send_signal(self, number):
        os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def wait(self, seconds):
        until(lambda: self.poll() is not None, seconds, "the master ends")
        self.leash.communicate()


class Fpm:
    """php-fpm in the foreground; pools "a" and "b", of two users where that is allowed."""

    def __init__(self, tables, preload=None):
        """@preload: PHP code that the master runs once, before it forks, for which it must not be root."""
        self.folder = Path(tempfile.mkdtemp(prefix="viaduct-fpm-"))
        self.folder.chmod(0o755)
        self.tables, self.log_path = self.folder / "tables.ini", self.folder / "fpm.log"
        self.declare(tables)
        self.script = self.folder / "fpm.php"
        shutil.copy(APP, self.script)
        self.extension = self.folder / "viaduct.so"  # users of pools may not be able to read the build
        shutil.copy(BUILD / "php-ext/viaduct.so", self.extension)
        (self.folder / "php.ini").write_text(
            f"extension={self.extension}\nviaduct.tables={self.tables}\nlog_errors=1\nmemory_limit=64M\n")
        if preload:
            (self.folder / "preload.php").write_text(preload)
            with open(self.folder / "php.ini", "a") as ini:
                ini.write(f"zend_extension=opcache\nopcache.preload={self.folder}/preload.php\n")
        root = os.geteuid() == 0 and not preload
        self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 and preload else {}
        if self.user:
            shutil.chown(self.folder, "nobody")
        pools = "".join(
            f"[{name}]\nlisten={self.socket(name)}\npm=static\npm.max_children=2\ncatch_workers_output=yes\n"
            + (f"user={user}\ngroup=nogroup\nlisten.mode=0666\n" if root else "")
            for name, user in (("a", "www-data"), ("b", "nobody")))
        (self.folder / "fpm.conf").write_text(
            f"[global]\nerror_log={self.log_path}\nlog_level=notice\nprocess_control_timeout=5\n"
            f"pid={self.folder}/fpm.pid\n{pools}")
        self.process = None

    def declare(self, text):
        self.tables.write_text(text)

    def socket(self, pool):
        return self.folder / f"{pool}.sock"

    def environment(self):
        environment = {**os.environ, "PHP_INI_SCAN_DIR": ""}
        sanitizer = BUILD / "php-ext/sanitizer.env"
        if sanitizer.exists():
            for word in shlex.split(sanitizer.read_text()):
                name, assigned, value = word.partition("=")
                if assigned:
                    environment[name] = value.replace("${ASAN_OPTIONS-}", "")
        return environment

    def start(self, daemonize=False):
        argv = [binary(), "-R", "-c", self.folder / "php.ini", "-y", self.folder / "fpm.conf"]
        with open(self.folder / "stderr.log", "ab") as errors:
            streams = {"stdin": subprocess.DEVNULL, "stdout": errors, "stderr": errors, "env": self.environment()}
            if daemonize:
                subprocess.run([*argv, "-D"], check=True, timeout=PATIENCE, **streams)
                self.process = Daemon(self.folder / "fpm.pid")
            else:
                self.process = subprocess.Popen(leashed([*argv, "-F"], signal.SIGTERM), start_new_session=True, **self.user, **streams)
        until(self.serves, what="php-fpm answers")
        return self

    def serves(self):
        assert self.process.poll() is None, f"php-fpm ended with {self.process.returncode}:\n{self.log()}"
        try:
            return self.ask("a", "who") and self.ask("b", "who")
        except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, ValueError):
            return False

    def log(self):
        return "".join(path.read_text(errors="replace") for path in (self.folder / "stderr.log", self.log_path)
                       if path.exists())

    def says(self, *texts):
        """Wait until each of these is in a log."""
        for text in texts:
            until(lambda text=text: text in self.log(), what=lambda: f"{text!r} in the log:\n{self.log()}")

    def request(self, pool, what, **query):
        return Request(self.socket(pool), self.script, {"do": what, **query})

    def ask(self, pool, what, **query):
        """What the script answers: a value, or the name of the exception's class and its text."""
        answer = json.loads(self.request(pool, what, **query).answer())
        return answer["value"] if "value" in answer else (answer["error"], answer["text"])

    def pids(self):
        return set(group_members(self.process.pid)) - {self.process.pid}

    def memories(self):
        """The master's descriptors of shared memory."""
        folder = Path(f"/proc/{self.process.pid}/fd")
        return [name for name in os.listdir(folder) if "memfd:viaduct" in os.readlink(folder / name)]

    def reload(self):
        """SIGUSR2: the master executes itself anew."""
        old = self.pids()
        self.process.send_signal(signal.SIGUSR2)
        until(lambda: len(self.pids()) >= 4 and not self.pids() & old, what="new workers instead of the old ones")
        until(self.serves, what="php-fpm answers after the reload")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            finally:
                kill_all(lambda: group_members(self.process.pid))
        left = group_members(self.process.pid) if self.process else []
        shutil.rmtree(self.folder, ignore_errors=True)
        assert not left, f"processes that php-fpm left: {left}"
