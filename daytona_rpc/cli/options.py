"""The options of each command."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError

LEVELS = ("debug", "info", "warning", "error")

_ID_HELP = "its id, or the beginning of it"
_MOST_S = 2_147_483.0


def server(parser: ArgumentParser) -> None:
    """The options that are passed on to the server."""
    group = parser.add_argument_group("the server")
    group.add_argument("--state-dir", metavar="DIR", help="where sessions and logs are kept")
    group.add_argument("--log-file", metavar="FILE", help="the server's own log")
    group.add_argument("--log-level", metavar="LEVEL", choices=LEVELS, help=", ".join(LEVELS))


def run(parser: ArgumentParser) -> None:
    parser.usage = "daytona-rpc run [options] -- COMMAND..."
    parser.add_argument("--sandbox", metavar="ID", help="where to run it; this machine by default")
    parser.add_argument(
        "--session", metavar="ID", help="the session to run it in, made if there is none; by default its own"
    )
    parser.add_argument(
        "--cwd", metavar="DIR", help="its directory; by default this one, with --session the session's"
    )
    parser.add_argument(
        "--env",
        metavar="NAME[=VALUE]",
        action="append",
        default=[],
        help="a variable for it; without a value, the one it has here",
    )
    parser.add_argument("-t", "--tty", action="store_true", help="run it on a terminal, as an editor needs")
    parser.add_argument("-d", "--detach", action="store_true", help="print its id and leave it running")
    parser.add_argument("-n", "--no-stdin", action="store_true", help="give it no input")
    parser.add_argument("-q", "--quiet", action="store_true", help="no line about its end")
    parser.add_argument(
        "--timeout", metavar="SECONDS", type=_seconds, help="stop it after so long, with exit code 124"
    )
    parser.add_argument("--json", action="store_true", help="write what the server says, an object a line")


def ps(parser: ArgumentParser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="also those that have ended")
    parser.add_argument("--session", metavar="ID", help="only those of this session")
    parser.add_argument("--json", action="store_true", help="an object a line")


def _log(parser: ArgumentParser) -> None:
    parser.add_argument("id", metavar="ID", help=_ID_HELP)
    parser.add_argument("--offset", metavar="N", type=_count, help="begin at this byte")
    parser.add_argument("--tail", metavar="N", type=_count, help="begin so many lines before the end")


def logs(parser: ArgumentParser) -> None:
    _log(parser)
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the command ends")
    parser.add_argument("--channel", choices=("stdout", "stderr", "pty"), help="only what went there")
    parser.add_argument("--json", action="store_true", help="write chunks, an object a line")


def attach(parser: ArgumentParser) -> None:
    _log(parser)
    parser.add_argument("-n", "--no-stdin", action="store_true", help="give it no input")
    parser.add_argument("-q", "--quiet", action="store_true", help="no line about its end")


def stop(parser: ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="+", help=_ID_HELP)
    parser.add_argument(
        "--grace", metavar="SECONDS", type=_seconds, default=5.0, help="then it is killed; 5 by default"
    )


def sessions(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="an object a line")


def rm(parser: ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", help=_ID_HELP)
    parser.add_argument("--all-finished", action="store_true", help="all in which nothing runs")


def doctor(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="an object a line")


def completion(parser: ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")


def _count(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else -1
    if number < 0:
        raise ArgumentTypeError(f"{text!r} is not a number")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number <= _MOST_S:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds")
    return number
