# SPDX-License-Identifier: Apache-2.0
"""The command `viaduct`, run as a script would: its output, its exit code, nothing left behind."""
import os
import signal
import subprocess

from .leash import leashed
from .server import BUILD
from .wait import PATIENCE, until

COMMAND = BUILD / "bin/viaduct"


def environment(broker=None, **variables):
    """What this process has, without any VIADUCT_ variable of its own, and the URL of the broker."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VIADUCT_")}
    url = {"VIADUCT_BROKER": broker if isinstance(broker, str) else broker.url()} if broker else {}
    return {**kept, "LC_ALL": "C.UTF-8", **url, **{name: str(value) for name, value in variables.items()}}


def run(*words, broker=None, code=0, stdin=b"", seconds=PATIENCE, **variables):
    """Ends with that exit code, or one of those; what it has said, out and err as bytes."""
    done = subprocess.run(leashed([COMMAND, *words]), input=stdin, capture_output=True, timeout=seconds,
                          env=environment(broker, **variables))
    codes = code if isinstance(code, tuple) else (code,)
    assert done.returncode in codes, f"{words}: exit code {done.returncode}\n{done.stdout!r}\n{done.stderr.decode()}"
    assert b"Sanitizer" not in done.stderr and b"runtime error:" not in done.stderr, done.stderr.decode()
    return done


class Running:
    """One that goes on: `sub`, or `pub --lines`. with Running(folder, "sub", broker=broker) as sub: ..."""

    def __init__(self, folder, *words, broker=None, stdin=subprocess.DEVNULL, **variables):
        self.out_path, self.err_path = folder / f"out-{id(self)}", folder / f"err-{id(self)}"
        with open(self.out_path, "wb") as out, open(self.err_path, "wb") as err:
            self.process = subprocess.Popen(leashed([COMMAND, *words]), stdin=stdin, stdout=out, stderr=err,
                                            env=environment(broker, **variables))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        if self.process.stdin:
            self.process.stdin.close()

    def listening(self):
        until(lambda: "listening" in self.err(), what="it listens")
        return self

    def out(self):
        return self.out_path.read_bytes()

    def err(self):
        return self.err_path.read_text()

    def says(self, text):
        until(lambda: text in self.err(), what=lambda: f"{text!r} on standard error: {self.err()}")

    def lines(self, count):
        return until(lambda: self.out().count(b"\n") >= count and self.out().splitlines(), what=f"{count} lines on standard output")

    def ends(self, code):
        assert self.process.wait(PATIENCE) == code, self.err()
        assert "Sanitizer" not in self.err() and "runtime error:" not in self.err(), self.err()
        return self

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self
