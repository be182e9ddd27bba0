# SPDX-License-Identifier: Apache-2.0
"""1,000 times kill -9 of a PHP process that works on shared state: nothing torn, lost or leaked, nobody waits."""
import json
import os
import subprocess
from pathlib import Path

import pytest

from support.leash import leashed
from support.measure import TooSlow, measured
from support.server import BUILD, SOURCE

KILLS = 200


@pytest.mark.parametrize("what", ["set", "incr", "set-del", "iterate", "global"])
@measured
def test_killed(what):
    """Taking a lock over from the dead costs a look at /proc; a time-out would show in the slowest tenth."""
    app = Path(__file__).parent / "apps/state_kill.php"
    ran = subprocess.run(leashed([SOURCE / "scripts/php", app, what, KILLS]), timeout=300, capture_output=True, text=True,
                         env={**os.environ, "VIADUCT_BUILD": str(BUILD)})
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = json.loads(ran.stdout)
    before, after = found["times"]["before"], found["times"]["after"]
    print(what, {name: [round(times[KILLS // 2]), round(times[KILLS * 9 // 10]), round(times[-1])]
                 for name, times in found["times"].items()}, "us: p50, p90, max;", found["rounds"], "rounds")
    assert not found["wrong"]
    assert found["rounds"] > KILLS
    if after[KILLS * 9 // 10] > before[KILLS * 9 // 10] + 20_000 or after[-1] > before[-1] + 500_000:
        raise TooSlow("operations after a kill took longer than before")
