"""`completion`: scripts for bash, zsh and fish, made from the same parsers that read the arguments.

Ids are completed from the names in the state directory: that takes no time, and no server.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Iterator
from shlex import quote
from typing import NamedTuple

from daytona_rpc import settings
from daytona_rpc.cli import commands
from daytona_rpc.cli.output import STDOUT, Output

_DIRECTORIES = "directories"
_FILES = "files"
_SESSIONS = "sessions"
_COMMANDS = "commands"
_RUNNING = "running"
_NOTHING = ""

_BY_OPTION = {
    "--cwd": _DIRECTORIES,
    "--state-dir": _DIRECTORIES,
    "--log-file": _FILES,
    "--session": _SESSIONS,
}
_BY_COMMAND = {"logs": _COMMANDS, "attach": _RUNNING, "stop": _RUNNING, "rm": _SESSIONS}
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
    output = Output()
    output.put(STDOUT, _SHELLS[options.shell](specs()).encode())
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
                _BY_OPTION.get(long, _NOTHING),
                choices or _WORDS_BY_OPTION.get(long, ()),
            )
        )
    return Spec(name, command.summary.rstrip("."), options, _BY_COMMAND.get(name, _NOTHING), words)


# bash

_BASH = """\
# bash completion of daytona-rpc
_daytona_rpc_ids() {
    local state=${DAYTONA_RPC_STATE_DIR:-%(state)s} path
    case $1 in
        commands) set -- "$state"/commands/* ;;
        running) set -- "$state"/sessions/*/active/*.json ;;
        sessions) set -- "$state"/sessions/* ;;
    esac
    for path; do
        if [[ -e $path || -L $path ]]; then
            path=${path##*/}
            printf '%%s\\n' "${path%%.json}"
        fi
    done
}
_daytona_rpc() {
    local IFS=$'\\n' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} name=${COMP_WORDS[1]} i
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        COMPREPLY=($(compgen -W '%(names)s' -- "$cur"))
        return
    fi
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ $name == run && ${COMP_WORDS[i]} == -- ]]; then
            if ((i + 1 == COMP_CWORD)); then
                COMPREPLY=($(compgen -c -- "$cur"))
            else
                compopt -o filenames 2>/dev/null
                COMPREPLY=($(compgen -f -- "$cur"))
            fi
            return
        fi
    done
    case $name:$prev in
%(values)s
    esac
    if [[ $cur == -* ]]; then
        case $name in
%(options)s
        esac
        return
    fi
    case $name in
