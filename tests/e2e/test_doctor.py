# SPDX-License-Identifier: Apache-2.0
"""viaduct doctor, with a Redis server that is well, and with each thing wrong that it is to find."""
import json
import re
import subprocess

import pytest

from support.command import Running, run
from support.leash import leashed
from support.measure import TooSlow, few_tries
from support.ports import free_port
from support.wait import until

PERMITTED = "+subscribe +publish +ping"


def examine(*words, code=0, slow=False, **where):
    """What doctor --json says: (document, {step: its object}). @slow: the way to the server is, and not by this machine's fault."""
    def look():
        said = run("doctor", "--json", *words, code=(code, 1), **where)
        assert said.stderr == b"" and said.stdout.count(b"\n") == 1
        document = json.loads(said.stdout)
        steps = {step["step"]: step for step in document["steps"]}
        if not slow and steps.get("round-trip", {}).get("state") == "warning":
            raise TooSlow(steps["round-trip"]["text"])
        assert said.returncode == code, document
        return document, steps

    document, steps = few_tries(look)
    assert document["failures"] == sum(step["state"] == "failed" for step in document["steps"])
    assert document["warnings"] == sum(step["state"] == "warning" for step in document["steps"])
    assert document["status"] == ("failed" if document["failures"] else "warning" if document["warnings"] else "ok")
    return document, steps


def find_failed(step, text, advice, **where):
    """The one step that failed is the last, and says what is wrong and what to do."""
    document, steps = examine(code=1, **where)
    last = document["steps"][-1]
    assert (last["step"], last["state"], document["failures"]) == (step, "failed", 1), document
    assert text in last["text"] and advice in last["advice"], last
    return steps


@pytest.fixture
def redis(serve):
    return serve("redis")


def command(server, *words):
    with server.raw() as raw:
        raw.command(*words)
        said = raw.reply()
        raw.leave()
        return said


# ---- all is well -----------------------------------------------------------------------------------


def test_a_server_that_is_well(tmp_path, redis):
    with Running(tmp_path, "sub", broker=redis) as sub:
        sub.listening()
        document, steps = examine(broker=redis)
        assert document["broker"] == f"redis://127.0.0.1:{redis.port}"
        assert list(steps) == ["name", "connection", "login", "server", "subscribe", "publish", "round-trip", "limits", "clock", "link"]
        assert {step["state"] for step in steps.values()} == {"ok"}
        assert steps["publish"]["subscribers"] == 1 and steps["publish"]["text"].startswith("1 other subscriber listens")
        assert 0 < steps["round-trip"]["median_ms"] < 5000
        assert abs(steps["clock"]["difference_ms"]) < 2000
        sub.interrupt().ends(0)
        assert sub.out() == b"", "no probe reaches a subscriber"


def test_the_report_for_people(redis):
    def report():
        said = run("doctor", broker=redis).stdout.decode().splitlines()
        if any(line.startswith("warning   round-trip") for line in said):
            raise TooSlow(said)
        return said

    said = few_tries(report)
    assert said[0] == f"redis://127.0.0.1:{redis.port}" and said[-1] == "All is well."
    assert re.fullmatch(r"ok        connection     127\.0\.0\.1 port \d+ \(\d+\.\d\d ms\)", said[3])
    redis.kill()
    said = run("doctor", broker=redis, code=1).stdout.decode()
    assert "failed    connection" in said and "nothing listens on that port" in re.sub(r"\s+", " ", said)
    assert said.endswith("It does not work: 1 failed, 0 warnings.\n")


def test_others_talk_meanwhile(tmp_path, redis):
    """A busy channel, with messages that are larger than any answer of the server."""
    with Running(tmp_path, "pub", "--lines", "noise", broker=redis, stdin=(fifo := open_noise(tmp_path))):
        fifo.close()
        examine(broker=redis)


def open_noise(folder):
    path = folder / "noise"
    path.write_bytes(b"".join(b"%d" % (n % 10) * 200_000 + b"\n" for n in range(100)))
    return open(path, "rb")


