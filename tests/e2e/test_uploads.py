# SPDX-License-Identifier: Apache-2.0
"""Bodies far larger than memory should be, through a PHP application: memory stays flat, every byte arrives.

VIADUCT_UPLOAD_MIB is their size, 512 by default."""
import http.client
import json
import os
import re
import shutil
import zlib
from pathlib import Path

import pytest

from support.wait import until

MIB = 1 << 20
SIZE_MIB = int(os.environ.get("VIADUCT_UPLOAD_MIB", "512"))
GROWTH_KIB = 32 * 1024
BOUNDARY = "a-boundary-of-the-test"


class Content:
    """@mib MiB of which no two are alike, and their checksum so far."""

    def __init__(self, mib):
        self.mib = mib
        self.crc32 = 0
        self.block = os.urandom(MIB)

    def __iter__(self):
        for n in range(self.mib):
            piece = n.to_bytes(8, "big") + self.block[8:]
            self.crc32 = zlib.crc32(piece, self.crc32)
            yield piece


class Resident:
    """How far the resident memory of gateway and worker has grown, from now on."""

    def __init__(self, server):
        self.pids = {"gateway": server.gateway(), **{f"worker {n}": pid for n, pid in server.workers().items()}}
        self.before = {name: self.kib(pid, "VmRSS") for name, pid in self.pids.items()}

    @staticmethod
    def kib(pid, field):
        return int(re.search(rf"{field}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])

    def check(self):
        grown = {name: self.kib(pid, "VmHWM") - self.before[name] for name, pid in self.pids.items()}
        print(f"{SIZE_MIB} MiB: resident {self.before} KiB before, at most {grown} KiB more")
        assert max(grown.values()) < GROWTH_KIB, grown


@pytest.fixture
def server(flat, start, tmp_path):
    # on the disk of the temporary files: the upload, once
    assert shutil.disk_usage(tmp_path).free > (SIZE_MIB + 1024) * MIB
    settings = [f"upload_tmp_dir={tmp_path}", "upload_max_filesize=4G", "post_max_size=4G", "memory_limit=64M"]
    return start("uploads", workers=1, php=[word for setting in settings for word in ("-d", setting)])


def exchange(server, method, target, body=None, headers=None):
    connection = http.client.HTTPConnection(*server.address, timeout=300)
    connection.request(method, target, body, headers or {})
    return connection, connection.getresponse()


def upload(server, content):
    head = (f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nlarge\r\n--{BOUNDARY}\r\n"
            'Content-Disposition: form-data; name="file"; filename="large.bin"\r\n\r\n').encode()
    tail = f"\r\n--{BOUNDARY}--\r\n".encode()

    def parts():
        yield head
        yield from content
        yield tail

    connection, answer = exchange(server, "POST", "/upload", parts(), {
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Content-Length": str(len(head) + content.mib * MIB + len(tail))})
    assert answer.status == 200
    found = json.load(answer)
    connection.close()
    return found


def test_an_upload_goes_to_its_file_through_flat_memory(server, tmp_path):
    upload(server, Content(16))
    resident = Resident(server)
    content = Content(SIZE_MIB)
    found = upload(server, content)
    temporary = found.pop("temporary")
    assert found == {"size": SIZE_MIB * MIB, "crc32": f"{content.crc32:08x}", "error": 0, "post": {"title": "large"}}
    resident.check()
    assert temporary.startswith(str(tmp_path))
    until(lambda: not list(tmp_path.iterdir()), what="the temporary file to be removed")


def stream(server, content):
    # no length is known beforehand: sent in chunks
    connection, answer = exchange(server, "POST", "/stream", iter(content))
    found = json.load(answer)
    connection.close()
    return found


def test_a_body_is_read_as_a_stream_through_flat_memory(server):
    stream(server, Content(16))
    resident = Resident(server)
    content = Content(SIZE_MIB)
    found = stream(server, content)
    assert found == {"size": SIZE_MIB * MIB, "crc32": f"{content.crc32:08x}"}
    resident.check()


def download(server, mib):
    connection, answer = exchange(server, "GET", f"/download/{mib}")
    assert answer.status == 200
    length, block = 0, b""
    while piece := answer.read(MIB):
        assert len(piece) == MIB and piece[:8] == (length // MIB).to_bytes(8, "big")
        assert not block or piece[8:] == block
        block = piece[8:]
        length += MIB
    connection.close()
    return length


def test_a_generator_is_sent_through_flat_memory(server):
    download(server, 16)
    resident = Resident(server)
    assert download(server, SIZE_MIB) == SIZE_MIB * MIB
    resident.check()