%(arguments)s
    esac
}
complete -F _daytona_rpc daytona-rpc
"""


def _bash(found: list[Spec]) -> str:
    def reply(value: str, words: tuple[str, ...]) -> str:
        if words:
            return f"COMPREPLY=($(compgen -W '{_lines(words)}' -- \"$cur\"))"
        if value in (_DIRECTORIES, _FILES):
            kind = "-d" if value == _DIRECTORIES else "-f"
            return f'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen {kind} -- "$cur"))'
        return f'COMPREPLY=($(compgen -W "$(_daytona_rpc_ids {value})" -- "$cur"))' if value else ":"

    values, options, arguments = [], [], []
    for spec in found:
        names = [name for option in spec.options for name in option.names]
        options.append(f"            {spec.name}) {reply('', tuple(names))} ;;")
        if spec.value or spec.words:
            arguments.append(f"        {spec.name}) {reply(spec.value, spec.words)} ;;")
        for option in spec.options:
            if option.takes_value:
                patterns = "|".join(f"{spec.name}:{name}" for name in option.names)
                values.append(f"        {patterns}) {reply(option.value, option.words)}; return ;;")
    return _BASH % {
        "state": quote(settings.state_dir()),
        "names": _lines(spec.name for spec in found),
        "values": "\n".join(values),
        "options": "\n".join(options),
        "arguments": "\n".join(arguments),
    }


def _lines(words: Iterator[str] | tuple[str, ...]) -> str:
    return "\n".join(words)


# zsh

_ZSH = """\
#compdef daytona-rpc
_daytona_rpc_ids() {
    local state=${DAYTONA_RPC_STATE_DIR:-%(state)s}
    local -a found
    case $argv[-1] in
        commands) found=("$state"/commands/*(N:t)) ;;
        running) found=("$state"/sessions/*/active/*.json(N:t:r)) ;;
        sessions) found=("$state"/sessions/*(N:t)) ;;
    esac
    compadd "${@[1,-2]}" -a found
}
_daytona_rpc() {
    local curcontext=$curcontext state line
    local -a names
    names=(
%(names)s
    )
    if ((CURRENT == 2)); then
        _describe -t commands command names
        return
    fi
    local name=$words[2] end=${words[(i)--]}
    if [[ $name == run ]] && ((end < CURRENT)); then
        shift end words
        ((CURRENT -= end))
        _normal
        return
    fi
    shift words
    ((CURRENT -= 1))
    case $name in
%(cases)s
    esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _daytona_rpc "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
    compdef _daytona_rpc daytona-rpc
fi
"""


def _zsh(found: list[Spec]) -> str:
    def action(value: str, words: tuple[str, ...]) -> str:
        if words:
            return f"({' '.join(words)})"
        plain = {_DIRECTORIES: "_files -/", _FILES: "_files", _NOTHING: " "}
        return plain.get(value, f"_daytona_rpc_ids {value}")

    cases = []
    for spec in found:
        arguments = []
        for option in spec.options:
            text = option.help.replace("[", "(").replace("]", ")").replace(":", "\\:")
            value = f":value:{action(option.value, option.words)}" if option.takes_value else ""
            arguments += [quote(f"{name}[{text}]{value}") for name in option.names]
        if spec.value or spec.words:
            arguments.append(quote(f"*:argument:{action(spec.value, spec.words)}"))
        joined = " \\\n                ".join(arguments)
        cases.append(f"        {spec.name})\n            _arguments -s \\\n                {joined} ;;")
    return _ZSH % {
        "state": quote(settings.state_dir()),
        "names": "\n".join("        " + quote(f"{spec.name}:{spec.summary}") for spec in found),
        "cases": "\n".join(cases),
    }


# fish

_FISH = """\
# fish completion of daytona-rpc
function __daytona_rpc_ids
    set -l state %(state)s
    set -q DAYTONA_RPC_STATE_DIR; and set state $DAYTONA_RPC_STATE_DIR
    switch $argv[1]
        case commands
            set -l found $state/commands/*
            string replace -r '.*/' '' -- $found
        case running
            set -l found $state/sessions/*/active/*.json
            string replace -r '.*/(.*)\\.json$' '$1' -- $found
        case sessions
            set -l found $state/sessions/*
            string replace -r '.*/' '' -- $found
    end
end
complete -c daytona-rpc -f
"""


def _fish(found: list[Spec]) -> str:
    def arguments(value: str, words: tuple[str, ...]) -> str:
        if words:
            return f" -a {quote(' '.join(words))}"
        by_value = {
            _DIRECTORIES: " -a '(__fish_complete_directories)'",
            _FILES: " -F",
            _NOTHING: "",
        }
        return by_value.get(value, f" -a '(__daytona_rpc_ids {value})'")

    lines = [_FISH % {"state": quote(settings.state_dir())}]
    for spec in found:
        head = "complete -c daytona-rpc -n"
        lines.append(f"{head} __fish_use_subcommand -a {spec.name} -d {quote(spec.summary)}\n")
        inside = f"{head} '__fish_seen_subcommand_from {spec.name}'"
        if spec.value or spec.words:
            lines.append(f"{inside}{arguments(spec.value, spec.words)}\n")
        for option in spec.options:
            names = "".join(
                f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}" for name in option.names
            )
            value = " -r" + arguments(option.value, option.words) if option.takes_value else ""
            lines.append(f"{inside}{names}{value} -d {quote(option.help)}\n")
    return "".join(lines)


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}
