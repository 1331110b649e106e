"""`daytona-rpc COMMAND ...`: the options of each command, and what does it.

Only the parser of the command in question is made, and only its module is imported.
"""

from __future__ import annotations

import argparse
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import NoReturn

from daytona_rpc.cli import outcome
from daytona_rpc.cli.failure import USAGE, Failure

_ID_HELP = "its id, or the beginning of it"
_PROG = "daytona-rpc"


class Usage(Exception):
    """The arguments are wrong."""


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message} (see {self.prog} --help)")


def main(argv: list[str]) -> int:
    """Do what the first word says and return the exit code."""
    name = argv[0]
    command = COMMANDS.get(name)
    try:
        if command is None:
            raise Usage(f"there is no command {name!r} (there are {', '.join(COMMANDS)})")
        options = _parse(name, command, argv[1:])
    except Usage as error:
        return _fail(str(error), USAGE)
    except SystemExit as done:  # --help
        return int(done.code or 0)
    try:
        return command.do(options)
    except Failure as failure:
        usual = outcome.OURS if name in ("run", "attach") else 1
        return _fail(str(failure), usual if failure.exit_code is None else failure.exit_code)
    except KeyboardInterrupt:
        return _die_of(signal.SIGINT)
    except BrokenPipeError:
        return _die_of(signal.SIGPIPE)
    except OSError as error:
        return _fail(f"{error.filename or 'cannot write'}: {error.strerror}", 1)


def _fail(text: str, code: int) -> int:
    print(f"{_PROG}: {' '.join(text.split())}", file=sys.stderr)
    return code


def _die_of(number: signal.Signals) -> int:
    from daytona_rpc.cli.interrupts import die_of

    return die_of(number)


class Command:
    """One command: its help, its options, and the function that does it."""

    def __init__(
        self,
        summary: str,
        options: Callable[[ArgumentParser], None],
        do: Callable[[Namespace], int],
        *,
        example: str = "",
    ) -> None:
        self.summary = summary
        self.options = options
        self.do = do
        self.example = example


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
        server = made.add_argument_group("the server")
        server.add_argument("--state-dir", metavar="DIR", help="where sessions and logs are kept")
        server.add_argument("--log-file", metavar="FILE", help="the server's own log")
        server.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error")
    return made


def _parse(name: str, command: Command, arguments: list[str]) -> Namespace:
    words: list[str] = []
    if name == "run" and "--" in arguments:
        end = arguments.index("--")
        arguments, words = arguments[:end], arguments[end + 1 :]
    options = parser(name, command).parse_args(arguments)
    if name == "run":
        if not words:
            raise Usage(f"run: a command is needed behind --, such as: {_PROG} run -- 'npm test'")
        options.command = words
    if name != "completion":
        if options.log_level not in (None, "debug", "info", "warning", "error"):
            raise Usage(f"--log-level: {options.log_level!r} is none of debug, info, warning, error")
        given = {name: getattr(options, name) for name in ("state_dir", "log_file", "log_level")}
        options.server = [
            f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None
        ]
    return options


# The options of each command


def _run_options(options: ArgumentParser) -> None:
    options.usage = f"{_PROG} run [options] -- COMMAND..."
    options.add_argument("--sandbox", metavar="ID", help="where to run it; this machine by default")
    options.add_argument(
        "--session", metavar="ID", help="the session to run it in, made if there is none; by default its own"
    )
    options.add_argument(
        "--cwd", metavar="DIR", help="its directory; by default this one, with --session the session's"
    )
    options.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="a variable for it; without a value, the one it has here",
    )
    options.add_argument("-t", "--tty", action="store_true", help="run it on a terminal, as an editor needs")
    options.add_argument("-d", "--detach", action="store_true", help="print its id and leave it running")
    options.add_argument("-n", "--no-stdin", action="store_true", help="give it no input")
    options.add_argument("-q", "--quiet", action="store_true", help="no line about its end")
    options.add_argument(
        "--timeout", metavar="SECONDS", type=float, help="stop it after so long, with exit code 124"
    )
    options.add_argument("--json", action="store_true", help="write what the server says, an object a line")


def _ps_options(options: ArgumentParser) -> None:
    options.add_argument("-a", "--all", action="store_true", help="also those that have ended")
    options.add_argument("--session", metavar="ID", help="only those of this session")
    options.add_argument("--json", action="store_true", help="an object a line")


