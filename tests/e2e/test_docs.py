# SPDX-License-Identifier: Apache-2.0
"""What the pages print holds: PHP is PHP, C is C, programs run and do what they are there for, commands have these options."""
import contextlib
import os
import re
import shlex
import subprocess

import pytest

from support.command import run
from support.server import BUILD, SOURCE

COMMANDS = ("pub", "sub", "doctor", "top")
PAGES = ["README.md", *(f"docs/{page.name}" for page in sorted((SOURCE / "docs").glob("*.md")))]


def blocks(page, language="php"):
    return re.findall(rf"```{language}\n(.*?)```", (SOURCE / page).read_text(), re.DOTALL)


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_php_is_php(page, tmp_path):
    for block in blocks(page):
        path = tmp_path / "block.php"
        path.write_text(block if block.startswith("<?php") else f"<?php\n{block}")
        done = subprocess.run(["php", "-n", "-l", path], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{block}"


C_AROUND = """
#include <string.h>
#include <viaduct/health.h>
#include <viaduct/viaduct.h>
#include "server.h"
extern int running;
extern struct vd_broker *broker, *one, *two;
extern struct vd_health_listener *listener;
extern struct vd_arena *arena;
extern struct vd_table *table;
extern const struct vd_server_hooks hooks;
extern const char *ip, *password;
extern void refuse(void);
extern vd_broker_error_fn on_error;
extern vd_broker_gap_fn on_gap;
"""


@pytest.mark.parametrize("page", ["docs/c-api.md", "docs/brokers.md"])
def test_c_is_c(page, tmp_path):
    """As far as the headers go: each fragment in a function of its own."""
    fragments = blocks(page, "c") or [block for block in re.findall(r"(?m)^((?: {4}[^\n]*\n)+)", (SOURCE / page).read_text())
                                      if re.search(r"^ {4}(?:const )?struct vd_", block)]
    assert len(fragments) >= 2
    (tmp_path / "fragments.c").write_text(C_AROUND + "".join(
        f"void fragment_{n}(void)\n{{\nstruct vd_error error;\nint64_t requests;\n{code}}}\n" for n, code in enumerate(fragments)))
    done = subprocess.run(["cc", "-std=gnu17", "-fsyntax-only", "-Wall", "-Werror", "-Wno-unused", "-I", SOURCE / "core/include",
                           "-I", SOURCE / "server", tmp_path / "fragments.c"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def program(start, artifacts):
    """program("docs/php.md") -> a server of the one block there that is a whole program, on a port of its own."""
    def starter(page):
        [code] = [block for block in blocks(page) if "->run();" in block]
        code, count = re.subn(r"(\(new (?:Viaduct\\)?Config\(\)\))", r"\1->withPort(0)", code)
        assert count == 1, code
        path = artifacts / f"{page.replace('/', '-')}.php"
        path.write_text(f"<?php\n{code}")
        return start(str(path))
    return starter


def test_the_program_of_handlers_in_php(program, streams):
    server = program("docs/php.md")
    assert server.get("/hello/Ad%C3%A4%3C").text == "<h1>Hello Adä&lt;</h1>"
    some = streams(server)
    [stream] = some.open("/events/lobby")
    assert server.post("/say/lobby", text="hi").status == 204
    some.pump(lambda: stream.data() == ['{"text":"hi"}'], what="the line comes")


def test_the_program_of_shared_state(program):
    server = program("docs/shared-state.md")
    server.post("/join/lobby")
    assert server.post("/join/lobby").json() == {"people": 2, "topic": ""}
    assert len(server.workers()) == 4


def test_the_tables_of_php_fpm(tmp_path):
    """Each process with the setting has them, php on the command line, too."""
    tables = tmp_path / "tables.ini"
    [block] = re.findall(r"(?m)^    \[table rate\]\n(?:(?:    [^\n]*)?\n)+", (SOURCE / "docs/php-fpm.md").read_text())
    tables.write_text(re.sub(r"(?m)^    ", "", block))
    [code] = blocks("docs/php-fpm.md")
    done = subprocess.run([SOURCE / "scripts/php", "-d", f"viaduct.tables={tables}", "-r", "$_SERVER['REMOTE_ADDR'] = '192.0.2.1';" + code
                           + "echo Store::get('rate', '192.0.2.1', 'count'), (new Counter(0, 'visits'))->get();"],
                          env={**os.environ, "VIADUCT_BUILD": str(BUILD)}, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("11", ""), done


def typed(line):
    """The commands of a line for a shell, each as its words."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    words = []
    for word in lexer:
        if set(word) <= set("|&;<>"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def commands():
    """(page, words) of each `viaduct pub ...` and so on that somebody may copy from a page, the manual page or a help."""
    texts = {page: (SOURCE / page).read_text() for page in PAGES}
    manual = (BUILD / "cli/viaduct.1").read_text().replace(r"\(aq", "'").replace("\\-", "-")
    texts["viaduct.1"] = re.search(r"^\.SH EXAMPLES\n\.nf\n(.*?)^\.fi", manual, re.M | re.DOTALL)[1]
    for name in COMMANDS:
        texts[f"viaduct {name} --help"] = run(name, "--help").stdout.decode().split("\nOptions:")[0]
    for page, text in texts.items():
        for line in re.findall(r"`(viaduct [^`]+)`|((?:.* )?\bviaduct (?:pub|sub|doctor|top) .*)$", text, re.M):
            with contextlib.suppress(ValueError):  # prose, with an apostrophe
                for words in typed("".join(line)):
                    if "viaduct" in words[:-1] and words[words.index("viaduct") + 1] in COMMANDS:
                        yield page, words[words.index("viaduct") + 1:]


def test_commands_have_these_options():
    """With --help behind them they are read to the end, and do nothing."""
    seen = list(commands())
    for page, (name, *words) in seen:
        done = run(name, "--help", *words, code=(0, 2))
        assert done.returncode == 0, f"{page}: viaduct {name} {words}: {done.stderr.decode()}"
    assert sum(len(words) > 1 for _, words in seen) >= 15, seen
