# SPDX-License-Identifier: Apache-2.0
"""Static files: what curl and a raw socket get, and what nobody gets."""
import email.utils
import gzip
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest

from support.http import Closed
from support.leash import leashed
from support.measure import in_time, measured, unanswered
from support.wait import PATIENCE, until

SECRET = b"root:the secret that lies outside:0:0\n"
BIG = random.Random(1).randbytes(3_000_000)
CSS = b"body { color: black }\n" * 2000


@pytest.fixture
def site(tmp_path):
    """tmp/site is served, tmp/secret is not."""
    root = tmp_path / "site"
    (root / "docs").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / ".git").mkdir()
    (root / ".well-known").mkdir()
    (tmp_path / "secret").write_bytes(SECRET)
    for name, content in {"page.html": b"<p>page</p>\n", "docs/index.html": b"<p>docs</p>\n", "big.bin": BIG,
                          "app.css": CSS, "nothing.txt": b"", "with space.txt": b"space\n", "é.txt": b"accent\n",
                          ".env": SECRET, ".git/config": SECRET, ".well-known/security.txt": b"Contact: x\n",
                          "hello": b"the file called hello\n"}.items():
        (root / name).write_bytes(content)
    (root / "app.css.gz").write_bytes(gzip.compress(CSS))
    (root / "app.css.br").write_bytes(b"not really brotli")
    return root


@pytest.fixture
def serve(start, site):
    return lambda **options: start(static_dir=site, **options)


def curl(server, path, *options):
    host, port = server.address
    done = subprocess.run(leashed(["curl", "-s", "--path-as-is", "--max-time", "60", *options, f"http://{host}:{port}{path}"]),
                          stdout=subprocess.PIPE, check=False)
    return done.stdout


def curl_code(server, path, *options):
    return int(curl(server, path, "-o", "/dev/null", "-w", "%{http_code}", *options))


# ---- what is served ----------------------------------------------------------------------------------


def test_files_and_routes_live_side_by_side(serve):
    server = serve()
    assert curl(server, "/page.html") == b"<p>page</p>\n"
    assert curl(server, "/hello") == b"the file called hello\n"
    assert int(curl(server, "/pid")) in server.workers().values()
    assert curl_code(server, "/nowhere.html") == 404
    assert curl(server, "/echo", "-d", "posted") == b"posted"
    assert curl_code(server, "/page.html", "-d", "posted") == 404  # as the routes say
    assert curl(server, "/with%20space.txt") == b"space\n"
    assert curl(server, "/%C3%A9.txt") == b"accent\n"
    assert curl(server, "/.well-known/security.txt") == b"Contact: x\n"
    assert curl(server, "/nothing.txt", "-w", "%{http_code}") == b"200"
    assert curl(server, "/page.html?v=3") == b"<p>page</p>\n"


@measured
def test_files_are_served_while_every_worker_is_busy(serve):
    server = serve(workers=1)
    with server.connect() as busy:
        busy.send(b"GET /sleep?ms=1500 HTTP/1.1\r\nHost: test\r\n\r\n")
        assert curl(server, "/page.html") == b"<p>page</p>\n"
        unanswered(busy, "a file beside a busy worker")
        assert busy.answer().status == 200


def test_headers_of_a_file(serve, site):
    with serve().connect() as connection:
        answer = connection.get("/page.html")
        status = os.stat(site / "page.html")
        assert answer.status == 200
        assert answer.header("Content-Type") == "text/html; charset=utf-8"
        assert answer.header("Content-Length") == "12"
        assert answer.header("Accept-Ranges") == "bytes"
        assert answer.header("Cache-Control") == "no-cache"
        assert answer.header("ETag") == f'"{status.st_ino:x}-{status.st_size:x}-{status.st_mtime_ns:x}"'
        assert email.utils.parsedate_to_datetime(answer.header("Last-Modified")).timestamp() == int(status.st_mtime)
        head = connection.request("HEAD", "/page.html")
        own = ("Date", "X-Request-Id")
        assert [h for h in head.headers if h[0] not in own] == [h for h in answer.headers if h[0] not in own]
        assert connection.get("/big.bin").body == BIG
        assert connection.request("HEAD", "/big.bin").header("Content-Length") == str(len(BIG))
        assert connection.get("/big.bin").header("Content-Type") == "application/octet-stream"


def test_a_date_in_the_future_is_not_announced(serve, site):
    os.utime(site / "page.html", (4_000_000_000, 4_000_000_000))
    with serve().connect() as connection:
        answer = connection.get("/page.html")
        announced = email.utils.parsedate_to_datetime(answer.header("Last-Modified"))
        assert announced <= email.utils.parsedate_to_datetime(answer.header("Date"))


