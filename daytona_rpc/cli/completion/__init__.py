"""`completion`: scripts for bash, zsh and fish, made from the same parsers that read the arguments.

Ids are completed from the names in the state directory: that takes no time, and no server.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from typing import NamedTuple

from daytona_rpc.cli import commands
from daytona_rpc.cli.output import STDOUT, Output

DIRECTORIES = "directories"
FILES = "files"
SESSIONS = "sessions"
COMMANDS = "commands"
RUNNING = "running"
NOTHING = ""

_BY_OPTION = {
    "--cwd": DIRECTORIES,
    "--state-dir": DIRECTORIES,
    "--log-file": FILES,
    "--session": SESSIONS,
}
_BY_COMMAND = {"logs": COMMANDS, "attach": RUNNING, "stop": RUNNING, "rm": SESSIONS}
_WORDS_BY_OPTION = {"--log-level": ("debug", "info", "warning", "error")}


class Option(NamedTuple):
    """One option of a command."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    value: str
    """What its value is: one of the words above."""
    words: tuple[str, ...]
    """The values there are, if they are known."""


class Spec(NamedTuple):
    """What can follow a command."""

    name: str
    summary: str
    options: list[Option]
    value: str
    words: tuple[str, ...]


def completion(options: Namespace) -> int:
    """Print the script for `options.shell`."""
    from daytona_rpc.cli.completion import bash, fish, zsh

    scripts = {"bash": bash.script, "zsh": zsh.script, "fish": fish.script}
    output = Output()
    output.put(STDOUT, scripts[options.shell](specs()).encode())
    output.write_all()
    return 0


def specs() -> list[Spec]:
    """What the parsers know."""
    return [_spec(name, command) for name, command in commands.COMMANDS.items()]


def _spec(name: str, command: commands.Command) -> Spec:
    options, words = [], ()
    for action in commands.parser(name, command)._actions:
        choices = tuple(action.choices or ())
        if not action.option_strings:
            words = choices
            continue
        long = action.option_strings[-1]
        options.append(
            Option(
                tuple(action.option_strings),
                "show this help" if long == "--help" else action.help or "",
                action.nargs != 0 and not isinstance(action, argparse._HelpAction),
                _BY_OPTION.get(long, NOTHING),
                choices or _WORDS_BY_OPTION.get(long, ()),
            )
        )
    return Spec(name, command.summary.rstrip("."), options, _BY_COMMAND.get(name, NOTHING), words)
