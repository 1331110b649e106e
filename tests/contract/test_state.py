"""What a synchronous command leaves behind, the next command finds."""

from __future__ import annotations

import pytest

from tests.contract.conftest import LocalBackend
from tests.harness import Client

CARRIED = {
    "directory": ("mkdir -p sub; cd sub", 'echo "${PWD##*/}"', "sub"),
    "previous directory": ("mkdir -p sub; cd sub; cd ..; cd sub", "(cd - >/dev/null; ls -d sub)", "sub"),
    "exported variable": ("export COLOUR='dark  blue'", "sh -c 'echo \"$COLOUR\"'", "dark  blue"),
    "plain variable": ("colour=blue", "echo $colour; sh -c 'echo ${colour-unset}'", "blue\nunset"),
    "array": ("list=(a 'b c' d)", 'echo "${#list[@]} ${list[1]}"', "3 b c"),
    "multi-line value": ("text=$'one\\ntwo\\t\\'three\\''", 'echo "$text"', "one\ntwo\t'three'"),
    "unset variable": (
        "export GONE=1; unset GONE HOME",
        "echo ${GONE-gone} ${HOME-homeless}",
        "gone homeless",
    ),
    "function": ('greet() { echo "hello $1"; }', "greet you", "hello you"),
    "alias": ("alias hi='echo hello'", "hi", "hello"),
    "removed alias": ("alias hi='echo hello'; unalias hi", "type hi 2>/dev/null || echo none", "none"),
    "set option": ("set -f", "echo *", "*"),
    "shell option": ("touch a.x; shopt -s nullglob", "echo [a-z].y end", "end"),
    "umask": ("umask 027", "umask", "0027"),
    "trap of nobody": ("trap 'echo bye' EXIT", "echo on", "on"),
}


@pytest.mark.requirement("STATE-1")
@pytest.mark.parametrize(("first", "then", "expected"), CARRIED.values(), ids=CARRIED)
def test_state_is_carried_over(client: Client, session: str, first: str, then: str, expected: str) -> None:
    assert 0 == client.run(session, first)["exitCode"]
    for _ in range(2):
        assert expected + "\n" == client.run(session, then)["output"]


@pytest.mark.requirement("PAR-1")
@pytest.mark.parametrize(("first", "then", "expected"), CARRIED.values(), ids=CARRIED)
def test_an_asynchronous_command_starts_from_the_state(
    client: Client, session: str, first: str, then: str, expected: str
) -> None:
    client.run(session, first)
    command_id = client.start(session, then)
    client.wait_finished(command_id)
    assert expected + "\n" == client.output(command_id).decode()


@pytest.mark.requirement("PAR-2")
def test_an_asynchronous_command_changes_nothing_for_others(client: Client, session: str) -> None:
    before = client.run(session, "pwd; colour=blue")["output"]
    text = "cd /; colour=red; export NEW=1; greet() { :; }; alias hi=ls; set -f"
    client.wait_finished(client.start(session, text))
    after = "pwd; echo $colour ${NEW-unset}; type greet hi 2>/dev/null; case $- in *f*) echo f;; esac"
    assert before + "blue unset\n" == client.run(session, after)["output"]


@pytest.mark.requirement("PAR-1")
def test_an_asynchronous_command_keeps_the_state_of_its_start(client: Client, session: str) -> None:
    client.run(session, "colour=blue")
    command_id = client.start(session, "read line; echo $colour")
    client.run(session, "colour=red")
    client.request("command/input", {"commandId": command_id, "data": "\n"})
    client.wait_finished(command_id)
    assert "blue\n" == client.output(command_id).decode()


def test_state_is_carried_over_a_command_that_fails(client: Client, session: str) -> None:
    assert 1 == client.run(session, "cd /; export COLOUR=blue; false")["exitCode"]
    assert "/ blue\n" == client.run(session, 'echo "$PWD $COLOUR"')["output"]


@pytest.mark.requirement("STATE-4")
def test_state_is_carried_over_an_exit(client: Client, session: str) -> None:
    assert 3 == client.run(session, "cd /; export COLOUR=blue; exit 3")["exitCode"]
    assert "/ blue\n" == client.run(session, 'echo "$PWD $COLOUR"')["output"]


