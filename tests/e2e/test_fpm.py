# SPDX-License-Identifier: Apache-2.0
"""Tables and counters under php-fpm: declared in a file, shared by all pools, kept over a reload."""
import os
import signal
import subprocess

import pytest

from support.fpm import Fpm
from support.wait import PATIENCE, until

VISITS = "[table visits]\nrows = 100\ncolumns[count] = INT 4\ncolumns[note] = STRING 40\n"
STATE = "[global state]\nrows = 10\nbytes = 1000\n"
DECLARED = f"{VISITS}\n[counters]\nhits = 10\n"


@pytest.fixture
def fpm(request):
    """parametrize("fpm", [{...}], indirect=True): daemonize=True; preload=code."""
    options = getattr(request, "param", {})
    server = Fpm(DECLARED, options.get("preload"))
    try:
        yield server.start(options.get("daemonize"))
    finally:
        if getattr(request.node, "failed", True):
            print(server.log())
        server.stop()


def test_two_pools_share_them(fpm):
    a, b = fpm.ask("a", "who"), fpm.ask("b", "who")
    assert a["pid"] != b["pid"]
    assert os.geteuid() != 0 or a["uid"] != b["uid"]
    assert [fpm.ask(pool, "hit", key="x") for pool in "abab"] == [[1, 11], [2, 12], [3, 13], [4, 14]]
    assert fpm.ask("b", "get", key="x") == {"count": 4, "note": ""}
    assert fpm.ask("a", "counter", name="hits") == 14
    assert fpm.ask("a", "names") == ["visits"]


def test_make_finds_what_is_declared(fpm):
    """A script that makes its tables runs under php-fpm, too, where they are declared."""
    assert fpm.ask("a", "make", rows=100) is None
    error, text = fpm.ask("a", "make", rows=101)
    assert error == "Viaduct\\Exception\\SchemaException" and "is there already, declared as" in text
    error, _ = fpm.ask("a", "set", table="other", key="x", count=1)
    assert error == "Viaduct\\Exception\\UnknownTableException"


def test_global_state(fpm):
    """It is where it is declared, keeps its values over a reload, and its size."""
    error, _ = fpm.ask("a", "put", key="x", json="1")
    assert error == "Viaduct\\Exception\\NotSharedException"
    fpm.declare(DECLARED + STATE)
    fpm.reload()
    fpm.ask("a", "put", key="colours", json='["red", {"and": 1.5}]')
    by = fpm.ask("a", "remember", key="costly")["by"]
    for text, warns in (DECLARED + STATE, False), (DECLARED + STATE.replace("1000", "2000"), True), ("rows = 5\n", True):
        fpm.declare(text)
        fpm.reload()
        assert fpm.ask("b", "state", key="colours") == ["red", {"and": 1.5}]
        assert fpm.ask("b", "remember", key="costly")["by"] == by
        error, _ = fpm.ask("b", "put", key="x", json='"' + 1001 * "x" + '"')
        assert error == "Viaduct\\Exception\\ValueTooLongException"
        if warns:
            fpm.says("viaduct.tables")
        else:  # whatever a master says of it, it says before it has workers
            assert "viaduct.tables" not in fpm.log()
    fpm.says('table "global state" is declared in another way')
    assert fpm.ask("a", "names") == ["visits"]


def test_killed_workers_lose_nothing(fpm):
    """30 times kill -9 of a worker that writes all the time, seen from the other pool, of another user."""
    for killed in range(30):
        done = fpm.ask("b", "counter", name="done")
        request = fpm.request("a", "work")
        until(lambda: fpm.ask("b", "counter", name="done") > done + 50, what="the worker works", every=0.001)
        os.kill(fpm.ask("b", "counter", name="worker"), signal.SIGKILL)
        assert request.answer() == b""
        done = fpm.ask("b", "counter", name="done")
        assert 0 <= fpm.ask("b", "get", key="worked")["count"] - done <= killed + 1
        assert fpm.ask("b", "hit", key="x") == [killed + 1, 11 + killed]
        assert fpm.ask("b", "set", key="more", count=1) is None
    assert fpm.ask("b", "count", table="visits") == 3  # x, worked, more


def test_reload_keeps_everything(fpm):
    for _ in range(5):
        fpm.ask("a", "hit", key="x")
    for reload in range(3):
        master = fpm.process.pid
        fpm.reload()
        assert fpm.process.pid == master and fpm.process.poll() is None
        assert fpm.ask("b", "hit", key="x") == [6 + reload, 16 + reload]
        assert len(fpm.memories()) == 4  # a table and the counters, each once to use and once to hand on
    assert "viaduct.tables" not in fpm.log()


@pytest.mark.parametrize("fpm", [{"daemonize": True}], indirect=True)
def test_reload_in_the_background(fpm):
    """The master forks itself away after MINIT, also at each reload."""
    for reload in range(3):
        assert fpm.ask("a", "hit", key="x") == [1 + reload, 11 + reload]
        old = fpm.pids()
        master = fpm.process.pid
        fpm.process.send_signal(signal.SIGUSR2)
        until(lambda: fpm.process.pid != master and fpm.serves() and not fpm.pids() & old, what="another master serves")


