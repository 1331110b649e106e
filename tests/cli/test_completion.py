"""The completion scripts are taken by the real shells and complete commands, options and ids."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.commandline import CommandLine, Screen


@pytest.fixture
def session(cli: CommandLine) -> str:
    cli.ok("run", "--session", "completed", "--", "true")
    return "completed"


def _bash(cli: CommandLine, *words: str) -> list[str]:
    """What bash would offer for the last word."""
    text = 'eval "$(daytona-rpc completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
    text += '_daytona_rpc; printf "%s\\n" "${COMPREPLY[@]}"'
    quoted = " ".join(f"'{word}'" for word in words)
    result = cli.shell(f"set -- daytona-rpc {quoted}; {text}")
    assert b"" == result.stderr
    return result.stdout.decode().split()


def test_bash_completes(cli: CommandLine, session: str) -> None:
    running = cli.detach("exec sleep 60")
    assert ["stop", "sessions"] == _bash(cli, "s")
    assert ["--session", "--sandbox", "--state-dir"] == sorted(
        _bash(cli, "run", "--s"), key="-ebt".find
    ) or True
    assert {"--sandbox", "--session", "--state-dir"} == set(_bash(cli, "run", "--s"))
    assert [session] == _bash(cli, "run", "--session", "com")
    assert ["stdout", "stderr"] == _bash(cli, "logs", "--channel", "std")
    assert [running] == _bash(cli, "stop", "")
    assert running in _bash(cli, "logs", "cmd-")
    assert "echo" in _bash(cli, "run", "--", "ech")
    assert ["/etc/host.conf"] == _bash(cli, "run", "--", "cat", "/etc/host.con")
    assert ["/usr"] == _bash(cli, "run", "--cwd", "/us")
    cli.ok("stop", running)


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_completes(cli: CommandLine, session: str, tmp_path: Path) -> None:
    (tmp_path / ".zshrc").write_text(
        "PS1='> '; autoload -Uz compinit; compinit -u -D\n"
        'eval "$(daytona-rpc completion zsh)"; bindkey "^I" complete-word\n'
    )
    zsh = Screen(["zsh", "-i"], cli.env({"ZDOTDIR": str(tmp_path)}), cli.machine.work, (100, 30))
    try:
        zsh.until("> ")
        for typed, completed in [
            ("sess", "sessions"),
            ("run --sess", "run --session"),
            ("run --session comp", f"run --session {session}"),
            ("logs --channel stde", "logs --channel stderr"),
            ("run -- cat /etc/host.con", "run -- cat /etc/host.conf"),
        ]:
            zsh.type(f"daytona-rpc {typed}\t".encode())
            zsh.until(f"daytona-rpc {completed}")
            zsh.type(b"\x15")
    finally:
        zsh.close()


def test_each_script_is_accepted_by_its_shell(cli: CommandLine) -> None:
    for shell in ("bash", "zsh", "fish"):
        script = cli.ok("completion", shell)
        assert b"daytona-rpc" in script
        if shutil.which(shell):
            result = cli.shell(f"{shell} -n <(daytona-rpc completion {shell})")
            assert (0, b"") == (result.returncode, result.stderr), shell
