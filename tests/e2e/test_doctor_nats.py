# SPDX-License-Identifier: Apache-2.0
"""viaduct doctor with NATS servers: well, and with each thing wrong that it is to find."""
import base64
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from support.brokers import SERVERS, NatsServer
from support.command import Running, run
from support.ports import free_port
from test_doctor import examine, find_failed

SERVERS.setdefault("nats", NatsServer)


@pytest.fixture
def nats(serve):
    return serve("nats")


@pytest.fixture
def configured(serve):
    """configured('authorization {...}') -> a server with these lines in its configuration."""
    def starter(lines):
        server = serve("nats", running=False)
        plain = server.command

        def command():
            words = plain()
            with open(server.folder / "nats.conf", "a") as file:
                file.write(lines)
            return words
        server.command = command
        return server.start()
    return starter


# ---- keys, as nsc makes them -----------------------------------------------------------------------


def checksum(data):
    """CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc.to_bytes(2, "little")


def base32(data):
    return base64.b32encode(data + checksum(data)).decode().rstrip("=")


class Key:
    """An nkey. kind: "U"ser, "A"ccount, "O"perator."""

    def __init__(self, kind):
        self.private = Ed25519PrivateKey.generate()
        raw = self.private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        number = {"U": 20, "A": 0, "O": 14}[kind] << 3
        self.seed = base32(bytes([18 << 3 | number >> 5, (number & 31) << 3]) + raw)
        self.public = base32(bytes([number]) + self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        assert self.seed[:2] == "S" + kind and self.public[0] == kind

    def sign(self, claims):
        def part(data):
            return base64.urlsafe_b64encode(data).rstrip(b"=")
        body = part(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode()) + b"." + part(json.dumps(claims).encode())
        return (body + b"." + part(self.private.sign(body))).decode()


def claims(issuer, subject, kind, **more):
    nats = {"type": kind, "version": 2, **({"limits": {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
            "wildcards": True, "conn": -1, "leaf": -1}} if kind == "account" else {"subs": -1, "data": -1, "payload": -1})}
    return {"jti": f"{kind}-{time.time()}", "iat": int(time.time()) - 60, "iss": issuer.public, "sub": subject.public,
            "name": kind, "nats": nats, **more}


def creds(user, jwt):
    return (f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")


# ---- all is well -----------------------------------------------------------------------------------


def test_a_server_that_is_well(tmp_path, nats):
    with Running(tmp_path, "sub", broker=nats) as sub:
        sub.listening()
        document, steps = examine("--strict", broker=nats)
        assert list(steps) == ["name", "connection", "server", "login", "subscribe", "publish", "round-trip", "link"]
        assert {step["state"] for step in steps.values()} == {"ok"}
        assert steps["server"]["max_payload"] == 8 * 1024 * 1024 and 0 < steps["round-trip"]["median_ms"] < 5000
        sub.interrupt().ends(0)
        assert sub.out() == b"", "no probe reaches a subscriber"


def test_others_talk_meanwhile(tmp_path, nats):
    lines = b"".join(b"%d" % (n % 10) * 200_000 + b"\n" for n in range(100))
    (tmp_path / "noise").write_bytes(lines)
    with Running(tmp_path, "pub", "--lines", "--file", tmp_path / "noise", "noise", broker=nats) as pub:
        examine(broker=nats)
        pub.ends(0)


@pytest.mark.parametrize("options, how", [({"username": "node", "password": "s3cret"}, 'as user "node"'), ({"token": "s3cret-token"}, "by token")])
def test_credentials_in_the_url_and_in_variables(serve, options, how):
    server = serve("nats", **{name.replace("token", "password"): value for name, value in options.items()})
    document, steps = examine("--strict", broker=server)
    assert steps["login"]["text"] == how and "s3cret" not in json.dumps(document)
    bare = f"nats://127.0.0.1:{server.port}"
    variables = {f"VIADUCT_{name.upper()}": value for name, value in options.items()}
    assert examine("--strict", broker=bare, **variables)[1]["login"]["text"] == how
    find_failed("login", "asks for credentials", "VIADUCT_TOKEN", broker=bare)
    wrong = {name: value + "x" for name, value in variables.items()}
    steps = find_failed("login", "refused the credentials", "the kind the right one", broker=bare, **wrong)
    assert "s3cret" not in json.dumps(steps)


def test_nkeys(tmp_path, configured):
    user, other = Key("U"), Key("U")
    server = configured(f"authorization {{ users: [ {{ nkey: {user.public} }} ] }}\n")
    for key, name in ((user, "seed"), (other, "other")):
        (tmp_path / name).write_text(f"# of a node\n{key.seed}\n")
    document, steps = examine("--strict", "--nkey", tmp_path / "seed", broker=server)
    assert steps["login"]["text"] == "by nkey" and user.seed not in json.dumps(document)
    find_failed("login", "refused the credentials", "--nkey", broker=server, VIADUCT_NKEY=tmp_path / "other")
    run("pub", "a", "b", "--nkey", tmp_path / "seed", broker=server)
    said = run("doctor", "--nkey", "/dev/null", broker=server, code=2).stderr.decode()
    assert said.startswith("viaduct: --nkey: "), said


def test_credentials_files(tmp_path, configured):
    operator, account, user = Key("O"), Key("A"), Key("U")
    server = configured(f"operator: {operator.sign(claims(operator, operator, 'operator'))}\nresolver: MEMORY\n"
                        f"resolver_preload: {{ {account.public}: {operator.sign(claims(operator, account, 'account'))} }}\n")
    def write(name, **more):
        (tmp_path / name).write_text(creds(user, account.sign(claims(account, user, "user", **more))))
        return tmp_path / name
    _, steps = examine("--strict", broker=server, VIADUCT_CREDS=write("for ever"))
    assert steps["login"]["text"] == "by credentials file" and "credentials" not in steps
    _, steps = examine("--strict", broker=server, VIADUCT_CREDS=write("long", exp=int(time.time()) + 40 * 86400))
    assert 39 < steps["credentials"]["days"] < 41
    _, steps = examine(broker=server, VIADUCT_CREDS=write("short", exp=int(time.time()) + 5 * 86400))
    assert steps["credentials"]["state"] == "warning" and "in time" in steps["credentials"]["advice"]
    find_failed("login", "", "", broker=server, VIADUCT_CREDS=write("over", exp=int(time.time()) - 86400))


def test_tls(serve, certificates):
    server = serve("nats", tls="server", mtls=True)
    own = {"VIADUCT_CA": certificates.path("ca.pem"), "VIADUCT_CERT": certificates.path("client.pem"),
           "VIADUCT_KEY": certificates.path("client.key")}
    _, steps = examine("--strict", broker=server, **own)
    assert 25 < steps["tls"]["days"] < 31 and 25 < steps["own-certificate"]["days"] < 31
    find_failed("login", "", "client certificate", broker=server, VIADUCT_CA=certificates.path("ca.pem"))


def test_several_servers_are_each_examined(serve, nats):
    other, down = serve("nats"), free_port()
    document, _ = examine(code=1, broker=f"{nats.url()},127.0.0.1:{other.port},127.0.0.1:{down}")
    of = {port: [step for step in document["steps"] if step.get("server") == f"127.0.0.1:{port}"] for port in (nats.port, other.port, down)}
    assert [len(steps) for steps in of.values()] == [7, 7, 2] and document["failures"] == 1
    assert document["steps"][-1]["step"] == "link" and document["steps"][-1]["state"] == "ok"


# ---- what is wrong ---------------------------------------------------------------------------------


def test_a_small_limit_is_a_warning(configured):
    server = configured("max_payload: 32KB\n")
    _, steps = examine(broker=server)
    assert steps["server"]["state"] == "warning" and "32768 bytes" in steps["server"]["text"]


def test_not_there_and_not_answering(nats, between):
    find_failed("connection", "refused", "nothing listens on that port", broker=f"nats://127.0.0.1:{free_port()}")
    nats.freeze()
    try:
        said = run("doctor", "--json", "--timeout", "2", broker=nats, code=1)
    finally:
        nats.thaw()
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == "server" and "no greeting within 2.0 s" in last["text"] and "stopped" in last["advice"]


def test_a_deaf_link(nats, between):
    proxy = between(nats)
    proxy.mode = "deaf"
    said = run("doctor", "--json", "--timeout", "2", broker=nats.url(proxy.port), code=1)
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == "round-trip" and "did not deliver it" in last["text"]


@pytest.mark.parametrize("permissions, wrong", [
    ('publish: "via.broadcast", subscribe: "other"', {"subscribe"}), ('publish: "other", subscribe: "via.broadcast"', {"publish"}),
    ('publish: "other", subscribe: "other"', {"subscribe", "publish"}), ('publish: "via.>", subscribe: "via.*"', set()),
])
def test_permissions_that_are_missing_are_named(configured, permissions, wrong):
    server = configured(f'authorization {{ users: [ {{ user: node, password: pw, permissions {{ {permissions} }} }} ] }}\n')
    _, steps = examine(code=1 if wrong else 0, broker=server, VIADUCT_USERNAME="node", VIADUCT_PASSWORD="pw")
    assert {name for name, step in steps.items() if step["state"] == "failed"} == wrong
    for name in wrong:
        assert steps[name]["advice"] == f'On the server, in the user\'s "permissions": {name}: "via.broadcast"'


def test_tls_on_one_side_only(serve, nats, certificates):
    server = serve("nats", tls="server")
    find_failed("tls", "insists on TLS", "tls://", broker=f"nats://127.0.0.1:{server.port}")
    find_failed("tls", "offers no TLS", "nats://", broker=f"tls://127.0.0.1:{nats.port}", VIADUCT_CA=certificates.path("ca.pem"))


def test_a_server_that_insists_on_tls_is_followed_as_nodes_do(tmp_path, serve, certificates):
    """With the system's authorities; the library takes them from the same variable."""
    server = serve("nats", tls="server")
    where = {"broker": f"nats://127.0.0.1:{server.port}", "SSL_CERT_FILE": certificates.path("ca.pem")}
    document, steps = examine(**where)
    [wish, days] = [step for step in document["steps"] if step["step"] == "tls"]
    assert wish["state"] == "warning" and "insists on TLS" in wish["text"] and "Say tls://" in wish["advice"]
    assert days["state"] == "ok" and 25 < days["days"] < 31 and steps["link"]["state"] == "ok"
    run("pub", "a", "b", **where)


@pytest.mark.parametrize("tls, ca, text, advice", [
    ("expired", "ca.pem", "has expired", "It was good until 2"),
    ("elsewhere", "ca.pem", "another host name", "is for: elsewhere.example. We connect to \"127.0.0.1\""),
    ("server", "other-ca.pem", "not signed by an authority", 'signed by "CN = test authority"'),
])
def test_a_wrong_certificate_is_described(serve, certificates, tls, ca, text, advice):
    find_failed("tls", text, advice, broker=serve("nats", tls=tls), VIADUCT_CA=certificates.path(ca))


def test_another_kind_of_server(serve, nats):
    redis = serve("redis")
    find_failed("login", "no answer of a Redis server", "That is a NATS server: use nats://", broker=f"redis://127.0.0.1:{nats.port}")
    said = run("doctor", "--json", "--timeout", "2", broker=f"nats://127.0.0.1:{redis.port}", code=1)
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == "server" and "Redis: use redis://" in last["advice"]
    server = serve("redis", tls="server")
    said = run("doctor", "--json", "--timeout", "3", broker=f"nats://127.0.0.1:{server.port}", code=1)
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == "server" and "speaks TLS from the first byte" in last["advice"], last