def test_the_exit_status_of_the_last_command_does_not_leak_into_the_next(
    client: Client, session: str
) -> None:
    client.run(session, "exit 3")
    assert "0\n" == client.run(session, "echo $?")["output"]


def test_a_directory_that_is_removed_does_not_end_the_session(client: Client, session: str) -> None:
    home = client.run(session, "pwd; mkdir sub; cd sub; rmdir ../sub")["output"].rstrip("\n")
    assert "/\n" == client.run(session, "pwd", cwd="/")["output"]
    client.run(session, "mkdir sub", cwd=home)
    assert f"{home}/sub\n" == client.run(session, "pwd")["output"]


def test_sessions_do_not_share_state(backend: LocalBackend, client: Client, session: str) -> None:
    other = client.request("sessions/create", {"sandboxId": backend.sandbox_id})["sessionId"]
    client.run(session, "export COLOUR=blue; greet() { :; }")
    assert "unset\n" == client.run(other, "echo ${COLOUR-unset}; type greet 2>/dev/null")["output"]


@pytest.mark.requirement("STATE-1")
def test_a_large_state_is_carried_over(client: Client, session: str) -> None:
    client.run(session, "big=$(head -c 300000 /dev/zero | tr '\\0' x); export SMALL=1")
    assert "300000 1\n" == client.run(session, "echo ${#big} $SMALL")["output"]


@pytest.mark.requirement("STATE-1")
def test_an_activated_virtual_environment_is_carried_over(
    backend: LocalBackend, client: Client, session: str
) -> None:
    client.run(session, f"{backend.python} -m venv --without-pip venv", timeout_s=60)
    assert 0 == client.run(session, ". venv/bin/activate")["exitCode"]
    expected = client.run(session, 'echo "$PWD/venv"')["output"]
    assert expected == client.run(session, "python -c 'import sys; print(sys.prefix)'")["output"]
    client.run(session, "deactivate")
    assert expected != client.run(session, f"{backend.python} -c 'import sys; print(sys.prefix)'")["output"]
    assert "unset\n" == client.run(session, "echo ${VIRTUAL_ENV-unset}")["output"]


@pytest.mark.requirement("STATE-3")
def test_what_belongs_to_a_process_is_not_carried_over(client: Client, session: str) -> None:
    client.run(session, "trap 'echo trapped' EXIT USR1; ulimit -n 64; sleep 600 >/dev/null 2>&1 & true")
    after = client.run(session, "trap -p USR1; jobs; test $(ulimit -n) != 64 && echo free")
    assert "free\n" == after["output"]


@pytest.mark.requirement("STATE-5")
@pytest.mark.parametrize("end", ["exec true", "kill -9 $$"])
def test_a_command_that_does_not_return_leaves_the_state_as_it_was(
    client: Client, session: str, end: str
) -> None:
    before = client.run(session, "colour=blue; pwd")["output"]
    client.run(session, f"colour=red; cd /; {end}")
    assert f"blue\n{before}" == client.run(session, "echo $colour; pwd")["output"]


@pytest.mark.requirement("STATE-6")
def test_what_a_command_changes_of_its_own_directory_and_environment_is_kept(
    backend: LocalBackend, client: Client, session: str
) -> None:
    client.run(session, "export A=old B=old", env={"C": "given"})
    client.run(session, "cd /; A=changed", cwd=backend.directory(), env={"A": "given", "B": "given"})
    assert "/ changed old unset\n" == client.run(session, "echo $PWD $A $B ${C-unset}")["output"]


@pytest.mark.requirement("STATE-8")
def test_arguments_run_with_the_state_and_leave_it_as_it_was(
    backend: LocalBackend, client: Client, session: str
) -> None:
    client.run(session, "cd /; export COLOUR=blue; plain=1")
    text = "import os; print(os.getcwd(), os.environ['COLOUR'], 'plain' in os.environ); os.chdir('/tmp')"
    assert "/ blue False\n" == client.run(session, [backend.python, "-c", text])["output"]
    assert "/ blue 1\n" == client.run(session, "echo $PWD $COLOUR $plain")["output"]