@pytest.mark.parametrize("fpm", [{"preload": "<?php Viaduct\\Store::incr('visits', 'x', 'count', 100);"}], indirect=True)
def test_reload_after_preloading(fpm):
    """OPcache's preloading is a request in the master itself, which must not take it for a worker."""
    for reload in range(3):
        assert fpm.ask("a", "hit", key="x")[0] == 101 * (reload + 1)
        fpm.reload()


def test_reload_adds_and_removes(fpm):
    fpm.ask("a", "hit", key="x")
    fpm.declare(f"{DECLARED}\n[table later]\nrows = 5\nttl = 60\ncolumns[count] = INT\n")
    fpm.reload()
    assert fpm.ask("a", "set", table="later", key="x", count=7) is None
    assert fpm.ask("b", "count", table="later") == 1
    fpm.declare("[table later]\nrows = 5\nttl = 60\ncolumns[count] = INT\n")
    fpm.reload()
    assert fpm.ask("b", "count", table="later") == 1
    assert fpm.ask("a", "names") == ["later"]
    assert fpm.ask("a", "counter", name="hits") == 11  # counters stay: any script may have named some
    assert "viaduct.tables" not in fpm.log()


def test_reload_refuses_another_schema(fpm):
    fpm.ask("a", "hit", key="x")
    fpm.declare(DECLARED.replace("INT 4", "INT 8").replace("rows = 100", "rows = 200"))
    fpm.reload()
    fpm.says('table "visits" is declared in another way than before the reload; it stays as it was')
    assert fpm.ask("b", "hit", key="x") == [2, 12]
    error, _ = fpm.ask("b", "set", key="x", count=2 ** 31)
    assert error == "Viaduct\\Exception\\IntegerRangeException"


def test_reload_makes_anew_what_it_does_not_know(fpm):
    """Memory of another version of Viaduct, after an upgrade, or damaged: here by bytes over its schema."""
    fpm.ask("a", "hit", key="x")
    for name in fpm.memories():
        with open(f"/proc/{fpm.process.pid}/fd/{name}", "r+b", buffering=0) as memory:
            memory.seek(64 * 1024)  # behind the arena's header
            if memory.read(8) == b"20lbaTdV":
                memory.seek(64 * 1024 + 64)
                memory.write(b"\xff" * 256)
    fpm.reload()
    fpm.says('table "visits" cannot be taken over', "it begins anew")
    assert fpm.ask("b", "hit", key="x") == [1, 12]


@pytest.mark.parametrize("text, says", [
    (DECLARED + "[table]\n", "[table] is no section"),
    (DECLARED + "columns[x] = INT 4\n", '[counters] "columns[]"; only columns of a table are written so'),
    (VISITS + "row = 5\n", '[table visits] "row"; a table has rows, ttl and columns[NAME]'),
    (VISITS.replace("INT 4", "INT 3"), 'column "count" has type INT and 3 bytes; allowed are INT of 1, 2, 4 or 8'),
    (VISITS.replace("INT 4", "INTEGER"), "[table visits] columns[count] = INTEGER; allowed are INT"),
    (VISITS + VISITS, 'table "visits" is declared twice'),
    (VISITS + "ttl = soon\n", "ttl = soon; allowed are seconds"),
    ("[table visits]\ncolumns[count] = INT\n", "0 rows; allowed are 1 to"),
    ("rows = 5\n", '"rows" stands before the first section'),
    ("[table visits\nrows = 100\n", "not in the form of an INI file"),
    (STATE.replace("bytes = 1000\n", ""), "[global state] the global state needs rows and bytes"),
    (STATE.replace("10\n", "0\n"), "[global state] rows = 0; a number over 0 is meant"),
    (VISITS.replace("visits", "global state"), "the global state is declared in [global state]"),
    ("[counters]\nhits = many\n", "hits = many; a counter begins with a whole number"),
])
def test_reload_survives_a_slip_of_the_pen(fpm, text, says):
    fpm.ask("a", "hit", key="x")
    fpm.declare(text)
    fpm.reload()
    fpm.says(says, "all tables stay as they were before the reload")
    assert fpm.ask("b", "hit", key="x") == [2, 12]


def test_programs_inherit_nothing(fpm):
    listed, variable = fpm.ask("a", "inherited")
    assert "/proc/self/fd" in listed or "->" in listed
    assert "memfd" not in listed
    assert variable is False


def test_other_processes_share_nothing(fpm):
    """A command line program with the same settings has tables of its own."""
    fpm.ask("a", "hit", key="x")
    code = 'Viaduct\\Store::incr("visits", "x", "count", 50); echo Viaduct\\Store::get("visits", "x", "count");'
    ran = subprocess.run(["php", "-c", fpm.folder / "php.ini", "-r", code], env=fpm.environment(), timeout=PATIENCE,
                         capture_output=True, text=True, check=True)
    assert ran.stdout == "50"
    assert fpm.ask("a", "get", key="x")["count"] == 1
