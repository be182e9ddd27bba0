# SPDX-License-Identifier: Apache-2.0
"""Whatever a test starts ends with the tests, however those end: by kill -9, too."""
import signal


def leashed(argv, ends_by=signal.SIGKILL):
    """The command line of a program that gets this signal when the thread that starts it is gone. (A server of ours ends its
    own processes when its supervisor dies; php-fpm's master when it gets a SIGTERM.)"""
    return ["setpriv", "--pdeathsig", signal.Signals(ends_by).name.removeprefix("SIG"), *map(str, argv)]