def test_the_documented_minimum_of_permissions_is_enough(serve):
    server = serve("redis", username="node", password="s3cret")
    document, steps = examine("--strict", broker=server)
    assert document["broker"] == f"redis://127.0.0.1:{server.port}" and "s3cret" not in json.dumps(document)
    assert {name for name, step in steps.items() if step["state"] == "skipped"} == {"server", "limits", "clock"}
    assert steps["login"]["text"] == 'as user "node"' and steps["link"]["state"] == "ok"


def test_tls(serve, certificates):
    server = serve("redis", tls="server", mtls=True)
    own = {"VIADUCT_CA": certificates.path("ca.pem"), "VIADUCT_CERT": certificates.path("client.pem"),
           "VIADUCT_KEY": certificates.path("client.key")}
    for host in ("127.0.0.1", "localhost"):
        # localhost may be ::1, too, where this server does not listen: a warning.
        document, steps = examine(*["--strict"][:host == "127.0.0.1"], broker=server.url(host=host), **own)
        assert document["failures"] == 0 and steps["link"]["state"] == "ok"
        assert all(step["state"] == "ok" or "::1" in step["text"] for step in document["steps"])
        assert "chain and host name are right" in steps["tls"]["text"]
        assert 25 < steps["tls"]["days"] < 31 and 25 < steps["own-certificate"]["days"] < 31


def test_several_servers_are_each_examined(serve, redis):
    other, down = serve("redis"), free_port()
    url = f"{redis.url()},127.0.0.1:{other.port},127.0.0.1:{down}"
    document, _ = examine(code=1, broker=url)
    of = {f"127.0.0.1:{port}": [step for step in document["steps"] if step.get("server") == f"127.0.0.1:{port}"]
          for port in (redis.port, other.port, down)}
    assert [len(steps) for steps in of.values()] == [9, 9, 2]
    assert document["failures"] == 1 and of[f"127.0.0.1:{down}"][1]["state"] == "failed"
    assert document["steps"][-1]["step"] == "link" and document["steps"][-1]["state"] == "ok"
    said = run("doctor", broker=url, code=1).stdout.decode()
    assert f"\n\n--- 127.0.0.1:{other.port}\nok        name" in said


def test_a_unix_socket(tmp_path):
    path = tmp_path / "r.sock"
    find_failed("connection", f"unix socket {path}: ", "unixsocketperm", broker=f"redis+unix://{path}")
    with open(tmp_path / "log", "wb") as log, \
            subprocess.Popen(leashed(["redis-server", "--port", "0", "--save", "", "--unixsocket", path]), cwd=tmp_path, stdout=log) as server:
        try:
            until(path.exists, what="the server listens")
            _, steps = examine("--strict", broker=f"redis+unix://{path}")
        finally:
            server.kill()
    assert steps["connection"]["text"].startswith(f"unix socket {path} (") and "name" not in steps


# ---- warnings --------------------------------------------------------------------------------------


def test_a_certificate_with_few_days_left_is_a_warning(serve, certificates):
    server = serve("redis", tls="brief")
    where = {"broker": server, "VIADUCT_CA": certificates.path("ca.pem")}
    document, steps = examine(**where)
    assert steps["tls"]["state"] == "warning" and 4 < steps["tls"]["days"] < 5.1 and "Renew it" in steps["tls"]["advice"]
    examine("--strict", code=1, **where)


