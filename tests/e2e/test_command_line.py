# SPDX-License-Identifier: Apache-2.0
"""The command line of viaduct: what is wrong in it is named, no secret is repeated, help and manual page are true."""
import re
import subprocess

import pytest

from support.command import COMMAND, environment, run
from support.server import BUILD, SOURCE
from support.wait import PATIENCE

COMMANDS = ("pub", "sub", "doctor", "top")


@pytest.mark.parametrize("words, expected", [
    (("pub",), "a SCOPE and at most one DATA"),
    (("pub", "a", "b", "c"), "a SCOPE and at most one DATA"),
    (("pub", "a b", "c"), "scope"),
    (("pub", "a", "b", "--event", "e" * 200), "event"),
    (("pub", "a", "b", "--event", ""), "--event: it is empty"),
    (("pub", "a", "b", "--stdin"), "comes from one place"),
    (("pub", "a", "b", "--lines"), "comes from one place"),
    (("pub", "a", "-", "--file", "/dev/null"), "comes from one place"),
    (("pub", "a", "--file", "/does/not/exist"), "/does/not/exist: No such file"),
    (("pub", "a", "b", "--nothing", "1"), '--nothing: no such option; "viaduct pub --help" lists what is allowed'),
    (("pub", "a", "b", "--tiemout", "1"), '--tiemout: no such option, perhaps --timeout; "viaduct pub --help"'),
    (("sub", "--c", "x"), '--c: no such option; "viaduct sub --help"'),
    (("sub", "--zert=x"), "--zert: no such option, perhaps --cert; "),
    (("pub", "degrees", "-5"), "-5: no such option (what begins with - and is none stands behind --)"),
    (("sub", "a b"), "pattern 1"),
    (("sub", "--count", "0"), "--count: a whole number from 1"),
    (("sub", "--count", "-1"), "--count: a whole number from 1"),
    (("sub", "--count"), "--count: a value must follow"),
    (("sub", "--json=yes"), "--json: it takes no value"),
    (("sub", "--timeout", "soon"), "--timeout: a number of seconds"),
    (("sub", "--timeout", "nan"), "--timeout: a number of seconds"),
    (("sub", "--timeout", "1e9"), "--timeout: a number of seconds"),
    (("sub", "-x"), "-x: no such option"),
    (("doctor", "redis"), "takes options only"),
    (("doctor", "--ca", "/does/not/exist"), "--ca"),
    (("sub", "--broker", "localhost:6379"), "allowed are redis://"),
    (("sub", "--broker", "pipe:"), "cannot be reached from outside"),
    (("sub", "--broker", "redis://127.0.0.1:0"), "--broker: the port must be from 1 to 65535"),
    (("sub", "--password-file", "/does/not/exist"), "--password-file: cannot open the file: No such file"),
    (("sub", "--password-file", "/dev/null"), "--password-file: the first line"),
    (("top", "--interval", "0"), "--interval: more than 0"),
    (("top", "redis"), "takes options only"),
    (("top", "--interval", "often"), "--interval: a number of seconds"),
    (("top", "--broker", "redis://x"), "--broker: no such option"),
    (("publish",), "publish: no such command, perhaps pub; there are pub, sub, doctor"),
    (("dcotor",), "dcotor: no such command, perhaps doctor; there are"),
    (("tops",), "perhaps top; "), (("sbu",), "sbu: no such command, perhaps sub; "), (("x",), "x: no such command; there are"),
    (("pub\x1b[2J",), "pub\\x1b[2J: no such command"),
])
def test_wrong_usage_is_named(words, expected):
    said = run(*words, broker="redis://127.0.0.1:1", code=2).stderr.decode()
    assert expected in said and said.startswith("viaduct: ") and said.count("\n") == 1, said


def test_no_broker_is_named():
    assert "--broker: no broker is named" in run("sub", code=2).stderr.decode()


