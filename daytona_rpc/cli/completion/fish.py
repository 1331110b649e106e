"""The completion script for fish."""

from __future__ import annotations

from shlex import quote

from daytona_rpc import settings
from daytona_rpc.cli.completion import DIRECTORIES, FILES, NOTHING, Spec

_SCRIPT = """\
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


def script(found: list[Spec]) -> str:
    """The script, to be sourced."""

    def arguments(value: str, words: tuple[str, ...]) -> str:
        if words:
            return f" -a {quote(' '.join(words))}"
        by_value = {
            DIRECTORIES: " -a '(__fish_complete_directories)'",
            FILES: " -F",
            NOTHING: "",
        }
        return by_value.get(value, f" -a '(__daytona_rpc_ids {value})'")

    lines = [_SCRIPT % {"state": quote(settings.state_dir())}]
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
