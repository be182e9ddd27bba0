# SPDX-License-Identifier: Apache-2.0
"""Clients that others have written: curl, h2load (nghttp2), wrk, Python's http.client."""
import http.client
import re
import subprocess
import threading

import pytest

from support.leash import leashed

BODY = bytes(range(256)) * 2000  # 512,000 bytes


def run(*words, stdin=None):
    done = subprocess.run(leashed(words), input=stdin, capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def url(server, path):
    return f"http://{server.address[0]}:{server.address[1]}{path}"


# ---- curl ----------------------------------------------------------------------------------------

def test_curl_reads_writes_and_keeps_its_connection(start, tmp_path):
    server = start()
    big = tmp_path / "body"
    big.write_bytes(BODY)
    curl = ("curl", "-sS", "--fail", "--max-time", 100)
    assert run(*curl, url(server, "/hello")) == b"Hello, world!\n"
    assert b"Content-Length: 14\r\n" in run(*curl, "-I", url(server, "/hello"))
    assert run(*curl, "--http1.0", url(server, "/hello")) == b"Hello, world!\n"
    # curl asks for 100 Continue before a body over a megabyte, or when told
    verbose = subprocess.run(leashed([*curl, "-v", "-H", "Expect: 100-continue", "--data-binary", f"@{big}", url(server, "/echo")]),
                             capture_output=True, timeout=200, check=True)
    assert verbose.stdout == BODY and b"< HTTP/1.1 100 Continue" in verbose.stderr
    assert run(*curl, "-H", "Transfer-Encoding: chunked", "--data-binary", f"@{big}", url(server, "/echo")) == BODY
    assert run(*curl, "-T", "-", "-X", "POST", url(server, "/echo"), stdin=BODY) == BODY
    assert len(run(*curl, url(server, "/big?bytes=5000000"))) == 5_000_000
    kept = run(*curl, "-w", "%{num_connects}\n", "-o", "/dev/null", url(server, "/hello"), "-o", "/dev/null", url(server, "/hello"))
    assert kept == b"1\n0\n"
    assert run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", f"X: {'y' * 40000}", url(server, "/hello")) == b"431"
    assert run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", "TRACE", url(server, "/hello")) == b"501"


def test_curl_follows_a_stream(start):
    server = start()
    curl = subprocess.Popen(leashed(["curl", "-sSN", "--max-time", "100", url(server, "/events?scope=a")]), stdout=subprocess.PIPE)
    try:
        assert curl.stdout.readline().startswith(b"retry: ")
        server.publish("a", "from curl's view")
        lines = iter(curl.stdout.readline, b"")
        assert next(line for line in lines if line.startswith(b"data: ")) == b"data: from curl's view\n"
    finally:
        curl.kill()
        curl.wait()
        curl.stdout.close()


# ---- load generators -----------------------------------------------------------------------------

@pytest.mark.parametrize("pipeline", [1, 8], ids=["one at a time", "pipelined"])
def test_h2load_gets_every_answer(start, pipeline):
    """h2load parses each response itself and counts what did not come, or came wrong."""
    server = start()
    said = run("h2load", "--h1", "-n", 20000, "-c", 40, "-m", pipeline, "-t", 1, url(server, "/hello")).decode()
    assert "20000 total, 20000 started, 20000 done, 20000 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert "20000 2xx, 0 3xx, 0 4xx, 0 5xx" in said, said


def test_h2load_posts_bodies(start, tmp_path):
    server = start()
    body = tmp_path / "body"
    body.write_bytes(BODY[:5000])
    said = run("h2load", "--h1", "-n", 3000, "-c", 20, "-t", 1, "-d", body, url(server, "/echo")).decode()
    assert "3000 succeeded, 0 failed" in said and "3000 2xx" in said, said


def test_wrk_sees_no_error(start, tmp_path):
    server = start()
    script = tmp_path / "count.lua"
    script.write_text('done = function(s, l, r)\n'
                      '  io.write(string.format("errors %d %d %d %d %d\\n", s.errors.connect, s.errors.read, s.errors.write,'
                      ' s.errors.status, s.errors.timeout))\nend\n')
    said = run("wrk", "-t1", "-c50", "-d2s", "--timeout", "60s", "-s", script, url(server, "/hello")).decode()
    assert "errors 0 0 0 0 0\n" in said, said
    assert int(re.search(r"(\d+) requests in", said)[1]) > 100, said


def test_load_generators_live_with_a_limit_of_requests(start):
    """Connection: close in the middle of a run: whoever honours it loses nothing."""
    server = start(max_connection_requests=100)
    said = run("h2load", "--h1", "-n", 5000, "-c", 10, "-t", 1, url(server, "/hello")).decode()
    assert "5000 succeeded, 0 failed" in said, said


# ---- http.client ---------------------------------------------------------------------------------

def test_http_client_in_every_form(start):
    server = start()
    one = http.client.HTTPConnection(*server.address, timeout=60)
    for _ in range(20):
        one.request("GET", "/hello")
        answer = one.getresponse()
        assert (answer.status, answer.version, answer.read()) == (200, 11, b"Hello, world!\n")
    one.request("POST", "/echo", body=BODY)
    assert one.getresponse().read() == BODY
    pieces = [BODY[at:at + 7001] for at in range(0, len(BODY), 7001)]
    one.request("POST", "/echo", body=iter(pieces), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert one.getresponse().read() == BODY
    one.request("HEAD", "/hello")
    answer = one.getresponse()
    assert answer.getheader("Content-Length") == "14" and answer.read() == b""
    one.request("GET", "/big?bytes=3000000")  # chunked
    answer = one.getresponse()
    assert answer.getheader("Transfer-Encoding") == "chunked" and len(answer.read()) == 3_000_000
    one.request("GET", "/nothing-here")
    assert one.getresponse().status == 404
    one.close()


def test_http_client_reads_a_refusal(start):
    server = start(max_body_bytes=1000)
    one = http.client.HTTPConnection(*server.address, timeout=60)
    one.request("POST", "/echo", body=b"x" * 1001)
    answer = one.getresponse()
    assert (answer.status, answer.reason, answer.getheader("Connection")) == (413, "Content Too Large", "close")
    assert answer.will_close
    one.close()


def test_twenty_http_clients_at_once(start):
    server = start(workers=2)
    wrong = []

    def work(number):
        one = http.client.HTTPConnection(*server.address, timeout=60)
        for n in range(50):
            body = f"{number}:{n}".encode() * (n + 1)
            one.request("POST", "/echo", body=body)
            if one.getresponse().read() != body:
                wrong.append((number, n))
        one.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(200)
    assert not wrong and not any(thread.is_alive() for thread in threads)
