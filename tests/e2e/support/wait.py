# SPDX-License-Identifier: Apache-2.0
"""Wait for a condition, never for luck. A claim about time is no wait: see measure.py."""
import time

PATIENCE = 60.0  # seconds after which what ought to happen never will, on whatever machine


def until(condition, seconds=PATIENCE, what=None, every=0.02):
    """Return condition() as soon as it is true; an AssertionError says what did not happen.

    @seconds: for what takes longer than PATIENCE; less is taken for that much, since a short deadline
    would but guess how fast the machine is. @what: text, or a function that makes it."""
    seconds = max(seconds, PATIENCE)
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            what = what() if callable(what) else what
            raise AssertionError(f"not within {seconds} s: {what or condition.__doc__ or condition}")
        time.sleep(every)
