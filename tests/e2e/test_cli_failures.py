# SPDX-License-Identifier: Apache-2.0
"""viaduct pub and viaduct sub, when the broker is away, mute, too small, or refuses who comes."""
import contextlib
import re
import socket
import threading
import time
from pathlib import Path

import pytest

from support.command import Running, run
from support.measure import in_time, measured
from support.wait import until


@measured
def test_no_server(broker):
    broker.kill()
    started = time.monotonic()
    said = run("pub", "a", "b", "--timeout", "1", broker=broker, code=3).stderr.decode()
    in_time(time.monotonic() - started, 15, "its end")
    assert "cannot be reached" in said and "has confirmed nothing for 1.0 s" in said, said
    assert "was not reached in time" in run("sub", "--timeout", "1", broker=broker, code=3).stderr.decode()


@pytest.mark.parametrize("scheme", ["redis", "nats"])
def test_a_server_that_says_nothing(scheme):
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        url = f"{scheme}://127.0.0.1:{mute.getsockname()[1]}"
        for words in (("pub", "a"), ("sub",)):
            assert b"viaduct doctor" in run(*words, "--timeout", "0.5", broker=url, code=3).stderr


def test_a_message_that_the_server_does_not_take(tmp_path, broker):
    """Larger than its own limit, which is below ours. Nothing that was lost counts as done."""
    if broker.driver == "redis":
        with broker.raw() as raw:
            raw.command("CONFIG", "SET", "proto-max-bulk-len", "1mb")
            raw.reply()
    else:
        broker.kill()
        plain = broker.command

        def command():
            words = plain()
            config = broker.folder / "nats.conf"
            config.write_text(re.sub(r"(?m)^max_payload.*$", "", config.read_text()) + "max_payload: 1MB\n")
            return words
        broker.command = command
        broker.start()
    # Refused at once where the link is up already and its limit known, else dropped when it comes up.
    said = run("pub", "a", "-", broker=broker, stdin=b"x" * (1 << 20), code=(1, 2)).stderr.decode()
    assert "dropped" in said or "max_payload" in said, said
    run("pub", "a", "-", broker=broker, stdin=b"x" * (1 << 19))


def test_somebody_publishes_more_than_any_message_takes(tmp_path, serve):
    """The link ends by that; sub says why, and goes on."""
    broker = serve("redis")
    with Running(tmp_path, "sub", broker=broker) as sub, broker.raw() as raw:
        sub.listening()
        raw.publish(b"x" * (9 << 20))
        until(lambda: "more at once than any message takes" in sub.err(), what="it is said")
        until(lambda: "gap: " in sub.err(), what="it is back")
        run("pub", "a", "after", broker=broker)
        assert sub.lines(1)[0].endswith(b" a after")
        sub.interrupt().ends(0)


def test_a_server_that_comes_late(tmp_path, broker):
    broker.kill()
    with Running(tmp_path, "pub", "a", "b", "--timeout", "60", broker=broker) as pub:
        pub.says("next attempt in")
        broker.start()
        pub.ends(0)


def test_a_frozen_server(broker):
    broker.freeze()
    try:
        run("pub", "a", "b", "--timeout", "1", broker=broker, code=3)
    finally:
        broker.thaw()


@pytest.mark.parametrize("command", [("pub", "a", "b", "--timeout", "60"), ("sub",)])
def test_a_wrong_password_ends_it_at_once(serve, broker, command):
    server = serve(broker.driver, username="node", password="r1ght-secret")
    said = run(*command, broker=f"{server.scheme}://127.0.0.1:{server.port}", code=1,
               VIADUCT_USERNAME="node", VIADUCT_PASSWORD="wr0ng-secret").stderr.decode()
    assert "secret" not in said and "refused" in said, said


def test_passwords_from_variable_file_and_url(tmp_path, serve, broker):
    secret = "p@ss:w/rd, 100%"
    server = serve(broker.driver, username="node", password=secret)
    bare = f"{server.scheme}://127.0.0.1:{server.port}"
    (tmp_path / "password").write_text(secret + "\n# nothing else is read\n")
    run("pub", "a", "b", broker=bare, VIADUCT_USERNAME="node", VIADUCT_PASSWORD=secret)
    run("pub", "a", "b", "--username", "node", "--password-file", tmp_path / "password", broker=bare,
        VIADUCT_PASSWORD="the option wins")
    assert run("pub", "a", "b", broker=server.url()).stderr == b""
    said = run("pub", "a", "b", "--broker", server.url()).stderr.decode()
    assert "VIADUCT_BROKER is the better place" in said and secret not in said
    assert run("pub", "a", "b", "--quiet", "--broker", server.url()).stderr == b""


@pytest.mark.parametrize("scheme, greeting", [("rediss", b""), ("tls", b'INFO {"max_payload":1048576,"tls_required":true}\r\n')])
def test_a_handshake_that_breaks_off_is_tried_again(certificates, scheme, greeting):
    """The server may just be starting, or the next one be behind that address."""
    def hang_up():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(20)
                    connection.sendall(greeting)
                    connection.recv(4096)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            said = run("pub", "a", "b", "--timeout", "2.5", broker=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", code=3,
                       VIADUCT_CA=certificates.path("ca.pem")).stderr.decode()
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(30)
    assert "handshake" in said and "next attempt in" in said, said


def test_ps_shows_no_password_for_long(tmp_path, serve, broker):
    server = serve(broker.driver, username="node", password="s3cret")
    with Running(tmp_path, "sub", "--broker", server.url(), "room:*") as sub:
        sub.listening()
        words = Path(f"/proc/{sub.process.pid}/cmdline").read_bytes().split(b"\0")
        assert words[2:] == [b"--broker", f"{server.scheme}://***********@127.0.0.1:{server.port}".encode(), b"room:*", b""]
        sub.interrupt().ends(0)


def test_tls(serve, broker, certificates):
    server = serve(broker.driver, tls="server", mtls=True)
    own = {"VIADUCT_CERT": certificates.path("client.pem"), "VIADUCT_KEY": certificates.path("client.key")}
    run("pub", "a", "b", broker=server, VIADUCT_CA=certificates.path("ca.pem"), **own)
    run("pub", "a", "b", "--ca", certificates.path("ca.pem"), broker=server, **own)
    said = run("pub", "a", "b", broker=server, VIADUCT_CA=certificates.path("other-ca.pem"), code=1, **own).stderr.decode()
    assert "authority" in said, said
