# SPDX-License-Identifier: Apache-2.0
"""Wait for a condition, never for luck."""
import time


def until(condition, seconds=10.0, what=None, every=0.02):
    """Return condition() as soon as it is true; an AssertionError says what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what or condition.__doc__ or condition}")
        time.sleep(every)
