# SPDX-License-Identifier: Apache-2.0
"""Code as the pages print it runs: those that Viaduct answers to, and its own README."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.server import BUILD, SOURCE

ALIASES = ("-d", "viaduct.aliases=php-via,openswoole")


@pytest.mark.parametrize("app,driver,workers", [
    ("seed_multi_worker", "PipeBroker", len(os.sched_getaffinity(0))),
    ("seed_in_memory", "InMemoryBroker", 1),
])
def test_the_snippet_serves(start, streams, app, driver, workers):
    server = start(app, workers=1, php=ALIASES)
    assert server.health()["broker"]["driver"] == driver
    assert len(server.workers()) == workers
    some = streams(server)
    [stream] = some.open("/events")
    assert server.post("/publish").status == 204
    some.pump(lambda: stream.data() == ["hello"])


def test_the_memory_broker_refuses_several_workers_and_says_what_to_do():
    env = {**os.environ, "VIADUCT_BUILD": str(BUILD), "PORT": "0", "WORKERS": "2"}
    app = Path(__file__).parent / "apps/seed_in_memory.php"
    done = subprocess.run([SOURCE / "scripts/php", *ALIASES, app], env=env, capture_output=True, text=True, timeout=20)
    assert done.returncode == 9, done
    assert "PipeBroker" in done.stderr and "withWorkerNum" in done.stderr, done.stderr


def test_the_first_app_of_the_readme(start, streams, artifacts):
    [code] = re.findall(r"```php\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)
    assert "withPort(3000)" in code
    app = artifacts / "clock.php"
    app.write_text(code.replace("withPort(3000)", "withPort(0)"))
    server = start(str(app))
    assert "<title>Clock</title>" in server.get("/").text
    some = streams(server)
    [stream] = some.open("/events")
    with server.connect() as connection:
        assert connection.request("POST", "/wave/Ad%C3%A4").status == 204
    some.pump(lambda: stream.data("wave") == ['{"name":"Adä"}'] or stream.data("wave") == [r'{"name":"Ad\u00e4"}'])
    some.pump(lambda: stream.data("tick"), what="the clock ticks")
