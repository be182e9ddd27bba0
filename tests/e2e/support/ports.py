# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that come back on the same one."""
import random
import socket
from pathlib import Path

_claims = []  # for as long as this process lives


def _claim(port):
    """Among all tests that run on this machine, also those in C and PHP: a name that the kernel gives back when its owner dies."""
    claim = socket.socket(socket.AF_UNIX)
    try:
        claim.bind(f"\0viaduct-test-port-{port}")
    except OSError:
        claim.close()
        return False
    _claims.append(claim)
    return True


def _is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(count=1):
    """A free port of 127.0.0.1, or the first of several in a row, that nobody gets by accident while its server is down.

    Below the ephemeral range: there another connection might take the number meanwhile, even the
    one that looks for the server, which would then be connected to itself."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert low > 11_000, f"ports from {low} on are ephemeral: none is left for servers that come back"
    while True:
        first = random.randrange(10_000, low - count)
        if all(_is_free(port) and _claim(port) for port in range(first, first + count)):
            return first
