# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the end-to-end tests: real processes, real sockets, ephemeral ports."""
import os
from pathlib import Path

import pytest

from support.brokers import SERVERS
from support.certificates import Certificates
from support.leash import SessionLeash
from support.nodes import until_connected
from support.proxy import Proxy
from support.server import BUILD, SOURCE, Server, kill_all, session_members
from support.sse import Streams

ARTIFACTS = BUILD / "artifacts"


@pytest.fixture(scope="session", autouse=True)
def control_sockets(tmp_path_factory):
    """Those of our servers: nobody else's are there, nor any that are left of before."""
    os.environ["XDG_RUNTIME_DIR"] = str(tmp_path_factory.mktemp("run"))


def pytest_runtest_makereport(item, call):
    if call.when == "call":
        item.failed = call.excinfo is not None


@pytest.fixture
def artifacts(request):
    """A folder below the build tree for what a person may want to look at."""
    folder = ARTIFACTS / f"{Path(request.node.fspath).stem}-{os.environ.get('VIADUCT_E2E_APP', 'php')}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def command(app, php, workers, options):
    """The command line and environment of an app; "e2e" is the app of VIADUCT_E2E_APP: c or php."""
    if app == "e2e" and os.environ.get("VIADUCT_E2E_APP") == "c":
        numbers = {"workers": workers, **options}
        numbers.setdefault("port", 0)
        words = [word for name, value in numbers.items() for one in (value if isinstance(value, list) else [value])
                 for word in (f"--{name.replace('_', '-')}", one)]  # a list: the option several times
        return [BUILD / "bin/app_server", "--broker", "pipe", *words], {}
    path = SOURCE / app if "/" in app else Path(__file__).parent / "apps" / f"{app}.php"
    environment = {"PORT": 0, "WORKERS": workers, "VIADUCT_BUILD": BUILD,
                   **{name.upper(): value for name, value in options.items()}}
    return [SOURCE / "scripts/php", *php, path], environment


@pytest.fixture
def start(request, artifacts):
    """start(app="e2e", workers=2, php=options of php, request_timeout_ms=500) -> a running Server.

    At the end of the test each is stopped by SIGTERM, must exit with 0 and leave no process."""
    servers = []

    def starter(app="e2e", workers=2, php=(), wait=True, **options):
        log = artifacts / f"{request.node.name.replace('/', '_')}-{len(servers)}.log"
        log.unlink(missing_ok=True)
        argv, environment = command(app, php, workers, options)
        servers.append(Server(argv, log, {name: str(value) for name, value in environment.items()}))
        return servers[-1].start(wait)

    yield starter
    try:
        for server in servers:
            if server.process is None:
                continue
            if getattr(request.node, "failed", True):
                print(f"--- {server.log_path}\n{server.tail()}")
            server.stop()
    finally:
        for server in servers:
            if server.process is not None:
                server.destroy()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def serve(tmp_path, certificates):
    """serve("redis", password="x") -> a running broker, killed at the end."""
    servers = []

    def starter(driver, running=True, **options):
        server = SERVERS[driver](tmp_path / f"{driver}-{len(servers)}", certificates, **options)
        servers.append(server)
        return server.start() if running else server

    yield starter
    for server in servers:
        server.kill()


@pytest.fixture(params=list(SERVERS))
def broker(request, serve):
    """A plain broker, of each kind in turn."""
    return serve(request.param)


@pytest.fixture
def between():
    """between(broker) -> a Proxy to it."""
    proxies = []

    def starter(broker, **options):
        proxies.append(Proxy(broker.port, **options))
        return proxies[-1]

    yield starter
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def nodes(start):
    """nodes(url, url, workers=4, ...) -> running servers, each connected by its URL of the broker."""
    def starter(*urls, **options):
        servers = [start(broker=url, **options) for url in urls]
        until_connected(*servers)
        return servers

    return starter


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


@pytest.fixture
def browser(tmp_path):
    """A Chromium without a window."""
    from selenium import webdriver  # here: most tests need none
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu",
                     "--no-first-run", "--window-size=1100,720", f"--user-data-dir={tmp_path}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chromedriver = tmp_path / "chromedriver"
    chromedriver.write_text('#!/bin/sh\nexec setsid /usr/bin/chromedriver "$@"\n')
    chromedriver.chmod(0o755)
    driver = webdriver.Chrome(service=Service(str(chromedriver)), options=options)
    leash = SessionLeash(driver.service.process.pid)
    try:
        yield driver
        driver.quit()
    finally:
        kill_all(lambda: session_members(driver.service.process.pid))
        leash.release()


@pytest.fixture
def flat(monkeypatch):
    """For a test that looks at memory: AddressSanitizer keeps what was freed for a while, which would look like growth."""
    monkeypatch.setenv("ASAN_OPTIONS", f"{os.environ.get('ASAN_OPTIONS', '')}:quarantine_size_mb=0:thread_local_quarantine_size_kb=0")
