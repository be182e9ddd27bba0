# SPDX-License-Identifier: Apache-2.0
"""Whatever a test starts ends with the tests, however those end: by kill -9, too."""
import signal
import subprocess
import sys
from pathlib import Path


def leashed(argv, ends_by=signal.SIGKILL):
    """The command line of a program that gets this signal when the thread that starts it is gone. (A server of ours ends its
    own processes when its supervisor dies; php-fpm's master when it gets a SIGTERM.)"""
    return ["setpriv", "--pdeathsig", signal.Signals(ends_by).name.removeprefix("SIG"), *map(str, argv)]


class SessionLeash:
    """For a program that leaves its own processes behind: when we are gone all of its session are killed."""

    def __init__(self, session):
        self.process = subprocess.Popen([sys.executable, "-B", "-m", "support.leash", str(session)], stdin=subprocess.PIPE,
                                        cwd=Path(__file__).parent.parent, start_new_session=True)

    def release(self):
        self.process.communicate(b"released")


def main(session):
    if not sys.stdin.buffer.read():  # the other end was closed by no release()
        from support.server import kill_all, session_members
        kill_all(lambda: session_members(session))


if __name__ == "__main__":
    main(int(sys.argv[1]))
