# SPDX-License-Identifier: Apache-2.0
"""examples/publish: from a terminal, a request of php-fpm and a worker, without a server of ours."""
import json
import os
import shutil
import signal
import subprocess

import pytest

from support.fpm import Fpm, Request
from support.leash import leashed
from support.server import BUILD, SOURCE
from support.wait import PATIENCE, until

EXAMPLE = SOURCE / "examples/publish"


def environment(broker):
    return {**os.environ, "VIADUCT_BUILD": str(BUILD), "VIADUCT_BROKER": broker.url()}


def publish(broker, *words):
    done = subprocess.run(leashed([SOURCE / "scripts/php", EXAMPLE / "publish.php", *words]), env=environment(broker),
                          capture_output=True, text=True, timeout=PATIENCE)
    return done.returncode, done.stdout + done.stderr


class Listener:
    def __init__(self, broker, path, *words):
        self.path = path
        with open(path, "wb") as output:
            self.process = subprocess.Popen(leashed([SOURCE / "scripts/php", "-d", "display_errors=1", EXAMPLE / "listen.php", *words]),
                                            env=environment(broker), stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def shows(self, text):
        until(lambda: text in self.path.read_text(), what=f"{text!r} in {self.path}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.path.read_text()


@pytest.fixture
def listen(tmp_path):
    listeners = []

    def starter(broker, *words):
        listeners.append(Listener(broker, tmp_path / f"listener-{len(listeners)}", *words))
        listeners[-1].shows("listening\n")
        return listeners[-1]

    yield starter
    for listener in listeners:
        listener.process.kill()
        listener.process.wait()


def test_a_terminal_and_a_worker(broker, listen):
    listener, rooms = listen(broker), listen(broker, "room:*")
    assert publish(broker, "room:lobby", "hello", "notice") == (0, "")
    assert publish(broker, "prices") == (0, "")
    listener.shows("room:lobby notice hello\nprices - (look again)\n")
    broker.kill()
    listener.shows("next attempt in")
    code, text = publish(broker, "room:lobby", "nobody hears it")
    assert code == 1 and f"{broker.display} 127.0.0.1:{broker.port}: " in text, text
    broker.start()
    for one in (listener, rooms):
        one.shows("messages may be missing here")
    assert publish(broker, "room:lobby", "again") == (0, "")
    for one in (listener, rooms):
        one.shows("room:lobby - again\n")
        one.stop()
        assert one.path.read_text().endswith("done\n")
    assert "prices" not in rooms.path.read_text()


def test_a_wrong_password_is_one_line(serve):
    broker = serve("redis", password="s3cret")
    broker.password = "guess"
    code, text = publish(broker, "a")
    assert code == 1 and "refused user or password" in text and "guess" not in text, text
    assert publish(broker)[0] == 64


@pytest.fixture
def fpm(request):
    server = Fpm("")
    try:
        yield server.start()
    finally:
        if getattr(request.node, "failed", True):
            print(server.log())
        server.stop()


def test_a_request_of_php_fpm(fpm, serve, listen):
    """Each request has a link of its own: the same worker serves, the connections are gone afterwards."""
    broker = serve("redis", password="s3cret")
    shutil.copy(EXAMPLE / "broker.php", fpm.folder)
    text = (EXAMPLE / "page.php").read_text()
    assert "timeout: 1)" in text
    (fpm.folder / "page.php").write_text(text.replace("timeout: 1)", "timeout: 5)"))  # for a busy machine
    page = fpm.folder / "with_environment.php"
    page.write_text(f"<?php putenv('VIADUCT_BROKER={broker.url()}'); require __DIR__ . '/page.php';")
    listener = listen(broker, "orders")
    for order in range(1, 21):
        assert json.loads(Request(fpm.socket("a"), page, {"order": order}).answer()) == {"order": order, "told": True}
        listener.shows(f'orders order {{"id":{order},"status":"paid"}}\n')
    until(lambda: connections(broker) == 3, what="only the listener's two connections and ours are left")
    broker.kill()
    assert json.loads(Request(fpm.socket("a"), page, {"order": 21}).answer()) == {"order": 21, "told": False}
    fpm.says("orders: RedisBroker 127.0.0.1")  # the master writes what its worker logged
    assert "s3cret" not in fpm.log()


def connections(broker):
    with broker.raw() as raw:
        raw.command("AUTH", "s3cret")
        raw.reply()
        raw.command("CLIENT", "LIST")
        return raw.reply().count(b"\n")
