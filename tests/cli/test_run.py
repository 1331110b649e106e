"""`run` is like having the shell start the command itself."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from tests.cli.commandline import CommandLine, finish, read_until

RANDOM = random.Random(7).randbytes(1_500_000)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("true", 0),
        ("exit 3", 3),
        ("exit 255", 255),
        ("kill -TERM $$", 143),
        ("kill -9 $$", 137),
        ("no-such-program", 127),
        ("/etc/passwd", 126),
    ],
)
def test_it_ends_with_the_code_of_the_command(cli: CommandLine, text: str, code: int) -> None:
    result = cli.run("run", "--", text)
    assert (code, b"") == (result.returncode, result.stdout)


def test_one_word_is_shell_text(cli: CommandLine) -> None:
    assert b"a\nb c\n" == cli.ok("run", "--", "for word in a 'b c'; do echo \"$word\"; done")


def test_several_words_are_arguments_that_no_shell_reads(cli: CommandLine) -> None:
    assert b"<a b><$HOME><*><><'>" == cli.ok("run", "--", "printf", "<%s>", "a b", "$HOME", "*", "", "'")


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["no-such-program", "x"], 127), (["./missing", "x"], 127), (["/etc/passwd", "x"], 126)],
)
def test_a_program_that_cannot_be_started_is_one_line_and_a_shells_code(
    cli: CommandLine, argv: list[str], code: int
) -> None:
    result = cli.run("run", "--", *argv)
    assert (code, b"", 1) == (result.returncode, result.stdout, result.stderr.count(b"\n"))
    assert result.stderr.startswith(b"daytona-rpc: ")


def test_output_and_error_stay_apart(cli: CommandLine) -> None:
    result = cli.run("run", "--", "echo out; echo err >&2; echo out again")
    assert (b"out\nout again\n", b"err\n") == (result.stdout, result.stderr)


def test_nothing_is_said_where_nobody_sits(cli: CommandLine) -> None:
    assert b"" == cli.ok("run", "--", "true")


def test_bytes_pass_unchanged_both_ways(cli: CommandLine) -> None:
    assert RANDOM == cli.ok("run", "--", "cat", input=RANDOM)


def test_input_may_be_a_file(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(RANDOM)
    with (tmp_path / "input").open("rb") as file:
        assert RANDOM == cli.ok("run", "--", "cat", "-", stdin=file)


def test_the_end_of_input_is_passed_on(cli: CommandLine) -> None:
    assert b"0\n" == cli.ok("run", "--", "wc -c")


def test_without_input_the_command_reads_its_end(cli: CommandLine) -> None:
    assert b"0\n" == cli.ok("run", "--no-stdin", "--", "wc -c", input=b"abc")
    assert b"0\n" == cli.shell("daytona-rpc run -- 'wc -c' <&-").stdout


def test_a_command_that_ignores_its_input_ends_when_it_likes(cli: CommandLine) -> None:
    process = cli.start("run", "--", "echo done")
    assert process.stdin is not None
    process.stdin.write(b"x" * 1000)
    assert 0 == process.wait(20)


def test_output_comes_while_the_command_runs(cli: CommandLine) -> None:
    process = cli.start("run", "--", "echo one; read -r line; echo got $line; read -r line; echo $line")
    read_until(process.stdout, b"one\n")
    assert process.stdin is not None
    process.stdin.write(b"two\n")
    read_until(process.stdout, b"got two\n")
    result = finish(process, b"three\n")
    assert (0, b"three\n", b"") == (result.returncode, result.stdout, result.stderr)


def test_a_time_limit_ends_it_with_124(cli: CommandLine) -> None:
    assert 124 == cli.run("run", "--timeout", "0.2", "--", "exec sleep 60").returncode


def test_it_starts_where_the_caller_is(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    env = {"PWD": str(tmp_path / "link")}
    assert f"{tmp_path}/link\n".encode() == cli.ok("run", "--", "pwd", cwd=tmp_path / "real", env=env)
    assert f"{tmp_path}/real\n".encode() == cli.ok("run", "--cwd", "real", "--", "pwd", cwd=tmp_path)


def test_a_directory_that_is_not_there_is_one_line_and_125(cli: CommandLine) -> None:
    result = cli.run("run", "--cwd", "nowhere", "--", "pwd")
    assert (125, b"daytona-rpc: nowhere: no such directory\n") == (result.returncode, result.stderr)


def test_variables_are_given_or_passed_on(cli: CommandLine) -> None:
    args = ["--env", "A=1=2", "--env", "B", "--env", "UNSET", "--env", "EMPTY="]
    text = 'echo "$A $B ${UNSET-unset} ${EMPTY-unset}"'
    assert b"1=2 two unset \n" == cli.ok("run", *args, "--", text, env={"B": "two"})


def test_a_session_is_made_once_and_keeps_its_state(cli: CommandLine, tmp_path: Path) -> None:
    run = ("run", "--session", "kept", "--")
    assert b"" == cli.ok(
        *run, "cd sub && export GREETING=hello && twice() { echo $1 $1; }", cwd=_sub(tmp_path)
    )
    assert f"{tmp_path}/sub hello hello\n".encode() == cli.ok(*run, 'echo "$PWD" $(twice $GREETING)')
    assert f"{tmp_path}/sub\n".encode() == cli.ok(*run, "printenv", "PWD")
    assert b"/\n" == cli.ok("run", "--session", "kept", "--cwd", "/", "--", "pwd")
    assert ["kept"] == [one["sessionId"] for one in cli.json("sessions") if not one["auto"]]


def _sub(directory: Path) -> Path:
    (directory / "sub").mkdir()
    return directory


def test_commands_of_a_session_wait_for_their_turn_and_then_get_their_input(cli: CommandLine) -> None:
    first = cli.start("run", "--session", "queue", "--", "echo first; read -r line; echo $line")
    read_until(first.stdout, b"first\n")
    second = cli.start("run", "--session", "queue", "--", "read -r line; echo $line")
    assert second.stdin is not None
    second.stdin.write(b"for the second\n")
    assert first.stdin is not None
    first.stdin.write(b"for the first\n")
    assert b"for the first\n" == finish(first).stdout
    assert b"for the second\n" == finish(second).stdout


def test_a_detached_command_says_its_id_and_goes_on(cli: CommandLine) -> None:
    command_id = cli.detach("echo started; read -r line; echo $line")
    assert [command_id] == cli.running()
    result = cli.run("attach", command_id, input=b"over\n")
    assert (0, b"started\nover\n") == (result.returncode, result.stdout)


def test_a_detached_command_may_be_in_a_new_session(cli: CommandLine) -> None:
    command_id = cli.detach("--session", "detached", "true")
    assert ["detached"] == [
        one["sessionId"] for one in cli.json("ps", "-a") if one["commandId"] == command_id
    ]


def test_the_log_is_there_later(cli: CommandLine) -> None:
    cli.ok("run", "--", "echo for later")
    newest = cli.json("ps", "-a")[0]
    assert ("echo for later", 0) == (newest["command"], newest["exitCode"])
    assert b"for later\n" == cli.ok("logs", newest["commandId"])


def test_json_is_an_object_a_line_and_the_final_status_is_the_last(cli: CommandLine) -> None:
    result = cli.run("run", "--json", "--", "echo out; echo err >&2; exit 4")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert 4 == result.returncode
    output = [(one["channel"], one["data"]) for one in events if one["event"] == "command/output"]
    assert [("stderr", "err\n"), ("stdout", "out\n")] == sorted(output)
    last = events[-1]
    assert ("command/statusChanged", "completed", 4) == (last["event"], last["status"], last["exitCode"])


def test_json_tells_of_a_command_that_cannot_be_started(cli: CommandLine) -> None:
    result = cli.run("run", "--json", "--", "no-such-program", "x")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert 127 == result.returncode
    assert "commandExecutionError" == events[-1]["data"]["kind"]


def test_json_of_a_detached_command_is_its_status(cli: CommandLine) -> None:
    (status,) = cli.json("run", "--detach", "--json", "--", "true")[:1]
    assert "command/statusChanged" == status["event"]
    assert status["commandId"].startswith("cmd-")


def test_a_reader_that_has_enough_ends_the_command(cli: CommandLine) -> None:
    began = time.monotonic()
    result = cli.shell("daytona-rpc run -- yes | head -1; echo ${PIPESTATUS[0]}")
    assert (b"y\n141\n", b"") == (result.stdout, result.stderr)
    assert time.monotonic() - began < 10
    assert [] == cli.running()


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_takes_what_is_written(cli: CommandLine, closed: str) -> None:
    result = cli.shell(f"daytona-rpc run -- 'echo out; echo err >&2; exit 4' {closed}")
    assert 4 == result.returncode
    assert result.stdout == (b"" if ">&-" in closed.replace("2>&-", "") else b"out\n")
    assert result.stderr == (b"" if "2>&-" in closed else b"err\n")


def test_a_sandbox_that_is_not_there_is_one_line_and_125(cli: CommandLine) -> None:
    result = cli.run("run", "--sandbox", "nowhere", "--", "true")
    assert (125, b"", 1) == (result.returncode, result.stdout, result.stderr.count(b"\n"))


def test_a_full_disk_is_one_line_and_125(cli: CommandLine) -> None:
    result = cli.shell("daytona-rpc run -- 'echo a; sleep 60' >/dev/full")
    assert (125, b"daytona-rpc: cannot write: No space left on device\n") == (
        result.returncode,
        result.stderr,
    )


def test_what_the_caller_has_open_is_not_kept_open(cli: CommandLine, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        cli.ok("run", "--", "true", close_fds=False)
    held = [link for pid in cli.machine.hosts() for link in Path(f"/proc/{pid}/fd").iterdir()]
    assert held
    assert str(tmp_path / "lock") not in {os.readlink(link) for link in held if link.is_symlink()}


def test_files_of_the_current_directory_are_not_imported(cli: CommandLine) -> None:
    names = ("orjson", "logging", "asyncio", "pygls")
    files = " ".join(f"{name}.py" for name in names)
    result = cli.shell(f"mkdir own; cd own; touch {files}; daytona-rpc run -- echo fine")
    assert (b"fine\n", b"") == (result.stdout, result.stderr)