def test_a_prefix_and_an_age(serve):
    server = serve(static_prefix="/assets/", static_max_age_s=3600)
    assert curl(server, "/assets/page.html") == b"<p>page</p>\n"
    assert b"Cache-Control: max-age=3600\r\n" in curl(server, "/assets/page.html", "-I")
    assert curl(server, "/hello") == b"Hello, world!\n"
    assert curl_code(server, "/page.html") == 404
    assert curl_code(server, "/assetspage.html") == 404
    assert curl_code(server, "/assets") == 404  # it has no index.html


def test_a_directory_is_its_index(serve):
    server = serve()
    assert curl(server, "/docs/") == b"<p>docs</p>\n"
    with server.connect() as connection:
        answer = connection.get("/docs")
        assert (answer.status, answer.header("Location"), answer.body) == (308, "/docs/", b"")
        assert connection.get("/docs?a=b/c").header("Location") == "/docs/?a=b/c"
        assert connection.get("/%64ocs").header("Location") == "/%64ocs/"
        assert connection.request("HEAD", "/docs").status == 308
        for path in ("/empty", "/empty/", "/", "/page.html/", "//docs", "/docs//"):
            assert connection.get(path).status == 404, path
    assert curl(server, "/docs", "-L") == b"<p>docs</p>\n"


# ---- conditions --------------------------------------------------------------------------------------


def test_curl_asks_whether_it_is_newer(serve, site):
    os.utime(site / "page.html", (1_600_000_000, 1_600_000_000))
    server = serve()
    assert curl_code(server, "/page.html", "-z", "Sun, 13 Sep 2020 12:26:40 GMT") == 304
    assert curl_code(server, "/page.html", "-z", site / "page.html") == 304
    assert curl_code(server, "/page.html", "-z", "2020-01-01") == 200
    assert curl_code(server, "/page.html", "-z", "-Wed, 01 Jan 2020 00:00:00 GMT") == 412
    assert curl_code(server, "/page.html", "-z", "-Fri, 01 Jan 2021 00:00:00 GMT") == 200


def test_curl_keeps_an_etag(serve, site, tmp_path):
    server = serve()
    tag = tmp_path / "tag"
    assert curl_code(server, "/page.html", "--etag-save", tag) == 200
    assert curl_code(server, "/page.html", "--etag-compare", tag) == 304
    (site / "page.html").write_bytes(b"<p>new </p>\n")
    assert curl_code(server, "/page.html", "--etag-compare", tag) == 200


def test_conditions_over_the_wire(serve):
    with serve().connect() as connection:
        first = connection.get("/page.html")
        tag, date = first.header("ETag"), first.header("Last-Modified")
        for headers, status in (([("If-None-Match", tag)], 304), ([("If-None-Match", "W/" + tag)], 304),
                                ([("If-None-Match", '"x"'), ("If-Modified-Since", date)], 200),
                                ([("If-Modified-Since", date)], 304), ([("If-Match", '"x"')], 412),
                                ([("If-Match", tag), ("If-None-Match", tag)], 304),
                                ([("If-Match", '"x"'), ("If-None-Match", tag)], 412)):
            for method in ("GET", "HEAD"):
                answer = connection.request(method, "/page.html", headers=headers)
                assert answer.status == status, (method, headers)
                if status == 304:
                    assert answer.header("ETag") == tag and answer.header("Cache-Control") == "no-cache"
                    assert answer.header("Content-Length") is None
        assert connection.get("/hello").status == 200  # the framing held


# ---- ranges ------------------------------------------------------------------------------------------


def test_curl_gets_parts(serve):
    server = serve()
    for spec, part in (("0-0", BIG[:1]), ("100-199", BIG[100:200]), ("2999999-", BIG[-1:]), ("-500", BIG[-500:]),
                       ("1000000-", BIG[1_000_000:]), ("5-99999999999999999999", BIG[5:])):
        assert curl(server, "/big.bin", "-r", spec) == part, spec
        assert curl_code(server, "/big.bin", "-r", spec) == 206
    assert curl_code(server, "/big.bin", "-r", "3000000-") == 416
    assert b"Content-Range: bytes */3000000\r\n" in curl(server, "/big.bin", "-r", "3000000-", "-i")
    assert curl_code(server, "/nothing.txt", "-r", "0-") == 416


def test_curl_resumes(serve, tmp_path):
    server = serve()
    part = tmp_path / "part"
    part.write_bytes(BIG[:1_234_567])
    curl(server, "/big.bin", "-C", "-", "-o", part)
    assert part.read_bytes() == BIG


