# SPDX-License-Identifier: Apache-2.0
"""What the pages print holds: PHP is PHP, programs run and do what they are there for, commands have these options."""
import contextlib
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
        done = subprocess.run(["php", "-n", "-l", path], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{block}"


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
