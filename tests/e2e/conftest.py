# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: real processes, real sockets, ephemeral ports."""
import os
from pathlib import Path

import pytest

from support.server import BUILD, SOURCE, Server
from support.sse import Streams

ARTIFACTS = BUILD / "artifacts"


def pytest_runtest_makereport(item, call):
    if call.when == "call":
        item.failed = call.excinfo is not None


@pytest.fixture
def artifacts(request):
    """A folder below the build tree for what a person may want to look at."""
    folder = ARTIFACTS / Path(request.node.fspath).stem
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def start(request, artifacts):
    """start(app="e2e.php", workers=2, php=options, **environment) -> a running Server.

    At the end of the test each is stopped by SIGTERM, must exit with 0 and leave no process."""
    servers = []

    def starter(app="e2e.php", workers=2, php=(), **environment):
        path = Path(__file__).parent / "apps" / app
        if not path.exists():
            path = SOURCE / app
        log = artifacts / f"{request.node.name.replace('/', '_')}-{len(servers)}.log"
        log.unlink(missing_ok=True)
        env = {"PORT": 0, "WORKERS": workers, "VIADUCT_BUILD": BUILD, **environment}
        server = Server([SOURCE / "scripts/php", *php, path], log, {k: str(v) for k, v in env.items()})
        servers.append(server)
        return server.start()

    yield starter
    try:
        for server in servers:
            if getattr(request.node, "failed", True):
                print(f"--- {server.log_path}\n{server.log()}")
            server.stop()
    finally:
        for server in servers:
            if server.process is not None:
                server.destroy()


@pytest.fixture
def streams():
    """streams(server, reconnect=False) -> Streams, closed at the end."""
    opened = []

    def opener(server, reconnect=False):
        opened.append(Streams(server.address, reconnect))
        return opened[-1]

    yield opener
    for one in opened:
        one.close()
