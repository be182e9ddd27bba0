# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that come back on the same one."""
import random
import socket
from pathlib import Path


def port_is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A free port of 127.0.0.1 that nobody gets by accident while its server is down.

    Below the ephemeral range: there another connection might take the number meanwhile, even the
    one that looks for the server, which would then be connected to itself."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert low > 11_000, f"ports from {low} on are ephemeral: none is left for servers that come back"
    while True:
        port = random.randrange(10_000, low)
        if port_is_free(port):
            return port
