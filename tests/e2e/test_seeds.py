# SPDX-License-Identifier: Apache-2.0
"""Code written from the pages that Viaduct answers to runs as it stands."""
import os
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