def test_many_parts_are_a_multipart_body(serve):
    server = serve()
    spans = [(0, 9), (1_500_000, 2_900_000), (100, 299_999)]
    wire = curl(server, "/big.bin", "-i", "-r", ",".join(f"{a}-{b}" for a, b in spans))
    head, body = wire.split(b"\r\n\r\n", 1)
    assert head.startswith(b"HTTP/1.1 206 ")
    message = email.message_from_bytes(head.split(b"\r\n", 1)[1] + b"\r\n\r\n")
    assert int(message["Content-Length"]) == len(body)
    assert message.get_content_type() == "multipart/byteranges"
    mark = b"\r\n--" + message.get_boundary().encode()
    assert body.startswith(mark) and body.endswith(mark + b"--\r\n")
    for (first, last), part in zip(spans, body[:-len(mark) - 4].split(mark)[1:], strict=True):
        headers, content = part[2:].split(b"\r\n\r\n", 1)
        fields = email.message_from_bytes(headers)
        assert fields["Content-Range"] == f"bytes {first}-{last}/{len(BIG)}"
        assert fields["Content-Type"] == "application/octet-stream"
        assert content == BIG[first:last + 1]


def test_abusive_sets_are_answered_whole(serve):
    with serve().connect() as connection:
        for value in ("bytes=" + ",".join(f"{n}-{n}" for n in range(0, 100, 2)), "bytes=0-,0-,0-,0-", "bytes=0-10,5-",
                      "bytes=5-1", "bytes=x", "lines=1-2", "bytes=0-0,1-x"):
            answer = connection.request("GET", "/app.css", headers=[("Range", value)])
            assert (answer.status, answer.body) == (200, CSS), value
        twice = connection.request("GET", "/app.css", headers=[("Range", "bytes=0-1"), ("Range", "bytes=2-3")])
        assert twice.status == 200
        assert connection.request("HEAD", "/app.css", headers=[("Range", "bytes=0-1")]).status == 200


def test_if_range(serve, site):
    os.utime(site / "page.html", (1_600_000_000, 1_600_000_000))
    with serve().connect() as connection:
        tag = connection.get("/page.html").header("ETag")
        for value, status in ((tag, 206), ("W/" + tag, 200), ('"x"', 200), ("Sun, 13 Sep 2020 12:26:40 GMT", 206),
                              ("Sun, 13 Sep 2020 12:26:41 GMT", 200)):
            headers = [("Range", "bytes=0-1"), ("If-Range", value)]
            assert connection.request("GET", "/page.html", headers=headers).status == status, value
        headers = [("Range", "bytes=99-"), ("If-Range", '"x"')]
        assert connection.request("GET", "/page.html", headers=headers).status == 200


# ---- codings -----------------------------------------------------------------------------------------


def test_precompressed_siblings(serve, site):
    server = serve()
    assert curl(server, "/app.css") == CSS
    assert curl(server, "/app.css", "--compressed", "-H", "Accept-Encoding: gzip") == CSS
    with server.connect() as connection:
        tags = set()
        for accepted, coding in ((None, None), ("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0.1, gzip", "gzip"),
                                 ("*", "br"), ("br;q=0, *", "gzip"), ("identity, br;q=0.5", None), ("zstd", None),
                                 ("identity;q=0", None)):
            headers = [("Accept-Encoding", accepted)] if accepted else []
            answer = connection.request("GET", "/app.css", headers=headers)
            assert (answer.header("Content-Encoding"), answer.header("Vary")) == (coding, "Accept-Encoding"), accepted
            assert answer.header("Content-Type") == "text/css; charset=utf-8"
            assert len(answer.body) == int(answer.header("Content-Length"))
            tags.add(answer.header("ETag"))
        assert len(tags) == 3
        part = connection.request("GET", "/app.css", headers=[("Accept-Encoding", "gzip"), ("Range", "bytes=0-1")])
        assert (part.status, part.body, part.header("Content-Encoding")) == (206, b"\x1f\x8b", "gzip")
        assert connection.get("/app.css.gz").header("Content-Type") == "application/gzip"
        assert connection.get("/big.bin").header("Vary") is None
        os.utime(site / "app.css.br", (1_600_000_000, 1_600_000_000))  # older than the file: what it was before
        answer = connection.request("GET", "/app.css", headers=[("Accept-Encoding", "gzip, br")])
        assert answer.header("Content-Encoding") == "gzip"


# ---- what is not served ------------------------------------------------------------------------------

