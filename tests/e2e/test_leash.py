# SPDX-License-Identifier: Apache-2.0
"""The tests themselves: a run that is killed leaves no process behind."""
import json
import os
import subprocess
import sys
from pathlib import Path

from support.server import members
from support.wait import until

# What a run starts, each in its own way. It says which sessions those are, then waits to be killed.
RUN = """
import json, os, subprocess, sys
from pathlib import Path
from support.brokers import SERVERS
from support.command import Running
from support.crowd import Crowd
from support.fpm import Fpm
from support.leash import SessionLeash
from support.server import BUILD, Server

folder = Path(sys.argv[1])
server = Server([BUILD / "bin/app_server", "--workers", "2", "--port", "0"], folder / "log").start()
with server.connect() as busy:
    busy.send(b"GET /spin HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n")
broker = SERVERS["redis"](folder / "redis").start()
sub = Running(folder, "sub", broker=broker).listening()
crowd = Crowd(server.address, 10, "idle")
crowd.until(lambda now: now["ready"] == 10)
fpms = [Fpm("").start(), Fpm("").start(daemonize=True)]
script = subprocess.Popen(["sh", "-c", "sleep 1000 & sleep 1000"], start_new_session=True)
leash = SessionLeash(script.pid)
print(json.dumps([server.process.pid, *(fpm.process.pid for fpm in fpms), script.pid, os.getsid(0)]), flush=True)
print(json.dumps([str(fpm.folder) for fpm in fpms]), flush=True)
sys.stdin.read()
"""


def test_what_a_killed_run_has_started_ends(tmp_path):
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-B", "-c", RUN, tmp_path], cwd=Path(__file__).parent, env=environment,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as run:
        sessions, folders = json.loads(run.stdout.readline()), json.loads(run.stdout.readline())

        def left():
            return {session: found for session in sessions if (found := members(3, session))}

        assert set(left()) == set(sessions), "all of them are there"
        run.kill()
    until(lambda: not left(), what=lambda: f"processes that are left: {left()}")
    for folder in folders:
        subprocess.run(["rm", "-rf", folder], check=True)