@pytest.mark.parametrize("words, variables", [
    (("--password", "hunter2"), {}), (("--password=hunter2",), {}), (("--pass=hunter2",), {}), (("--token=hunter2",), {}),
    (("--pasword=hunter2",), {}), (("--password-file", "hunter2"), {}), (("--broker", "foo://u:hunter2@h"), {}),
    (("--broker", "redis://u:hunter2@h:port"), {}), (("--broker", "redis://u:hunter2@h/1"), {}),
    (("--broker", "redis://:hunter2/x@127.0.0.1:1", "--timeout", "0.1"), {}), ((), {"VIADUCT_BROKER": "http://:hunter2@h"}),
    (("--broker", "redis://:hunter2,x@h y:1"), {}), ((), {"VIADUCT_PASSWORD": "hunter2", "VIADUCT_PASSWORD_FILE": "/x"}),
    (("--timeout", "hunter2"), {}), (("--count", "hunter2"), {}), (("--channel", "hunter2", "-é"), {}),
])
def test_secrets_in_the_wrong_place_are_not_repeated(words, variables):
    said = run("sub", *words, code=2, **{"VIADUCT_BROKER": "redis://127.0.0.1:1", **variables})
    assert b"hunter2" not in said.stdout + said.stderr and said.stderr


def test_empty_variables_count_as_not_set():
    said = run("sub", "--timeout", "0.1", code=3, VIADUCT_BROKER="redis://127.0.0.1:1", VIADUCT_PASSWORD="", VIADUCT_CA="",
               VIADUCT_CHANNEL="").stderr.decode()
    assert "was not reached" in said, said


def test_too_much_data():
    said = run("pub", "a", "-", broker="redis://127.0.0.1:1", stdin=b"x" * (1 << 20) + b"y", code=2).stderr.decode()
    assert "1048577" in said and "1048576" in said, said
    said = run("pub", "a", "--lines", "--timeout", "0.5", broker="redis://127.0.0.1:1", stdin=b"short\n" + b"x" * (1 << 21), code=2).stderr.decode()
    assert "line 2: " in said, said


def test_help_and_version():
    version = run("version").stdout
    assert re.fullmatch(rb"viaduct \d+\.\d+\.\d+\n", version)
    assert run("--version").stdout == run("pub", "--version").stdout == version
    overview = run("help").stdout.decode()
    assert overview == run("--help").stdout.decode() == run(code=2).stdout.decode()
    for command in COMMANDS:
        assert f"  {command} " in overview
        said = run(command, "--help").stdout.decode()
        assert said == run("help", command).stdout.decode() == run(command, "-h", "x").stdout.decode()
        assert all(len(line) < 80 and line == line.rstrip() for line in (said + overview).splitlines()), said
    run("help", "nothing", code=2)


def options_of_help(command):
    said = run(command, "--help").stdout.decode()
    options = re.findall(r"^  (?:-(\w), |    )--([\w-]+)(?: [A-Z]+)?(?: |$)", said, re.M)
    assert options
    return {(letter, name) for letter, name in options}, set(re.findall(r"VIADUCT_\w+", said))


def test_the_manual_page_has_every_option_and_no_other():
    page = (BUILD / "cli/viaduct.1").read_text().replace("\\-", "-").replace("\\fI", "").replace("\\fR", "")
    documented = set(re.findall(r'^\.TP\n\.BR? (?:-(\w) ", " )?--([\w-]+)(?: .*)?$', page, re.M))
    in_help, variables = set(), set()
    for command in COMMANDS:
        options, names = options_of_help(command)
        in_help |= options
        variables |= names
    assert documented == in_help
    assert set(re.findall(r"VIADUCT_\w+", page)) == variables
    assert re.search(r"viaduct \d+\.\d+\.\d+", page)


@pytest.mark.parametrize("words, expected", [
    (["d"], ["doctor"]), ([""], ["pub", "sub", "doctor", "top", "help", "version"]), (["pub", "--e"], ["--event"]),
    (["top", "--"], ["--json", "--once", "--interval", "--help", "--version", "--socket"]), (["sub", "room"], []),
])
def test_completion_in_bash(words, expected):
    script = f'source {SOURCE}/cli/viaduct.bash; COMP_WORDS=({COMMAND} "$@"); COMP_CWORD=$#; _viaduct; printf "%s\\n" "${{COMPREPLY[@]}}"'
    said = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=PATIENCE, env=environment())
    assert (said.stdout.split(), said.stderr) == (expected, "")


def test_the_page_in_docs_names_every_variable():
    page = (SOURCE / "docs/cli.md").read_text()
    variables = set().union(*(options_of_help(command)[1] for command in COMMANDS))
    assert set(re.findall(r"VIADUCT_\w+", page)) == variables
