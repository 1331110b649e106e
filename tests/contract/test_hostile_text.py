"""User text cannot break the session: the exit code is right, and the next command runs."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client

ERROR = -1
"""Any exit code but 0: shells do not agree on it."""

ENDINGS = {
    "true": ("true", 0, ""),
    "false": ("false", 1, ""),
    "exit": ("echo a; exit 3; echo b", 3, "a\n"),
    "exit 255": ("exit 255", 255, ""),
    "exit in a function": ("f() { exit 4; }; f; echo b", 4, ""),
    "return outside of a function": ("return 5", ERROR, None),
    "set -e": ("set -e; echo a; false; echo b", 1, "a\n"),
    "set -u": ("set -u; echo $NOT_SET; echo b", ERROR, None),
    "exec of a program": ("exec sh -c 'echo replaced; exit 6'", 6, "replaced\n"),
    "exec of a redirection": ("exec >/dev/null; echo b", 0, ""),
    "closing the streams": ("exec 0<&- 1>&- 2>&-; exit 8", 8, ""),
    "closing high descriptors": ('for n in 3 4 5 6 7 8 9; do eval "exec $n>&-"; done; exit 9', 9, ""),
    "unclosed quote": ("echo 'a", ERROR, None),
    "unclosed brace": ("{ echo a", ERROR, None),
    "syntax error": ("if then fi ((", ERROR, None),
    "heredoc": ("cat <<END\na $((1+1))\nEND", 0, "a 2\n"),
    "unclosed heredoc": ("cat <<END\na", 0, None),
    "comment at the end": ("echo a # no newline after this", 0, "a\n"),
    "backslash at the end": ("echo a \\", 0, None),
    "empty": ("", 0, ""),
    "blank": (" \n\t\n", 0, ""),
    "lines": ("echo a\necho b\n\nfalse", 1, "a\nb\n"),
    "carriage returns in data": ("printf 'a\\r\\nb'", 0, "a\r\nb"),
    "other characters": ("echo 'é ☃ 𝄞'", 0, "é ☃ 𝄞\n"),
    "a dash": ("-n", 127, None),
    "no such command": ("no-such-command-here", 127, None),
    "not executable": ("touch plain; ./plain", 126, None),
    "exit trap": ("trap 'echo bye; exit 11' EXIT; exit 3", 11, "bye\n"),
    "error trap": ("trap 'echo caught' ERR; false; exit 12", 12, "caught\n"),
    "debug trap": ("trap 'echo -n .' DEBUG; exit 13", 13, None),
    "pipe": ("yes | head -n 1", 0, "y\n"),
    "read-only variables": ("readonly PWD OLDPWD IFS PATH; exit 14", 14, ""),
    "shadowed builtins": (
        "exit() { echo no; }; builtin() { echo no; }; command() { echo no; }; cd() { :; }",
        0,
        "",
    ),
    "own eval": ("eval() { :; }; set() { :; }; declare() { :; }; trap() { :; }; echo a", 0, "a\n"),
    "posix mode": ("set -o posix; echo a", 0, "a\n"),
    "noexec": ("set -n; echo a", 0, ""),
}


@pytest.mark.requirement("TXT-1", "TXT-2")
@pytest.mark.parametrize(("text", "exit_code", "output"), ENDINGS.values(), ids=ENDINGS)
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
def test_the_exit_code_is_right_and_the_session_lives(
    client: Client, session: str, text: str, exit_code: int, output: str | None, run_async: bool
) -> None:
    command_id = client.run(session, text, runAsync=run_async, stdin="closed")["commandId"]
    status = client.wait_finished(command_id)
    assert ("completed", None, None) == (status["status"], status["signal"], status["reason"])
    assert exit_code == status["exitCode"] or (exit_code == ERROR and status["exitCode"] > 0)
    if output is not None:
        assert output == client.output(command_id).decode()
    alive = client.run(session, "/bin/echo alive")
    assert ("alive", 0) == (alive["output"].split("\n")[-2].lstrip("."), alive["exitCode"])


@pytest.mark.requirement("CMD-10", "CMD-11", "CMD-12")
@pytest.mark.parametrize("text", ["kill -9 $$", "exec sh -c 'kill -9 $$'"])
def test_a_command_that_kills_itself_has_a_signal_and_no_exit_code(
    client: Client, session: str, text: str
) -> None:
    status = client.run(session, text)
    assert ("completed", None, "SIGKILL") == (status["status"], status["exitCode"], status["signal"])
    assert "alive\n" == client.run(session, "echo alive")["output"]


def test_a_program_that_dies_in_the_shell_is_an_exit_code_of_the_shell(client: Client, session: str) -> None:
    status = client.run(session, "sh -c 'kill -9 $$'; exit $?")
    assert (137, None) == (status["exitCode"], status["signal"])


@pytest.mark.requirement("CMD-11", "CMD-12")
def test_a_program_given_as_argv_that_dies_has_its_signal(client: Client, session: str) -> None:
    status = client.run(session, ["sh", "-c", "kill -SEGV $$"])
    assert ("completed", None, "SIGSEGV") == (status["status"], status["exitCode"], status["signal"])


@pytest.fixture
def bounded() -> Iterator[None]:
    before = time.monotonic()
    yield
    assert time.monotonic() - before < 10, "it waited for the child in the background"


@pytest.mark.requirement("TXT-3", "TXT-4")
@pytest.mark.parametrize("run_async", [False, True], ids=["sync", "async"])
@pytest.mark.usefixtures("bounded")
def test_a_child_in_the_background_does_not_hold_the_command(
    client: Client, session: str, run_async: bool
) -> None:
    status = client.run(session, "sleep 30 & echo bg", runAsync=run_async)
    final = client.wait_finished(status["commandId"])
    assert ("completed", 0) == (final["status"], final["exitCode"])
    assert "bg\n" == client.output(status["commandId"]).decode()
    assert "alive\n" == client.run(session, "echo alive")["output"]


@pytest.mark.requirement("TXT-3", "TXT-4")
@pytest.mark.usefixtures("bounded")
def test_a_flooding_child_in_the_background_does_not_hold_the_command(client: Client, session: str) -> None:
    status = client.run(session, "yes & echo bg; exit 3")
    assert ("completed", 3) == (status["status"], status["exitCode"])
    assert status["logSize"] == client.status(status["commandId"])["logSize"]
    assert "alive\n" == client.run(session, "echo alive")["output"]


def test_no_internals_show_in_the_environment_of_a_command(
    backend: LocalBackend, client: Client, session: str
) -> None:
    print_names = f"{backend.python} -c 'import os; print(sorted(os.environ))'"
    before = client.run(session, [backend.python, "-c", "import os; print(sorted(os.environ))"])["output"]
    after = client.run(session, print_names)["output"]
    names = (
        set(ast.literal_eval(after))
        - set(ast.literal_eval(before))
        - {"_", "SHLVL", "PWD", "OLDPWD", "LINES", "COLUMNS"}
    )
    assert set() == names


@pytest.mark.requirement("TXT-6")
def test_the_text_of_a_command_sees_no_arguments_and_no_extra_descriptors(
    backend: LocalBackend, client: Client, session: str
) -> None:
    assert "0\n" == client.run(session, 'echo "$#"')["output"]
    text = f"{backend.python} -c 'import os; print(sorted(os.listdir(\"/dev/fd\")))'"
    assert ["0", "1", "2", "3"] == ast.literal_eval(
        client.run(session, text)["output"]
    )  # 3 lists the directory


@pytest.mark.requirement("TXT-5")
def test_a_child_that_writes_after_the_end_is_not_hurt(client: Client, session: str) -> None:
    text = "{ while [ ! -e open ]; do sleep 0.02; done; seq 100000; seq 9 >&2; echo $? > result; } & echo bg"
    command_id = client.run(session, text)["commandId"]
    client.wait_finished(command_id)
    client.run(session, "touch open; while [ ! -s result ]; do sleep 0.02; done", timeout_s=20)
    assert "0\n" == client.run(session, "cat result")["output"]
    assert b"bg\n" == client.log(command_id) == client.output(command_id)
