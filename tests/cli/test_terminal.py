"""On a terminal: its size, its keys, its interrupts, and a line about the end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.cli.commandline import CommandLine, Screen
from tests.harness import eventually

Start = Callable[..., Screen]
SIZES = f"{sys.executable} {Path(__file__).parents[1] / 'scripts' / 'terminal.py'}"


def test_a_line_says_what_ran_where_for_how_long_and_how_it_ended(screen: Start, cli: CommandLine) -> None:
    code, text = screen("run", "--", "echo shown; exit 3", size=(150, 24)).wait()
    assert 3 == code
    shown, _, line = text.partition("\r\n")
    assert "shown" == shown
    assert f"echo shown; exit 3 · {cli.machine.work} · 0.0 s · \x1b[0m\x1b[31mexit 3\x1b[0m" in line


def test_the_line_is_no_longer_than_the_terminal(screen: Start) -> None:
    code, text = screen("run", "--", f"true {'x ' * 200}", size=(200, 24), NO_COLOR="1").wait()
    assert 0 == code
    assert 100 < len(text.strip()) < 200
    assert "…" in text


def test_colour_is_not_for_those_who_mind(screen: Start) -> None:
    code, text = screen("run", "--", "true", NO_COLOR="1").wait()
    assert 0 == code, text
    assert "exit 0" in text
    assert "\x1b" not in text


def test_the_line_does_not_go_on_where_the_command_stopped(screen: Start) -> None:
    _, text = screen("run", "--", "printf unfinished", NO_COLOR="1").wait()
    assert text.startswith("unfinished\r\n")


def test_quiet_is_without_the_line(screen: Start) -> None:
    assert (0, "shown\r\n") == screen("run", "--quiet", "--", "echo shown").wait()


def test_lines_are_passed_on_and_control_d_ends_them(screen: Start) -> None:
    program = screen("run", "--quiet", "--", "read -r line; echo got $line; cat; echo over")
    program.type(b"one\n")
    program.until("got one")
    program.type(b"two\n\x04")
    program.until("over")
    assert 0 == program.wait()[0]


def test_control_c_interrupts_the_command(screen: Start) -> None:
    program = screen("run", "--quiet", "--", "echo ready; exec sleep 60")
    program.until("ready")
    program.type(b"\x03")
    assert 130 == program.wait()[0]


def test_control_c_is_not_the_servers(screen: Start, cli: CommandLine) -> None:
    program = screen(
        "run", "--quiet", "--", "trap 'echo caught; read -r line' INT; echo ready; read -r line; exit 3"
    )
    program.until("ready")
    before = cli.servers()
    program.type(b"\x03")
    program.until("caught")
    assert before == cli.servers()
    program.type(b"\n\n")
    assert 3 == program.wait()[0]


def test_with_tty_the_command_has_a_terminal_of_our_size_and_follows_it(screen: Start) -> None:
    program = screen("run", "--tty", "--quiet", "--", SIZES, size=(100, 30))
    program.until("True True True\r\n100x30\r\n")
    program.resize(120, 40)
    program.until("120x40\r\n")
    program.type(b"end\r")
    assert 0 == program.wait()[0]


def test_with_tty_every_key_is_the_commands(screen: Start) -> None:
    text = "stty raw -echo; printf 'ready\\r\\n'; head -c 4 | od -An -tx1"
    program = screen("run", "--tty", "--quiet", "--", text)
    program.until("ready")
    program.type(b"\x03\x1a\x1c\r")
    program.until("03 1a 1c 0d")
    assert 0 == program.wait()[0]


def test_with_tty_control_c_interrupts_what_runs_on_it(screen: Start) -> None:
    text = "trap 'echo caught; exit 7' INT; echo ready; while :; do sleep 0.05; done"
    program = screen("run", "--tty", "--quiet", "--", text)
    program.until("ready")
    program.type(b"\x03")
    program.until("caught")
    assert 7 == program.wait()[0]


def test_the_terminal_is_restored_when_we_are_terminated(screen: Start) -> None:
    program = screen("run", "--tty", "--quiet", "--", "echo ready; exec sleep 60")
    program.until("ready")
    program.process.send_signal(signal.SIGTERM)
    assert 143 == program.wait()[0]


def test_the_terminal_is_restored_when_the_server_vanishes_twice(screen: Start, cli: CommandLine) -> None:
    program = screen(
        "run", "--tty", "--quiet", "--", "echo ready; while read -r line; do echo got $line; done"
    )
    program.until("ready")
    for number in range(2):
        program.type(b"%d\r" % number)
        program.until(f"got {number}")
        (server,) = psutil.Process(program.process.pid).children()
        server.kill()
        eventually(lambda server=server: not server.is_running())
    code, text = program.wait()
    assert (125, True) == (code, "see daytona-rpc attach" in text)
    (command_id,) = cli.running()
    cli.ok("stop", command_id)


def test_without_a_terminal_of_ours_the_command_still_gets_one(cli: CommandLine) -> None:
    assert b"80x24\r\n" in cli.ok("run", "--tty", "--", SIZES, input=b"end\n")


def test_control_c_detaches_and_says_how_to_come_back(screen: Start, cli: CommandLine) -> None:
    command_id = cli.detach("echo started; while read -r line; do echo got $line; done")
    cli.wait_log(command_id, b"started")
    program = screen("attach", command_id)
    program.until("started")
    program.type(b"hello\n")
    program.until("got hello")
    program.type(b"\x03")
    code, text = program.wait()
    assert 0 == code
    assert f"detached; the command goes on, see daytona-rpc attach {command_id}" in text
    assert [command_id] == cli.running()
    cli.ok("stop", command_id)


def test_attaching_to_a_terminal_gives_it_our_size_and_keys(screen: Start, cli: CommandLine) -> None:
    command_id = cli.detach("--tty", SIZES)
    cli.wait_log(command_id, b"80x24")
    program = screen("attach", command_id, size=(90, 20))
    program.until("90x20")
    program.type(b"\x03")
    program.until("detached")
    assert 0 == program.wait()[0]
    again = screen("attach", "--quiet", command_id, size=(91, 21))
    again.until("91x21")
    again.type(b"end\r")
    assert 0 == again.wait()[0]


def test_in_the_background_it_is_not_stopped_for_reading(screen: Start) -> None:
    program = screen(
        shell="set -m; daytona-rpc run -q -- 'echo ready; sleep 0.2; exit 4' & wait $!; echo code $?"
    )
    program.until("code 4")
    assert 0 == program.wait()[0]


def test_in_the_foreground_again_it_reads(screen: Start) -> None:
    text = "set -m; daytona-rpc run -q -- 'echo ready; read -r line; echo got $line' & read -r go; fg"
    program = screen(shell=text)
    program.until("ready")
    program.type(b"go\n")
    program.until("daytona-rpc run")
    program.type(b"line\n")
    program.until("got line")
    assert 0 == program.wait()[0]


def test_tty_in_the_foreground_again_gets_every_key(screen: Start) -> None:
    command = "stty raw -echo; printf ready; head -c 2 | od -An -tx1"
    program = screen(shell=f"set -m; daytona-rpc run -qt -- '{command}' & read -r go; fg >/dev/null; stty -a")
    program.until("ready")
    program.type(b"go\n")
    program.until_raw()
    program.type(b"\x03\r")
    program.until("03 0d")
    program.until("isig icanon")
    assert 0 == program.wait()[0]


def test_tty_in_the_background_leaves_the_terminal_alone(screen: Start) -> None:
    program = screen(shell="set -m; daytona-rpc run -qt -- 'echo ready; exit 4' & wait $!; echo code $?")
    program.until("code 4")
    assert 0 == program.wait()[0]


def test_a_list_is_cut_to_the_width_of_the_terminal(screen: Start, cli: CommandLine) -> None:
    command_id = cli.detach(f"exec sleep 60 # {'long ' * 40}")
    code, text = screen("ps", size=(100, 24), NO_COLOR="1").wait()
    title, line = text.splitlines()
    assert (0, 100) == (code, len(line))
    assert (title.split()[:2], line.split()[0]) == (["COMMAND", "ID"], command_id)
    cli.ok("stop", command_id)
