"""The completion script for bash."""

from __future__ import annotations

from collections.abc import Iterable
from shlex import quote

from daytona_rpc import settings
from daytona_rpc.cli.completion import DIRECTORIES, FILES, Spec

_SCRIPT = """\
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


def script(found: list[Spec]) -> str:
    """The script, to be sourced."""

    def reply(value: str, words: tuple[str, ...]) -> str:
        if words:
            return f"COMPREPLY=($(compgen -W '{_lines(words)}' -- \"$cur\"))"
        if value in (DIRECTORIES, FILES):
            kind = "-d" if value == DIRECTORIES else "-f"
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
    return _SCRIPT % {
        "state": quote(settings.state_dir()),
        "names": _lines(spec.name for spec in found),
        "values": "\n".join(values),
        "options": "\n".join(options),
        "arguments": "\n".join(arguments),
    }


def _lines(words: Iterable[str]) -> str:
    return "\n".join(words)
