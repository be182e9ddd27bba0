# SPDX-License-Identifier: Apache-2.0
"""Code as the pages print it runs: those that Viaduct answers to, and its own README."""
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.brokers import SERVERS
from support.leash import leashed
from support.nodes import until_connected
from support.server import BUILD, SOURCE
from support.wait import PATIENCE

ALIASES = ("-d", "viaduct.aliases=php-via,openswoole", "-d", "variables_order=EGPCS")

# The broker page's snippets as it prints them; only names and ports of servers become ours.
ERROR_HANDLER = """
$config->onBrokerError(function (\\Throwable $e): void {
    // Safe summary only — do NOT log $e->getMessage() verbatim if it may
    // contain connection strings or credentials (OWASP: sensitive data exposure).
    error_log('[broker] connection lost: ' . get_class($e));
    $metrics->increment('broker.error');
});
"""
REDIS = {
    "basic": ({}, "$config->withBroker(new RedisBroker('127.0.0.1', 6379));"),
    "requirepass": ({"password": "s3cret"}, """
$config->withBroker(new RedisBroker(
    host: 'redis.internal',
    password: $_ENV['REDIS_PASSWORD'],
));"""),
    "acl": ({"username": "php-via", "password": "s3cret"}, """
$config->withBroker(new RedisBroker(
    host: 'redis.internal',
    password: $_ENV['REDIS_PASSWORD'],
    username: 'php-via',
));"""),
    "tls": ({"password": "s3cret", "tls": "server"}, """
$config->withBroker(new RedisBroker(
    host: 'redis.internal',
    port: 6380,
    password: $_ENV['REDIS_PASSWORD'],
    tls: true,
));"""),
    "tls with a CA": ({"password": "s3cret", "tls": "server"}, """
$config->withBroker(new RedisBroker(
    host: 'redis.internal',
    port: 6380,
    password: $_ENV['REDIS_PASSWORD'],
    tls: true,
    tlsCaFile: '/etc/ssl/my-ca.pem',
));"""),
    "channel": ({}, "$config->withBroker(new RedisBroker(channel: 'myapp:broadcast'));"),
    "signature": ({}, """
$config->withBroker(new RedisBroker(
    '127.0.0.1', // string  $host
    6379, // int     $port
    null, // ?string $password
    null, // ?string $username
    'via:broadcast', // string  $channel
    false, // bool    $tls
    null, // ?string $tlsCaFile
));"""),
}
NATS = {
    "basic": ({}, "$config->withBroker(new NatsBroker('127.0.0.1', 4222));"),
    "token": ({"password": "s3cret"}, """
$config->withBroker(new NatsBroker(
    host: 'nats.internal',
    authToken: $_ENV['NATS_TOKEN'],
));"""),
    "tls": ({"tls": "server"}, "$config->withBroker(new NatsBroker(host: 'nats.internal', port: 4243, tls: true));"),
    "tls with a CA": ({"password": "s3cret", "tls": "server"}, """
$config->withBroker(new NatsBroker(
    host: 'nats.internal',
    port: 4243,
    authToken: $_ENV['NATS_TOKEN'],
    tls: true,
    tlsCaFile: '/etc/ssl/my-ca.pem',
));"""),
    "subject": ({}, "$config->withBroker(new NatsBroker(subject: 'myapp.broadcast'));"),
    "signature": ({}, """
$config->withBroker(new NatsBroker(
    '127.0.0.1', // string  $host
    4222, // int     $port
    null, // ?string $authToken
    'via.broadcast', // string  $subject
    false, // bool    $tls
    null, // ?string $tlsCaFile
));"""),
}
SNIPPETS = [(driver, name) for driver, snippets in (("redis", REDIS), ("nats", NATS)) if driver in SERVERS for name in snippets]


def ours(snippet, broker, certificates):
    """The page's servers become the test's: another port; a host that is there."""
    code = re.sub(r"'(redis|nats)\.internal'", "'localhost'", snippet)
    code = code.replace("/etc/ssl/my-ca.pem", str(certificates.path("ca.pem")))
    code, replaced = re.subn(r"\b(6379|6380|4222|4243)\b", str(broker.port), code)
    if not replaced:  # the default port, which may be somebody's
        code = re.sub(r"(new \w+\(\s*)", rf"\g<1>port: {broker.port}, ", code)
    return code


@pytest.mark.parametrize("driver,name", SNIPPETS)
def test_the_broker_snippets_serve(start, serve, streams, certificates, tmp_path, driver, name):
    options, snippet = {"redis": REDIS, "nats": NATS}[driver][name]
    broker = serve(driver, **options)
    path = tmp_path / "snippet.php"
    path.write_text("<?php\nuse Mbolli\\PhpVia\\Broker\\{NatsBroker, RedisBroker};\n" + ours(snippet, broker, certificates))
    environment = {"snippet": path, "redis_password": "s3cret", "nats_token": "s3cret", "ssl_cert_file": certificates.path("ca.pem")}
    one, two = (start("seed_broker", php=ALIASES, wait=False, **environment) for _ in range(2))
    until_connected(one, two)
    health = one.health()
    assert health["status"] == "ok" and health["broker"] == {**health["broker"], "driver": broker.display, "connected": True}
    some = streams(one)
    [stream] = some.open("/events")
    assert two.post("/publish").status == 204
    some.pump(lambda: stream.data() == ["hello"])


def test_the_error_handler_snippet(start, serve, certificates, tmp_path):
    """As the page prints it the handler has no $metrics: here it gets one, by the use() that it lacks."""
    broker = serve("redis")
    path = tmp_path / "snippet.php"
    handler = ERROR_HANDLER.replace("(\\Throwable $e): void", "(\\Throwable $e) use ($metrics): void")
    path.write_text("<?php\nuse Mbolli\\PhpVia\\Broker\\RedisBroker;\n" + ours(REDIS["basic"][1], broker, certificates) + handler)
    server = start("seed_broker", php=ALIASES, wait=False, snippet=path)
    until_connected(server)
    broker.kill()
    server.says("connection lost: Viaduct\\Broker\\Exception\\ConnectionException", "metric: broker.error")
    health = server.get("/_health")
    assert health.status == 503 and '"status":"degraded"' in health.text.replace(" ", "")
    broker.start()
    until_connected(server)


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
    done = subprocess.run(leashed([SOURCE / "scripts/php", *ALIASES, app]), env=env, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 9, done
    assert "PipeBroker" in done.stderr and "withWorkerNum" in done.stderr, done.stderr


def test_the_first_app_of_the_readme(start, streams, artifacts):
    [code] = re.findall(r"```php\n(.*?)```", (SOURCE / "README.md").read_text(), re.DOTALL)
    assert "withPort(3000)" in code
    app = artifacts / "clock.php"
    app.write_text(code.replace("withPort(3000)", "withPort(0)"))
    server = start(str(app))
    assert "<title>Clock</title>" in server.get("/").text
    some = streams(server)
    [stream] = some.open("/events")
    with server.connect() as connection:
        assert connection.request("POST", "/wave/Ad%C3%A4").status == 204
    some.pump(lambda: stream.data("wave") == ['{"name":"Adä"}'] or stream.data("wave") == [r'{"name":"Ad\u00e4"}'])
    some.pump(lambda: stream.data("tick"), what="the clock ticks")
