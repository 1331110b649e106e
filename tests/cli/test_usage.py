"""Bad use is one line and exit code 2; help is there."""

from __future__ import annotations

import pytest

from tests.cli.commandline import CommandLine

COMMANDS = ("run", "ps", "logs", "attach", "stop", "sessions", "rm", "doctor", "completion")


@pytest.mark.parametrize(
    "args",
    [
        ["frobnicate"],
        ["run"],
        ["run", "ls"],
        ["run", "--"],
        ["run", "--tyt", "--", "ls"],
        ["run", "--timeout", "soon", "--", "ls"],
        ["run", "--timeout", "0", "--", "ls"],
        ["run", "--env", "=x", "--", "ls"],
        ["run", "--log-level", "loud", "--", "ls"],
        ["ps", "extra"],
        ["logs"],
        ["logs", "--tail", "-1", "x"],
        ["logs", "--channel", "stdin", "x"],
        ["stop"],
        ["stop", "--grace", "nan", "x"],
        ["rm"],
        ["completion", "tcsh"],
    ],
    ids=" ".join,
)
def test_bad_use_is_one_line_and_2(cli: CommandLine, args: list[str]) -> None:
    result = cli.run(*args)
    assert (2, b"", 1) == (result.returncode, result.stdout, result.stderr.count(b"\n"))
    assert result.stderr.startswith(b"daytona-rpc: ")


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option(cli: CommandLine, command: str) -> None:
    assert f"usage: daytona-rpc {command} ".encode() in cli.ok(command, "--help")


def test_help_may_be_cut_short(cli: CommandLine) -> None:
    result = cli.shell("daytona-rpc run --help | true; echo ${PIPESTATUS[0]}")
    assert result.stdout in (b"0\n", b"141\n")
    assert b"" == result.stderr


def test_arguments_that_are_not_utf_8_are_refused(cli: CommandLine) -> None:
    result = cli.shell("daytona-rpc run -- echo $'\\xff'")
    assert (2, b"daytona-rpc: arguments have to be UTF-8\n") == (result.returncode, result.stderr)


def test_settings_are_passed_on(cli: CommandLine) -> None:
    state, log = cli.machine.root / "elsewhere", cli.machine.root / "elsewhere.log"
    options = ("--state-dir", str(state), "--log-file", str(log), "--log-level", "debug")
    cli.ok("run", *options, "--session", "there", "--", "true")
    assert (state / "sessions" / "there").is_dir()
    assert log.stat().st_size > 0
    assert b"there: deleted\n" == cli.ok("rm", *options, "there")