TRAVERSAL = [
    "/../secret", "/../../../../etc/passwd", "/docs/../../secret", "/./../secret", "/%2e%2e/secret", "/%2E%2E/secret",
    "/.%2e/secret", "/%2e./secret", "/%2e%2e%2fsecret", "/..%2fsecret", "/..%2Fsecret", "/docs/..%2f..%2fsecret",
    "/%2fetc/passwd", "//etc/passwd", "///etc/passwd", "/docs//../../secret", "/..;/secret", "/..\\secret",
    "/..%5csecret", "/%5c..%5csecret", "/%252e%252e/secret", "/%252e%252e%252fsecret", "/%c0%ae%c0%ae/secret",
    "/%c0%af../secret", "/%e0%80%ae%e0%80%ae/secret", "/%u002e%u002e/secret", "/..%00/secret", "/..%01/secret",
    "/docs/...//secret", "/....//secret", "/.../secret", "/docs/.", "/docs/..", "/.", "/..", "/.env", "/%2eenv",
    "/.git/config", "/%2egit/config", "/.git", "/docs/../.env", "/.well-known/../.env", "/.well-known/.x",
    "/docs/.well-known/x", "/out", "/out_abs", "/outdir/secret", "/winding", "/proc/self/environ", "/procfd/secret",
    "/file:///etc/passwd", "/page.html/../../secret", "/page.html%00.png", "/%00", "/~root/secret", "/C:/secret",
    "http://test/../secret", "http://test/%2e%2e/secret", "/docs/%2e%2e/%2e%2e/secret", "/.%00./secret",
]


def test_nothing_outside_is_ever_served(serve, site, tmp_path):
    (site / "out").symlink_to("../secret")
    (site / "out_abs").symlink_to(tmp_path / "secret")
    (site / "outdir").symlink_to("..")
    (site / "winding").symlink_to("docs/../../secret")
    (site / "procfd").symlink_to("/proc/self/cwd")
    server = serve()
    for path in TRAVERSAL:
        with server.connect() as connection:
            answer = connection.request("GET", path)
        assert answer.status in (400, 404), (path, answer)
        assert SECRET not in answer.body and b"root:" not in answer.body, (path, answer)
        raw = curl(server, path if path.startswith("/") else "/" + path, "-i")
        assert SECRET not in raw and b"root:" not in raw, path


def test_broken_encodings_are_refused(serve):
    with serve().connect() as connection:
        for path in ("/%", "/%2", "/page%", "/%zz", "/%0g.html", "/%00", "/page.html%00", "/docs/%"):
            assert connection.get(path).status == 400, path
        assert connection.get("/page.html").status == 200


def test_links_within_the_tree_are_followed(serve, site):
    (site / "link.html").symlink_to("docs/index.html")
    (site / "linked").symlink_to("docs")
    server = serve()
    assert curl(server, "/link.html") == b"<p>docs</p>\n"
    assert curl(server, "/linked/") == b"<p>docs</p>\n"


