# SPDX-License-Identifier: Apache-2.0
"""onBrokerError: one call a node for each failed attempt, which says what is wrong and tells no secret."""
import os
import re

import pytest

from support.brokers import SERVERS
from support.nodes import QUICK, metrics, until_connected
from support.wait import until

PHP = os.environ.get("VIADUCT_E2E_APP") == "php"
ATTEMPTS = 2 if PHP else 3  # in PHP the pauses between them are as long as they are in earnest
PASSWORD = "s3cret/+%word"
SECRETS = [PASSWORD, "s3cret", "an0ther", "s3cret%2F%2B%25word"]


def told(server):
    return server.get("/broker").json()


def told_once_an_attempt(server):
    """As many calls as attempts, whatever the number of workers; both go on while they are looked at."""
    before = metrics(server)["failures_total"]
    errors = told(server)["errors"]
    return before <= errors <= metrics(server)["failures_total"]


def attempts_told(server):
    return {error["attempt"] for error in told(server)["last"]}


def kind(error):
    """"Tls" of VD_ERR_TLS and of Viaduct\\Broker\\Exception\\TlsException."""
    if "class" in error:
        name = error["class"].rpartition("\\")[2]
        assert name.endswith("Exception") and error["class"].startswith("Viaduct\\Broker\\Exception\\")
        return name.removesuffix("Exception")
    return error["code"].removeprefix("VD_ERR_").capitalize()


# what is wrong: (options of the broker, options of the node, change of the URL, kind, words of the text)
WRONG = {
    "password": ({"username": "node", "password": PASSWORD}, {}, ("s3cret", "an0ther"), "Authentication", "password|credentials"),
    "token": ({"password": PASSWORD}, {}, ("s3cret", "an0ther"), "Authentication", "password|credentials"),
    "user": ({"username": "node", "password": PASSWORD}, {}, ("node:", "nobody:"), "Authentication", "password|credentials"),
    "authority": ({"tls": "server"}, {"broker_tls_ca_file": "other-ca.pem"}, None, "Tls", "authority"),
    "host name": ({"tls": "elsewhere"}, {"broker_tls_ca_file": "ca.pem"}, None, "Tls", "name"),
    "expired": ({"tls": "expired"}, {"broker_tls_ca_file": "ca.pem"}, None, "Tls", "expired"),
    "no client certificate": ({"tls": "server", "mtls": True}, {"broker_tls_ca_file": "ca.pem"}, None, "Tls", "certificate"),
    "no TLS there": ({}, {"broker_tls_ca_file": "ca.pem"}, "TLS", "Tls", "TLS"),
}


def options_of(certificates, options):
    return {name: certificates.path(file) for name, file in options.items()}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("driver", list(SERVERS))
def test_each_kind_of_wrong_has_its_class_and_its_words(certificates, serve, start, driver, wrong):
    of_broker, of_node, change, expected, words = WRONG[wrong]
    broker = serve(driver, **of_broker)
    url = broker.url()
    if change == "TLS":
        url = url.replace(broker.scheme, broker.secure_scheme)
    elif change:
        assert change[0] in url
        url = url.replace(*change)
    server = start(wait=False, workers=3, broker=url, **options_of(certificates, of_node), **QUICK)
    until(lambda: server.get("/_health/live").status == 200, what="it serves")
    # Each goes to another worker, and one that is just starting may be later than the next.
    until(lambda: attempts_told(server) >= set(range(1, ATTEMPTS + 1)), what="the failed attempts are told")
    until(lambda: told_once_an_attempt(server), what="one call an attempt")
    errors = told(server)
    for n, error in enumerate(sorted(errors["last"], key=lambda error: error["attempt"])[:ATTEMPTS]):
        assert kind(error) == expected and error["driver"] == broker.display, error
        assert error["attempt"] == n + 1 and error["next_delay_ms"] >= 0, errors
        assert re.search(words, error["text"]), error
        assert not any(secret in str(error) for secret in SECRETS)
    print(errors["last"][0]["text"])
    assert not any(secret in server.log() + server.get("/metrics").text for secret in SECRETS)


@pytest.mark.parametrize("driver", list(SERVERS))
@pytest.mark.parametrize("options", [
    {"password": PASSWORD},
    {"username": "node", "password": PASSWORD},
    {"tls": "server"},
    {"tls": "server", "mtls": True, "username": "node", "password": PASSWORD},
], ids=lambda options: ", ".join(options))
def test_what_is_right_connects(certificates, serve, nodes, streams, driver, options):
    broker = serve(driver, **options)
    files = {}
    if broker.tls:
        files["broker_tls_ca_file"] = certificates.path("ca.pem")
    if broker.mtls:
        files["broker_tls_certificate_file"] = certificates.path("client.pem")
        files["broker_tls_key_file"] = certificates.path("client.key")
    one, two = nodes(broker.url(), broker.url(host="localhost"), **files)
    some = streams(two)
    [stream] = some.open("/events?scope=a")
    assert one.publish("a", "hello").status == 204
    some.pump(lambda: stream.data() == ["hello"])
    assert told(one)["errors"] == told(two)["errors"] == 0
    assert metrics(one)["connected"] == 1
    argv = " ".join(one.argv) if not PHP else ""
    said = one.log() + one.get("/_health").text + one.get("/metrics").text
    assert not any(secret in said for secret in broker.secrets()), argv


def test_a_refused_connection_is_told_once_an_attempt_and_a_drop_once(broker, nodes):
    [server] = nodes(broker.url(), workers=4, **QUICK)
    assert told(server)["errors"] == 0
    broker.kill()
    # The drop and two attempts, told to one worker each: one may be before another.
    until(lambda: attempts_told(server) >= {0, 1, 2} or attempts_told(server) >= {1, 2, 3}, what="the drop and two attempts")
    errors = told(server)["last"]
    assert {kind(error) for error in errors} == {"Connection"}
    attempts = sorted(error["attempt"] for error in errors)
    assert len(attempts) == len(set(attempts)), errors
    broker.start()
    until_connected(server)
    # Each worker was told that it may have missed something.
    until(lambda: told(server)["gaps"], what="the gap is told")
    until(lambda: told(server)["errors"] == metrics(server)["failures_total"], what="as many calls as failures")