def test_limits_without_limit_and_too_low(redis):
    command(redis, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0")
    _, steps = examine(broker=redis)
    assert steps["limits"]["state"] == "warning" and "pubsub 32mb 8mb 60" in steps["limits"]["advice"]
    command(redis, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 512kb 10")
    _, steps = examine(broker=redis)
    assert steps["limits"]["state"] == "warning" and "1.0 MiB owed, or 0.5 MiB for 10 s" in steps["limits"]["text"]
    command(redis, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 256kb 1")
    _, steps = examine(broker=redis)
    assert steps["limits"]["state"] == "warning" and "or 0.2 MiB for 1 s" in steps["limits"]["text"]
    command(redis, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 0 0")
    _, steps = examine("--strict", broker=redis)
    assert steps["limits"]["text"].endswith("is cut off at 32.0 MiB owed")


def test_a_length_limit_below_ours(redis):
    command(redis, "CONFIG", "SET", "proto-max-bulk-len", "1mb")
    _, steps = examine(broker=redis)
    assert steps["size"]["state"] == "warning" and "at most 1.0 MiB" in steps["size"]["text"]
    command(redis, *re.search(r"On the server: (CONFIG SET \S+ \S+),", steps["size"]["advice"])[1].split())
    assert "size" not in examine("--strict", broker=redis)[1]


def test_a_replica_is_refused(serve, redis):
    replica = serve("redis")
    command(replica, "REPLICAOF", "127.0.0.1", str(redis.port))
    find_failed("server", "a replica", "Name the primary", broker=replica)


def test_a_slow_way_is_a_warning(redis, between):
    proxy = between(redis, delay_seconds=0.1)
    proxy.mode = "delay"
    document, steps = examine("--timeout", "30", slow=True, broker=redis.url(proxy.port))
    assert steps["round-trip"]["state"] == "warning" and steps["round-trip"]["median_ms"] > 190


# ---- not reached -----------------------------------------------------------------------------------


def test_no_such_host():
    find_failed("name", "nowhere.invalid", "getent hosts", broker="redis://nowhere.invalid:6379")


def test_nothing_listens():
    find_failed("connection", "refused", "nothing listens on that port", broker=f"redis://127.0.0.1:{free_port()}")


def test_a_frozen_server(redis):
    redis.freeze()
    try:
        said = run("doctor", "--json", "--timeout", "2", broker=redis, code=1)
    finally:
        redis.thaw()
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == "login" and "no answer within 2.0 s" in last["text"] and "stopped" in last["advice"]


@pytest.mark.parametrize("mode, tls, step", [("mute", None, "login"), ("stall", "server", "tls"), ("freeze", "server", "tls")])
def test_a_half_open_way(serve, between, certificates, mode, tls, step):
    server = serve("redis", tls=tls)
    proxy = between(server)
    proxy.mode = mode
    variables = {"VIADUCT_CA": certificates.path("ca.pem")} if tls else {}
    said = run("doctor", "--json", "--timeout", "2", broker=server.url(proxy.port), code=1, **variables)
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == step and last["state"] == "failed" and "2.0 s" in last["text"], last


def test_a_deaf_link(redis, between):
    proxy = between(redis)
    proxy.mode = "deaf"
    said = run("doctor", "--json", "--timeout", "2", broker=redis.url(proxy.port), code=1)
    last = json.loads(said.stdout)["steps"][-1]
    assert last["step"] == "round-trip" and "did not deliver it" in last["text"] and "same server" in last["advice"]


# ---- refused ---------------------------------------------------------------------------------------


def test_passwords(serve, redis):
    server = serve("redis", username="node", password="r1ght-secret")
    bare = f"redis://127.0.0.1:{server.port}"
    find_failed("login", "asks for a password", "VIADUCT_PASSWORD", broker=bare)
    steps = find_failed("login", "refused user or password", 'the user "node"', broker=bare, VIADUCT_USERNAME="node",
                        VIADUCT_PASSWORD="wr0ng-secret")
    assert "secret" not in json.dumps(steps)
    find_failed("login", "refused user or password", 'it is "default"', broker=bare, VIADUCT_PASSWORD="wr0ng")
    find_failed("login", "the server has none", "requirepass", broker=redis, VIADUCT_PASSWORD="needless")


@pytest.mark.parametrize("permissions, step, missing", [
    ("+publish +ping &via:broadcast", "subscribe", "ACL SETUSER node +subscribe"),
    ("+subscribe +ping &via:broadcast", "publish", "ACL SETUSER node +publish"),
    ("+subscribe +publish +ping &other", "subscribe", "ACL SETUSER node '&via:broadcast'"),
])
def test_the_permission_that_is_missing_is_named_and_mends_it(redis, permissions, step, missing):
    command(redis, "ACL", "SETUSER", "node", "on", ">pw", "resetchannels", *permissions.split())
    where = {"broker": redis, "VIADUCT_USERNAME": "node", "VIADUCT_PASSWORD": "pw"}
    document, steps = examine(code=1, **where)
    assert steps[step]["state"] == "failed" and steps[step]["advice"] == f"On the server: {missing}", document
    command(redis, *missing.replace("'", "").split())
    examine(**where)


def the_only_client(server):
    """None while the server has not seen yet that the last one has left."""
    raw = server.raw()
    try:
        raw.command("PING")
        raw.reply()
    except (AssertionError, OSError):
        raw.__exit__()
        return None
    return raw


def test_no_room_for_more_clients(redis):
    command(redis, "CONFIG", "SET", "maxclients", "1")
    _, steps = examine(code=1, broker=redis)
    assert "max number of clients" in steps["subscribe"]["text"] and '"maxclients"' in steps["subscribe"]["advice"]
    with until(lambda: the_only_client(redis), what="the server lets another in"):
        find_failed("login", "max number of clients", '"maxclients"', broker=redis)


# ---- certificates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("tls, text, advice", [
    ("expired", "has expired", "It was good until 2"),
    ("elsewhere", "another host name", "is for: elsewhere.example. We connect to \"127.0.0.1\""),
])
def test_a_wrong_certificate_is_described(serve, certificates, tls, text, advice):
    server = serve("redis", tls=tls)
    find_failed("tls", text, advice, broker=server, VIADUCT_CA=certificates.path("ca.pem"))


def test_a_wrong_authority_is_named(serve, certificates):
    server = serve("redis", tls="server")
    find_failed("tls", "not signed by an authority", 'signed by "CN = test authority". Give --ca', broker=server,
                VIADUCT_CA=certificates.path("other-ca.pem"))
    find_failed("tls", "not signed by an authority", 'signed by "CN = test authority". Give --ca', broker=server)


def test_no_client_certificate(serve, certificates):
    server = serve("redis", tls="server", mtls=True)
    find_failed("login", "", "client certificate", broker=server, VIADUCT_CA=certificates.path("ca.pem"))


@pytest.mark.parametrize("protocol, step", [("TLSv1.2", "tls"), ("TLSv1.3", "login")])
def test_a_client_certificate_that_is_not_accepted(serve, certificates, protocol, step):
    """Not there, of another authority, over: what is wrong is ours, and not the server's certificate."""
    server = serve("redis", tls="server", mtls=True, running=False)
    plain = server.command

    def command():
        words = plain()
        with open(server.folder / "redis.conf", "a") as file:
            file.write(f'tls-protocols "{protocol}"\n')
        return words
    server.command = command
    server.start()
    for own in (None, "other-ca", "expired"):
        variables = {"VIADUCT_CERT": certificates.path(f"{own}.pem"), "VIADUCT_KEY": certificates.path(f"{own}.key")} if own else {}
        _, steps = examine(code=1, broker=server, VIADUCT_CA=certificates.path("ca.pem"), **variables)
        assert steps[step]["state"] == "failed" and "--cert and --key" in steps[step]["advice"], steps
        assert "--ca" not in steps[step]["advice"], steps
        if own == "expired":
            assert "our certificate ended 1.0 days ago" in steps["own-certificate"]["text"]


def test_the_wrong_kind_of_port(serve, redis, certificates):
    said = run("doctor", "--json", "--timeout", "2", broker=f"rediss://127.0.0.1:{redis.port}", code=1,
               VIADUCT_CA=certificates.path("ca.pem"))  # a Redis server waits for the rest of what it takes for a command
    last = json.loads(said.stdout)["steps"][-1]
    assert (last["step"], last["state"]) == ("tls", "failed") and "that port speaks no TLS" in last["advice"]
    server = serve("redis", tls="server")
    find_failed("login", "", "That port speaks TLS: use rediss://", broker=f"redis://127.0.0.1:{server.port}")


def test_a_web_server(start, certificates):
    """An HTTP port, with each scheme."""
    server = start(workers=1)
    find_failed("login", "no answer of a Redis server", "a web server. Is the port right?", broker="redis://%s:%d" % server.address)
    ca = {"VIADUCT_CA": certificates.path("ca.pem")}
    find_failed("tls", "does not speak TLS on that port", "Is that the plain port?", broker="rediss://%s:%d" % server.address, **ca)
    for scheme, variables in (("nats", {}), ("tls", ca)):
        said = run("doctor", "--json", "--timeout", "3", broker="%s://%s:%d" % (scheme, *server.address), code=1, **variables)
        last = json.loads(said.stdout)["steps"][-1]
        assert last["step"] == "server" and "no greeting" in last["text"] and "a web server" in last["advice"], last