def test_only_files_are_read(serve, site):
    os.mkfifo(site / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        folder = os.open(site, os.O_RDONLY)
        listening.bind(f"/proc/self/fd/{folder}/socket")
        os.close(folder)
        server = serve()
        for path in ("/fifo", "/socket", "/fifo/x"):
            assert curl_code(server, path) == 404, path


def test_nobody_wins_a_race_of_links(serve, site, tmp_path):
    (site / "moving").mkdir()
    (site / "moving/secret").write_bytes(b"inside")
    (site / "aside").symlink_to("..")
    server, over = serve(), threading.Event()

    def swap():
        while not over.is_set():
            os.rename(site / "moving", site / "third")
            os.rename(site / "aside", site / "moving")
            os.rename(site / "moving", site / "aside")
            os.rename(site / "third", site / "moving")

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        with server.connect() as connection:
            bodies = {connection.get("/moving/secret").body for _ in range(3000)}
    finally:
        over.set()
        swapper.join()
    assert b"inside" in bodies and bodies <= {b"inside", b"not found\n"}, bodies


# ---- what changes meanwhile --------------------------------------------------------------------------


def test_a_deployment_moves_the_directory(start, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "version").write_text(name)
    current = tmp_path / "current"
    current.symlink_to("one")
    server = start(static_dir=current)
    assert curl(server, "/version") == b"one"
    (tmp_path / "next").symlink_to("two")
    os.rename(tmp_path / "next", current)
    until(lambda: curl(server, "/version") == b"two", what="the new release is served")
    current.unlink()
    until(lambda: curl_code(server, "/version") == 404, what="without a directory the routes answer")
    current.symlink_to("one")
    until(lambda: curl(server, "/version") == b"one", what="it is back")


def slow(server, path, window=4096):
    """A connection whose kernel takes little in advance."""
    connection = server.connect()
    connection.socket.close()
    connection.socket = socket.socket()
    connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.socket.settimeout(PATIENCE)
    connection.socket.connect(server.address)
    connection.send(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode())
    return connection


def descriptors(server, name):
    found = 0
    for fd in os.listdir(f"/proc/{server.gateway()}/fd"):
        try:
            found += os.readlink(f"/proc/{server.gateway()}/fd/{fd}").endswith(name)
        except FileNotFoundError:
            pass
    return found


def make_large(site):
    with open(site / "large.bin", "wb") as large:
        large.truncate(256 * 1024 * 1024)


def test_a_file_that_shrinks_cuts_the_connection(serve, site):
    make_large(site)
    server = serve()
    with slow(server, "/large.bin") as connection:
        connection._until(b"\r\n\r\n")
        os.truncate(site / "large.bin", 1000)
        with pytest.raises(Closed):
            connection._exactly(256 * 1024 * 1024)
    until(lambda: descriptors(server, "/large.bin") == 0, what="its descriptor is closed")
    assert curl(server, "/page.html") == b"<p>page</p>\n"


def test_a_client_that_leaves_gives_the_descriptor_back(serve, site):
    make_large(site)
    server = serve()
    connections = [slow(server, "/large.bin") for _ in range(20)]
    until(lambda: descriptors(server, "/large.bin") == 20, what="20 downloads are under way")
    for connection in connections:
        connection.close()
    until(lambda: descriptors(server, "/large.bin") == 0, what="all are given back")


def test_a_client_that_reads_nothing_is_cut_off(serve, site):
    make_large(site)
    server = serve(idle_timeout_ms=500)
    with slow(server, "/large.bin") as connection:
        connection._until(b"\r\n\r\n")
        until(lambda: descriptors(server, "/large.bin") == 0, what="it is cut off")
        with pytest.raises(Closed):
            connection._exactly(256 * 1024 * 1024)


@measured
def test_a_slow_client_that_reads_is_not_cut_off(serve, site):
    make_large(site)
    server = serve(idle_timeout_ms=2000)
    with slow(server, "/large.bin", 65536) as connection:
        got, pause, end = 0, threading.Event(), time.monotonic() + 5
        while time.monotonic() < end:
            since = time.monotonic()
            part = connection.socket.recv(16384)
            assert part, f"cut off after {got} bytes"
            got += len(part)
            pause.wait(0.03)
            in_time(time.monotonic() - since, 1.5, "a pause of this reader")
        assert descriptors(server, "/large.bin") == 1


def test_pipelined_files_come_in_order(serve):
    with serve().connect() as connection:
        paths = ["/big.bin", "/page.html", "/nothing.txt", "/big.bin", "/docs", "/app.css", "/pid", "/big.bin"]
        connection.send(b"".join(b"GET %s HTTP/1.1\r\nHost: test\r\n\r\n" % path.encode() for path in paths))
        answers = [connection.answer() for _ in paths]
        assert [len(answer.body) for answer in answers[:6]] == [len(BIG), 12, 0, len(BIG), 0, len(CSS)]
        assert answers[7].body == BIG


def test_a_half_closed_client_gets_the_whole_file(serve):
    with serve().connect() as connection:
        connection.send(b"GET /big.bin HTTP/1.1\r\nHost: test\r\n\r\n")
        connection.socket.shutdown(socket.SHUT_WR)
        assert connection.answer().body == BIG


def test_http_1_0_and_close(serve):
    server = serve()
    assert curl(server, "/big.bin", "-0") == BIG
    with server.connect() as connection:
        answer = connection.request("GET", "/big.bin", headers=[("Connection", "close")])
        assert answer.body == BIG and answer.header("Connection") == "close"
        with pytest.raises(Closed):
            connection.get("/hello")


def test_a_drain_lets_a_download_finish(serve):
    server = serve(drain_timeout_ms=60_000)
    with slow(server, "/big.bin") as connection:
        connection._until(b"\r\n\r\n")
        os.kill(server.process.pid, signal.SIGTERM)
        assert connection._exactly(len(BIG)) == BIG
    server.ended(0)


def test_a_directory_that_is_not_there_is_named(start):
    server = start(static_dir="/no/such/directory", wait=False)
    server.expect_exit = 1
    server.ended(1)
    assert "static_directory is /no/such/directory, allowed is a directory" in server.log()
