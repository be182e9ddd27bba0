# SPDX-License-Identifier: Apache-2.0
"""viaduct doctor with servers that answer as none should: it ends, stays in its memory, and shows no secret."""
import contextlib
import json
import re
import socket
import threading

import pytest

from support.command import run

SECRET = "s3cret-of-ours"


@contextlib.contextmanager
def answering(handle, together=False):
    """The port of a server that has handle(connection) deal with each connection, one after the other or together."""
    others = []

    def deal_with(connection):
        connection.settimeout(60)
        with connection, contextlib.suppress(OSError):
            handle(connection)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                if together:
                    others.append(threading.Thread(target=deal_with, args=(connection,)))
                    others[-1].start()
                else:
                    deal_with(connection)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for one in (thread, *others):
                one.join()


def last_step(url, *words, **variables):
    said = run("doctor", "--json", "--timeout", "3", *words, broker=url, code=1, **variables)
    assert SECRET.encode() not in said.stdout + said.stderr
    return json.loads(said.stdout, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))["steps"][-1]


def each_request(connection, *answers):
    for answer in answers:
        connection.recv(65536)
        connection.sendall(answer)
    connection.recv(65536)


@pytest.mark.parametrize("echo", [b"-ERR unknown command `AUTH`, with args beginning with: `%s`, \r\n",
                                  b"-ERR unknown command 'AUTH', with args beginning with: '" + b"x" * 95 + b"%s'\r\n"])
def test_redis_repeats_the_password(echo):
    """As a server does where AUTH was renamed."""
    with answering(lambda connection: each_request(connection, echo % SECRET.encode())) as port:
        step = last_step(f"redis://127.0.0.1:{port}", VIADUCT_PASSWORD=SECRET)
        assert step["step"] == "login" and "ERR" in step["text"] and "s3c" not in step["text"], step


def test_a_text_of_redis_without_its_end():
    with answering(lambda connection: each_request(connection, b"+PONG\r\n", b"$15\r\nredis_version:7xx")) as port:
        assert "no answer of a Redis server" in last_step(f"redis://127.0.0.1:{port}")["text"]


@pytest.mark.parametrize("reply", [b"\0\r\n", b"$-2\r\n", b"*99999999\r\n", b"$99999999999999999999\r\n", b"*2\r\n*1\r\n+x\r\n", b"PONG\r\n"])
def test_no_answer_of_redis(reply):
    with answering(lambda connection: each_request(connection, reply)) as port:
        assert "no answer of a Redis server" in last_step(f"redis://127.0.0.1:{port}")["text"]


@pytest.mark.parametrize("seconds, where", [(-90, "behind"), (3600, "ahead of")])
def test_a_clock_that_is_wrong(serve, seconds, where):
    """A real server behind one that changes what it says of the time."""
    server = serve("redis")

    def pass_on(connection):
        with socket.create_connection(("127.0.0.1", server.port)) as there:
            def back():
                with contextlib.suppress(OSError):
                    while data := there.recv(65536):
                        connection.sendall(re.sub(rb"^(\*2\r\n\$10\r\n)(\d{10})", lambda found: found[1] + b"%d" % (int(found[2]) + seconds), data))
            thread = threading.Thread(target=back)
            thread.start()
            with contextlib.suppress(OSError):
                while data := connection.recv(65536):
                    there.sendall(data)
            with contextlib.suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)
            thread.join()
    with answering(pass_on, together=True) as port:
        said = run("doctor", "--json", broker=f"redis://127.0.0.1:{port}")
    [clock] = [step for step in json.loads(said.stdout)["steps"] if step["step"] == "clock"]
    said = re.fullmatch(rf"the server's clock is (\d+\.\d) s {where} ours", clock["text"])
    assert clock["state"] == "warning" and abs(float(said[1]) - abs(seconds)) < 10, clock
    assert "timedatectl" in clock["advice"]


def greet(info, *answers):
    def handle(connection):
        connection.sendall(b"INFO " + info + b"\r\n")
        each_request(connection, *answers)
    return handle


@pytest.mark.parametrize("how", [{"VIADUCT_TOKEN": SECRET}, {"VIADUCT_USERNAME": "u", "VIADUCT_PASSWORD": SECRET}])
def test_nats_repeats_the_password(how):
    echo = b"-ERR 'cannot read CONNECT {" + b"x" * 40 + SECRET.encode() + b"}'\r\nPONG\r\n"
    with answering(greet(b'{"max_payload":1048576}', echo)) as port:
        step = last_step(f"nats://127.0.0.1:{port}", **how)
        assert step["step"] == "login" and "-ERR" in step["text"] and "s3c" not in step["text"], step


def test_a_limit_that_is_no_number():
    with answering(greet(b'{"max_payload":1e999}', b"-ERR 'no'\r\nPONG\r\n")) as port:
        assert "no" in last_step(f"nats://127.0.0.1:{port}")["text"]


def test_a_server_that_never_stops_talking():
    def handle(connection):
        connection.sendall(b'INFO {"max_payload":1048576}\r\n')
        while True:
            connection.sendall(b"+OK\r\n" * 10000)
    with answering(handle) as port:
        assert last_step(f"nats://127.0.0.1:{port}")["step"] == "login"