def _log_options(options: ArgumentParser) -> None:
    options.add_argument("id", metavar="ID", help=_ID_HELP)
    options.add_argument("--offset", metavar="N", type=_count, help="begin at this byte")
    options.add_argument("--tail", metavar="N", type=_count, help="begin so many lines before the end")


def _logs_options(options: ArgumentParser) -> None:
    _log_options(options)
    options.add_argument("-f", "--follow", action="store_true", help="go on until the command ends")
    options.add_argument("--channel", choices=("stdout", "stderr", "pty"), help="only what went there")
    options.add_argument("--json", action="store_true", help="write chunks, an object a line")


def _attach_options(options: ArgumentParser) -> None:
    _log_options(options)
    options.add_argument("-n", "--no-stdin", action="store_true", help="give it no input")
    options.add_argument("-q", "--quiet", action="store_true", help="no line about its end")


def _stop_options(options: ArgumentParser) -> None:
    options.add_argument("ids", metavar="ID", nargs="+", help=_ID_HELP)
    options.add_argument(
        "--grace", metavar="SECONDS", type=_seconds, default=5.0, help="then it is killed; 5 by default"
    )


def _sessions_options(options: ArgumentParser) -> None:
    options.add_argument("--json", action="store_true", help="an object a line")


def _rm_options(options: ArgumentParser) -> None:
    options.add_argument("ids", metavar="ID", nargs="*", help=_ID_HELP)
    options.add_argument("--all-finished", action="store_true", help="all in which nothing runs")


def _doctor_options(options: ArgumentParser) -> None:
    options.add_argument("--json", action="store_true", help="an object a line")


def _completion_options(options: ArgumentParser) -> None:
    options.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 2_147_483:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number


# What does each command


def _run(options: Namespace) -> int:
    from daytona_rpc.cli.run import run

    return run(options)


def _ps(options: Namespace) -> int:
    from daytona_rpc.cli.listing import ps

    return ps(options)


def _logs(options: Namespace) -> int:
    from daytona_rpc.cli.logs import logs

    return logs(options)


def _attach(options: Namespace) -> int:
    from daytona_rpc.cli.logs import attach

    return attach(options)


def _stop(options: Namespace) -> int:
    from daytona_rpc.cli.ending import stop

    return stop(options)


def _sessions(options: Namespace) -> int:
    from daytona_rpc.cli.listing import sessions

    return sessions(options)


def _rm(options: Namespace) -> int:
    from daytona_rpc.cli.ending import rm

    if not options.ids and not options.all_finished:
        return _fail(f"rm: which sessions? (see {_PROG} rm --help)", USAGE)
    return rm(options)


def _doctor(options: Namespace) -> int:
    from daytona_rpc.cli.doctor import doctor

    return doctor(options)


def _completion(options: Namespace) -> int:
    from daytona_rpc.cli.completion import completion

    return completion(options)


COMMANDS = {
    "run": Command(
        "Run a command, with its output and input here, and end with its exit code.",
        _run_options,
        _run,
        example="One word behind -- is shell text, several are a program and its arguments:\n"
        f"  {_PROG} run -- 'npm ci && npm test'\n"
        f"  {_PROG} run --session shop -- npm test",
    ),
    "ps": Command("List the commands that run, the newest first.", _ps_options, _ps),
    "logs": Command("Write a command's log.", _logs_options, _logs),
    "attach": Command(
        "Follow a command and give it input; Ctrl-C leaves it running.", _attach_options, _attach
    ),
    "stop": Command("Stop commands with all their processes.", _stop_options, _stop),
    "sessions": Command("List the sessions, the newest first.", _sessions_options, _sessions),
    "rm": Command("Delete sessions with their logs; what runs in them is stopped.", _rm_options, _rm),
    "doctor": Command("Look for what is wrong, and say how to mend it.", _doctor_options, _doctor),
    "completion": Command(
        "Print a script that completes commands, options and ids.",
        _completion_options,
        _completion,
        example=f'bash: eval "$({_PROG} completion bash)"\n'
        f'zsh:  eval "$({_PROG} completion zsh)"\n'
        f"fish: {_PROG} completion fish | source",
    ),
}
