# SPDX-License-Identifier: Apache-2.0
"""Ports for servers that come back on the same one."""
import random
import socket
from pathlib import Path


def free_port():
    """A free port of 127.0.0.1 that nobody gets by accident while its server is down.

    Below the ephemeral range: there another connection might take the number meanwhile, even the
    one that looks for the server, which would then be connected to itself."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, low) if low > 11_000 else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
