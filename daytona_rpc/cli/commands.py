"""`daytona-rpc COMMAND ...`: which commands there are, and what does each.

Only the parser of the command in question is made, and only its module is imported.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from daytona_rpc.cli import options, outcome
from daytona_rpc.cli.failure import Failure, UsageFailure

_PROG = "daytona-rpc"


class Command(NamedTuple):
    """One command."""

    summary: str
    options: Callable[[ArgumentParser], None]
    """Adds its options to a parser."""
    module: str
    """The module with the function of the command's name, which does it and returns the exit code."""
    failed: int = 1
    """The exit code for what went wrong with us."""
    example: str = ""


COMMANDS = {
    "run": Command(
        "Run a command, with its output and input here, and end with its exit code.",
        options.run,
        "run",
        failed=outcome.OURS,
        example="One word behind -- is shell text, several are a program and its arguments:\n"
        f"  {_PROG} run -- 'npm ci && npm test'\n"
        f"  {_PROG} run --session shop -- npm test",
    ),
    "ps": Command("List the commands that run, the newest first.", options.ps, "listing"),
    "logs": Command("Write a command's log.", options.logs, "logs"),
    "attach": Command(
        "Follow a command and give it input; Ctrl-C leaves it running.",
        options.attach,
        "logs",
        failed=outcome.OURS,
    ),
    "stop": Command("Stop commands with all their processes.", options.stop, "ending"),
    "sessions": Command("List the sessions, the newest first.", options.sessions, "listing"),
    "rm": Command("Delete sessions with their logs; what runs in them is stopped.", options.rm, "ending"),
    "doctor": Command("Look for what is wrong, and say how to mend it.", options.doctor, "doctor"),
    "completion": Command(
        "Print a script that completes commands, options and ids.",
        options.completion,
        "completion",
        example=f'bash: eval "$({_PROG} completion bash)"\n'
        f'zsh:  eval "$({_PROG} completion zsh)"\n'
        f"fish: {_PROG} completion fish | source",
    ),
}


class _Parser(ArgumentParser):
    def print_help(self, file: object = None) -> None:
        from daytona_rpc.cli.output import STDOUT, Output

        output = Output()
        output.put(STDOUT, self.format_help().encode())
        output.write_all()

    def error(self, message: str) -> NoReturn:
        raise UsageFailure(f"{message} (see {self.prog} --help)")


def main(argv: list[str]) -> int:
    """Do what the first word says and return the exit code."""
    _open_standard_streams()
    # Ctrl-C ends us at once and without a word: a KeyboardInterrupt within an import may crash Python.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    failed = 1
    try:
        command = COMMANDS.get(argv[0])
        if command is None:
            raise UsageFailure(f"there is no command {argv[0]!r} (there are {', '.join(COMMANDS)})")
        failed = command.failed
        chosen = _parse(argv[0], command, argv[1:])
        module = importlib.import_module(f"daytona_rpc.cli.{command.module}")
        return int(getattr(module, argv[0])(chosen))
    except SystemExit as done:  # after --help
        return int(done.code or 0)
    except Failure as failure:
        return _fail(str(failure), failed if failure.exit_code is None else failure.exit_code)
    except BrokenPipeError:
        from daytona_rpc.cli.interrupts import die_of

        return die_of(signal.SIGPIPE)
    except OSError as error:
        return _fail(f"{error.filename or 'cannot write'}: {error.strerror}", failed)


def parser(name: str, command: Command) -> ArgumentParser:
    """The parser of a command's options."""
    made = _Parser(
        prog=f"{_PROG} {name}",
        description=command.summary,
        epilog=command.example or None,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.options(made)
    if name != "completion":
        options.server(made)
    return made


def _parse(name: str, command: Command, arguments: list[str]) -> Namespace:
    words: list[str] = []
    if name == "run" and "--" in arguments:
        end = arguments.index("--")
        arguments, words = arguments[:end], arguments[end + 1 :]
    chosen = parser(name, command).parse_args(arguments)
    if name == "run":
        if not words:
            raise UsageFailure(f"run: a command is needed behind --, such as: {_PROG} run -- 'npm test'")
        chosen.command = words
    elif name == "rm" and not chosen.ids and not chosen.all_finished:
        raise UsageFailure(f"rm: which sessions? (see {_PROG} rm --help)")
    if name != "completion":
        given = ((one, getattr(chosen, one)) for one in ("state_dir", "log_file", "log_level"))
        chosen.server = [f"--{one.replace('_', '-')}={value}" for one, value in given if value is not None]
    return chosen


def _open_standard_streams() -> None:
    """Give a stream that our caller has closed /dev/null, or a pipe of ours would get its number."""
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one


def _fail(text: str, code: int) -> int:
    print(f"{_PROG}: {' '.join(text.split())}", file=sys.stderr)
    return code
