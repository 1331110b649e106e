"""The completion script for zsh."""

from __future__ import annotations

from shlex import quote

from daytona_rpc import settings
from daytona_rpc.cli.completion import DIRECTORIES, FILES, NOTHING, Spec

_SCRIPT = """\
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


def script(found: list[Spec]) -> str:
    """The script, to be sourced."""

    def action(value: str, words: tuple[str, ...]) -> str:
        if words:
            return f"({' '.join(words)})"
        plain = {DIRECTORIES: "_files -/", FILES: "_files", NOTHING: " "}
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
    return _SCRIPT % {
        "state": quote(settings.state_dir()),
        "names": "\n".join("        " + quote(f"{spec.name}:{spec.summary}") for spec in found),
        "cases": "\n".join(cases),
    }
