# SPDX-License-Identifier: Apache-2.0
"""examples/c/nodes.c as its text has it: two terminals, one broker."""
import os
import subprocess

from support.leash import leashed
from support.wait import PATIENCE, until


class Terminal:
    def __init__(self, broker, folder, name):
        self.path = folder / name
        arguments = [os.path.join(os.environ["VIADUCT_BUILD"], "bin", "nodes"), broker.url()]
        with open(self.path, "wb") as output:
            self.process = subprocess.Popen(leashed(arguments), stdin=subprocess.PIPE, stdout=output, stderr=output)

    def type(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def shows(self, line, times=1):
        until(lambda: self.path.read_text().splitlines(True).count(line) >= times, what=f"{line!r} on the screen")

    def leave(self):
        self.process.stdin.close()
        assert self.process.wait(PATIENCE) == 0


def test_two_terminals_talk_and_one_broker_restarts(broker, tmp_path):
    first, second = Terminal(broker, tmp_path, "first"), Terminal(broker, tmp_path, "second")
    try:
        for terminal in (first, second):
            terminal.shows("connected\n")
        first.type("hello")
        second.shows("room:lobby say hello\n")
        broker.kill()
        for terminal in (first, second):
            terminal.shows("disconnected\n")
        broker.start()
        for terminal in (first, second):
            terminal.shows("connected\n", times=2)
            terminal.shows("(messages may be missing here)\n")
        first.type("are you still there?")
        second.shows("room:lobby say are you still there?\n")
        second.type("yes")
        first.shows("room:lobby say yes\n")
        first.leave()
        second.leave()
    finally:
        for terminal in (first, second):
            terminal.process.kill()
            terminal.process.wait()


def test_a_wrong_command_line_says_what_is_right(tmp_path):
    program = os.path.join(os.environ["VIADUCT_BUILD"], "bin", "nodes")
    assert b"usage: nodes redis://" in subprocess.run([program], capture_output=True).stderr
    wrong = subprocess.run([program, "amqp://localhost"], capture_output=True, stdin=subprocess.DEVNULL)
    assert wrong.returncode == 1 and b"nodes: open: " in wrong.stderr
