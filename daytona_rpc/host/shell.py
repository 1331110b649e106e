"""Starting a session's commands from the shell state the one before left.

There is no long-lived shell. Each command runs in a fresh one, whose prelude (a file in `shells/`) restores
what was saved; then the user's text is evaluated, and a synchronous command's epilogue saves what it leaves.

What is not carried: traps, jobs, limits, positional parameters, what `exec` leaves behind; in sh, functions.
"""

from __future__ import annotations

import errno
import os

from .shellstate import SECRETS, State, is_name, write

TYPE_CHECKING = False  # as typing has it: importing it costs more than all else here
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Launch = tuple[list[str], dict[str, str], str]
    """Arguments (the first is the program's path), environment and directory of a process to start."""

__all__ = ["State", "find_shell", "launch", "launch_argv"]

_KINDS = {"bash": "bash", "zsh": "zsh", "sh": "sh", "dash": "sh", "ash": "sh"}
_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shells")
_TEXT_MAX_BYTES = 96 << 10  # Linux takes 128 KiB in one argument
_VALUE_MAX_BYTES = 32 << 10  # longer ones are in the saved variables

# Nothing of the code that saves may be seen on the user's outputs, even when tracing.
_WRAPPERS = {
    "bash": '\\. %(prelude)s; __daytona_rpc "$__daytona_rpc_text"; \\builtin eval -- "$_"; %(saving)s',
    "sh": '. %(prelude)s; eval "$__daytona_rpc_text"; %(saving)s',
    "zsh": 'builtin source %(prelude)s; builtin eval "$__daytona_rpc_text"',
}
_OPTIONS = {"zsh": ["-f"]}
_SAVES = {
    "bash": "{ __daytona_rpc_s=$? __daytona_rpc_o=$SHELLOPTS __daytona_rpc_b=$BASHOPTS POSIXLY_CORRECT=y; "
    "\\. %(epilogue)s %(save)s; } >/dev/null 2>&1",
    "sh": "{ __daytona_rpc_s=$?; __daytona_rpc_e=%(epilogue)s; __daytona_rpc_f=%(save)s; "
    '\\. "$__daytona_rpc_e"; } >/dev/null 2>&1',
    "zsh": "builtin source %(epilogue)s %(save)s",
}


def find_shells(env: Mapping[str, str]) -> list[str]:
    """The paths of all shells whose state can be carried; the user's own is first."""
    search = env.get("PATH", os.defpath)
    found = [find_shell(env), *(_which(name, search, "/") for name in _KINDS)]
    return list(dict.fromkeys(path for path in found if path))


def find_shell(env: Mapping[str, str]) -> str:
    """The path of the user's shell if its state can be carried, else of bash, else of sh."""
    own = env.get("SHELL", "")
    if os.path.basename(own) in _KINDS and os.path.isabs(own) and _is_program(own):
        return own
    for path in (_which("bash", env.get("PATH", os.defpath), "/"), "/bin/bash", "/usr/bin/bash"):
        if path and _is_program(path):
            return path
    return "/bin/sh"


def launch(
    shell: str,
    text: str,
    state: State,
    *,
    save: str | None = None,
    cwd: str | None = None,
    env: Mapping[str, str | None] | None = None,
) -> Launch:
    """What to start so that the shell runs a text from a state.

    Args:
        save: a path "new-..." in the directory of the state, not yet there, for `State.commit` at the end of
            the command; None for a command that leaves no trace.
        cwd: directory for this command alone, absolute or relative to the state's.
        env: variables for this command alone; None removes one.

    Raises:
        OSError: what the shell needs cannot be written, or no process can be given such text or variables.
    """
    given = dict(env or {})
    size = len(_encoded(text, "command"))
    kind = _KINDS.get(os.path.basename(shell), "sh")
    process_env, directory = _surroundings(state, cwd, given)
    if kind == "bash":
        _prepare_bash(process_env, given, bool(state.vars))
    if kind == "zsh" and "OLDPWD" in process_env:
        process_env["__daytona_rpc_oldpwd"] = process_env["OLDPWD"]
    for name, value in state.env.items() if state.vars else ():
        if len(value) > _VALUE_MAX_BYTES and name not in given:
            process_env.pop(name, None)
    names = " ".join("-" * (value is None) + name for name, value in given.items() if is_name(name))
    path = ""
    if size > _TEXT_MAX_BYTES:
        path = os.path.join(state.directory, "new-text-" + os.urandom(8).hex())
        write(path, os.fsencode(text))
        text = ""
    saving = ""
    if save is not None:
        state.reserve(save, kind, None if cwd is None else directory, given)
        saving = _SAVES[kind] % {"epilogue": _file("epilogue", kind), "save": _quote(save)}
    wrapper = _WRAPPERS[kind] % {"prelude": _file("prelude", kind), "saving": saving}
    arguments = [os.path.basename(shell), state.vars, saving, names, path, text]
    return [shell, *_OPTIONS.get(kind, ()), "-c", wrapper, *arguments], process_env, directory


def launch_argv(
    argv: Sequence[str],
    state: State,
    *,
    cwd: str | None = None,
    env: Mapping[str, str | None] | None = None,
) -> Launch:
    """What to start so that a program runs from a state, without a shell; arguments as for `launch`.

    Raises:
        OSError: there is no such program, or no process can be given such arguments or variables.
    """
    for argument in argv:
        _encoded(argument, "argv")
    process_env, directory = _surroundings(state, cwd, env or {})
    program = _which(argv[0], process_env.get("PATH", os.defpath), directory)
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    return [program, *argv[1:]], process_env, directory


def _surroundings(
    state: State, cwd: str | None, given: Mapping[str, str | None]
) -> tuple[dict[str, str], str]:
    directory = state.cwd if cwd is None else os.path.join(state.cwd, cwd)
    env = {name: os.environ[name] for name in SECRETS if name in os.environ}
    env.update(state.env)
    env.pop("PWD", None)
    if os.path.normpath(directory) == directory:
        env["PWD"] = directory  # keeps the name of a directory that is reached by a symbolic link
    for name, value in given.items():
        if not name or "=" in name:
            raise OSError(errno.EINVAL, "not a name for a variable", name)
        _encoded(name + (value or ""), name)
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env, directory


def _encoded(text: str, what: str) -> bytes:
    try:
        data = os.fsencode(text)
    except UnicodeEncodeError:
        raise OSError(errno.EINVAL, "holds half a character", what) from None
    if b"\0" in data:
        raise OSError(errno.EINVAL, "holds a NUL character", what)
    return data


def _prepare_bash(env: dict[str, str], given: Mapping[str, str | None], restored: bool) -> None:
    """Leave to the prelude what bash would act on before it."""
    for name in [name for name in env if name.startswith("BASH_FUNC_") and name not in given]:
        if restored or name == "BASH_FUNC_builtin%%":
            del env[name]
    if restored:
        env.pop("SHELLOPTS", None)
        env.pop("BASHOPTS", None)
        if "BASH_ENV" in env and "BASH_ENV" not in given:
            env["__daytona_rpc_bash_env"] = env.pop("BASH_ENV")


def _file(part: str, kind: str) -> str:
    return _quote(os.path.join(_FOLDER, f"{part}.{kind}"))


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _which(program: str, search: str, cwd: str) -> str | None:
    """Where a program is; a relative path counts from the command's directory."""
    if "/" in program:
        return os.path.join(cwd, program)
    for folder in search.split(":"):
        path = os.path.join(cwd, folder, program)
        if _is_program(path):
            return path
    return None


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
