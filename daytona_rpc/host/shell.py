"""The shell state of a session, carried from one synchronous command to the next.

There is no long-lived shell. Each command runs in a fresh one, whose prelude (a file in `shells/`) restores
what was saved and evaluates the user's text; a synchronous command's epilogue saves what it leaves.

    state/                  0700
      <n>/                  the state after n saves; the highest number counts
        env                 records ended by NUL: the working directory, then the exported NAME=VALUE
        vars                text for the shell: all that execve does not carry
      new-.../              what a running command saves; renamed to <n> once it is complete

A saved state is never changed, so an asynchronous command gets the whole state of the moment it started.
What is not carried: traps, jobs, limits, positional parameters, and shells that were replaced by `exec`.
"""

from __future__ import annotations

import errno
import os
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

SECRETS = ("DAYTONA_API_KEY", "DAYTONA_JWT_TOKEN")
"""Never written to disk: each command gets them from the environment of the host."""
_PER_COMMAND = ("DAYTONA_RPC_SESSION_ID", "DAYTONA_RPC_COMMAND_ID", "DAYTONA_RPC_SESSION_DIR")
_NOT_KEPT = frozenset((*SECRETS, *_PER_COMMAND, "PWD", "_", "SHLVL"))
_KINDS = {"bash": "bash"}
_SHELLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "shells")
_END = "=end"
_VARS_END = b"# end\n"
_TEXT_MAX_BYTES = 96 << 10  # Linux takes 128 KiB in one argument
_VALUE_MAX_BYTES = 32 << 10  # longer ones are left to vars: execve takes not all at once
_GENERATIONS = 8  # a command may still have to read the state it was started from

Launch = Tuple[List[str], Dict[str, str], str]
"""Arguments (the first is the program's path), environment and directory of a process to start."""


def find_shell(env: Mapping[str, str]) -> str:
    """The path of the user's shell if its state can be carried, else of bash, else of sh."""
    own = env.get("SHELL", "")
    if os.path.basename(own) in _KINDS and os.path.isabs(own) and _is_program(own):
        return own
    for path in (_which("bash", env.get("PATH", os.defpath), "/"), "/bin/bash", "/usr/bin/bash"):
        if path and _is_program(path):
            return path
    return "/bin/sh"


class State:
    """What the next command of a session starts from."""

    def __init__(self, directory: str, number: int, cwd: str, env: Dict[str, str]) -> None:
        self.directory = directory
        self.cwd = cwd
        self.env = env
        self._number = number
        self._given: Dict[str, Tuple[Optional[str], Dict[str, Optional[str]]]] = {}

    @property
    def vars(self) -> str:
        """The file of saved variables, or '' before the first save."""
        path = os.path.join(self.directory, str(self._number), "vars")
        return path if os.path.exists(path) else ""

    @classmethod
    def create(cls, directory: str, cwd: str, env: Mapping[str, str]) -> State:
        """Make the first state of a session.

        Raises:
            OSError: it cannot be written.
        """
        os.makedirs(directory, 0o700, exist_ok=True)
        kept = {name: value for name, value in env.items() if name not in _NOT_KEPT or name == "SHLVL"}
        draft = os.path.join(directory, "new")
        os.mkdir(draft, 0o700)
        _write(os.path.join(draft, "env"), _pack(cwd, kept))
        os.rename(draft, os.path.join(directory, "0"))
        return cls(directory, 0, cwd, kept)

    @classmethod
    def load(cls, directory: str) -> State:
        """Read the newest state, and clear away what an earlier host left half done.

        Raises:
            OSError, ValueError: there is none, or it is damaged.
        """
        numbers = []
        for name in os.listdir(directory):
            if name.isdigit():
                numbers.append(int(name))
            else:
                _remove(os.path.join(directory, name))
        if not numbers:
            raise FileNotFoundError(errno.ENOENT, "no shell state", directory)
        number = max(numbers)
        cwd, env, _ = _unpack(os.path.join(directory, str(number), "env"))
        return cls(directory, number, cwd, env)

    def reserve(self, save: str, cwd: Optional[str], env: Mapping[str, Optional[str]]) -> None:
        """Make the directory a command saves to, and remember what is given for that command alone."""
        os.mkdir(save, 0o700)
        for name in ("env", "vars"):
            _write(os.path.join(save, name), b"")  # the shell keeps the mode of a file that is there
        self._given[save] = (cwd, dict(env))

    def commit(self, save: str, *_: object) -> bool:
        """Make what a command saved the state of the session.

        A command that was killed or replaced its shell has not saved all: then nothing changes. Whatever
        the outcome, `save` is gone afterwards.
        """
        given_cwd, given_env = self._given.pop(save, (None, {}))
        try:
            with open(os.path.join(save, "vars"), "rb") as file:
                file.seek(max(0, os.path.getsize(file.fileno()) - len(_VARS_END)))
                if file.read() != _VARS_END:
                    return False
            cwd, saved, plain = _unpack(os.path.join(save, "env"))
            env = self._without_given(save, saved, plain, given_env)
            if given_cwd is not None and _is_same(cwd, given_cwd):
                cwd = self.cwd
                _copy("OLDPWD", self.env, env)
            _write(os.path.join(save, "env"), _pack(cwd, env))
            for name in os.listdir(save):
                if name not in ("env", "vars"):
                    os.unlink(os.path.join(save, name))
            os.rename(save, os.path.join(self.directory, str(self._number + 1)))
        except (OSError, ValueError):
            return False
        finally:
            _remove(save)
        self._number, self.cwd, self.env = self._number + 1, cwd, env
        _remove(os.path.join(self.directory, str(self._number - _GENERATIONS)))
        return True

    def _without_given(
        self, save: str, env: Dict[str, str], plain: Sequence[str], given: Mapping[str, Optional[str]]
    ) -> Dict[str, str]:
        """The saved environment, with what was given for the command alone as it was before.

        What the command changed again stays changed.
        """
        kept = {name: value for name, value in env.items() if name not in _NOT_KEPT}
        for name, value in self.env.items():
            # Shells drop names that are not theirs; and each counts SHLVL up for itself alone.
            if name == "SHLVL" or not (_is_name(name) or name in kept or name.startswith("BASH_FUNC_")):
                kept[name] = value
        for name, passing in given.items():
            if kept.get(name) != passing or name in plain:
                continue
            _copy(name, self.env, kept)
            old = os.path.join(save, "old." + name)
            if _is_name(name) and os.path.exists(old):
                with open(old, "rb") as source, open(os.path.join(save, "vars"), "ab") as file:
                    file.write(source.read() + _VARS_END)
        return kept


def launch(
    shell: str,
    text: str,
    state: State,
    *,
    save: Optional[str] = None,
    cwd: Optional[str] = None,
    env: Optional[Mapping[str, Optional[str]]] = None,
) -> Launch:
    """What to start so that the shell runs a text from a state.

    Args:
        save: a path in the directory of the state, not yet there, for `State.commit` at the end of the
            command; None for one that leaves no trace.
        cwd: directory for this command alone, absolute or relative to the state's.
        env: variables for this command alone; None removes one.

    Raises:
        OSError: what the shell needs cannot be written.
        ValueError: the text holds a NUL.
    """
    if "\0" in text:
        raise ValueError("the text holds a NUL character")
    given = dict(env or {})
    kind = _KINDS.get(os.path.basename(shell), "sh")
    saved = state.vars
    cwd = None if cwd is None else os.path.join(state.cwd, cwd)
    base = _environment(state, cwd, given)
    if saved:
        for name in [name for name, value in state.env.items() if len(os.fsencode(value)) > _VALUE_MAX_BYTES]:
            if name not in given:
                base.pop(name, None)
    if kind == "bash":
        _prepare_bash(base, given, bool(saved))
    names = " ".join("-" * (value is None) + name for name, value in given.items() if _is_name(name))
    path = ""
    if len(os.fsencode(text)) > _TEXT_MAX_BYTES:
        path = os.path.join(state.directory, "new-text-" + os.urandom(8).hex())
        _write(path, os.fsencode(text))
        text = ""
    prelude, epilogue = (os.path.join(_SHELLS, part + kind) for part in ("prelude.", "epilogue."))
    end = ""
    if save is not None:
        state.reserve(save, cwd, given)
        end = _END_OF[kind] % (_quote(epilogue), " ".join([_quote(save), *filter(_is_name, given)]))
    wrapper = _WRAPPERS[kind] % _quote(prelude) + end
    name = os.path.basename(shell)
    argv = [shell, "-c", wrapper, name, saved, end, save or "", names, path, text]
    return argv, base, cwd or state.cwd


def launch_argv(
    argv: Sequence[str],
    state: State,
    *,
    cwd: Optional[str] = None,
    env: Optional[Mapping[str, Optional[str]]] = None,
) -> Launch:
    """What to start so that a program runs from a state, without a shell; arguments as for `launch`.

    Raises:
        OSError: there is no such program.
    """
    cwd = None if cwd is None else os.path.join(state.cwd, cwd)
    base = _environment(state, cwd, env or {})
    program = _which(argv[0], base.get("PATH", os.defpath), cwd or state.cwd)
    if program is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), argv[0])
    return [program, *argv[1:]], base, cwd or state.cwd


_WRAPPERS = {
    "bash": '\\. %s; __daytona_rpc "$__daytona_rpc_text"; \\builtin eval "$_"; ',
}
_END_OF = {
    "bash": "{ __daytona_rpc_s=$? __daytona_rpc_o=$SHELLOPTS __daytona_rpc_b=$BASHOPTS POSIXLY_CORRECT=y; "
    "\\. %s %s; } >/dev/null 2>&1",
}


def _environment(state: State, cwd: Optional[str], given: Mapping[str, Optional[str]]) -> Dict[str, str]:
    env = {name: os.environ[name] for name in SECRETS if name in os.environ}
    env.update(state.env)
    env["PWD"] = cwd or state.cwd  # keeps the name of a directory that is reached by a symbolic link
    for name, value in given.items():
        if value is None:
            env.pop(name, None)
        else:
            env[name] = value
    return env


def _prepare_bash(env: Dict[str, str], given: Mapping[str, Optional[str]], restored: bool) -> None:
    """Leave to the prelude what bash would act on before it."""
    for name in [name for name in env if name.startswith("BASH_FUNC_") and name not in given]:
        if restored or name == "BASH_FUNC_builtin%%":
            del env[name]
    if restored:
        env.pop("SHELLOPTS", None)
        env.pop("BASHOPTS", None)
        if "BASH_ENV" in env and "BASH_ENV" not in given:
            env["__daytona_rpc_bash_env"] = env.pop("BASH_ENV")


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _which(program: str, search: str, cwd: str) -> Optional[str]:
    """Where a program is; a relative path counts from the command's directory."""
    if "/" in program:
        return os.path.join(cwd, program)
    for folder in search.split(":"):
        path = os.path.join(cwd, folder, program)
        if _is_program(path):
            return path
    return None


def _is_name(name: str) -> bool:
    return name.isascii() and name.isidentifier()


def _is_same(one: str, other: str) -> bool:
    try:
        return one == other or os.path.samefile(one, other)
    except OSError:
        return False


def _quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _copy(name: str, source: Mapping[str, str], target: Dict[str, str]) -> None:
    if name in source:
        target[name] = source[name]
    else:
        target.pop(name, None)


def _pack(cwd: str, env: Mapping[str, str]) -> bytes:
    records = [cwd, *(f"{name}={value}" for name, value in env.items()), _END, ""]
    return os.fsencode("\0".join(records))


def _unpack(path: str) -> Tuple[str, Dict[str, str], List[str]]:
    """The directory, the environment, and names (as "=NAME") of variables that are set but not exported.

    Raises:
        ValueError: it is incomplete.
    """
    with open(path, "rb") as file:
        records = os.fsdecode(file.read()).split("\0")
    if records[-2:] != [_END, ""]:
        raise ValueError(f"{path} is incomplete")
    env = {}
    plain = []
    for record in records[1:-2]:
        name, _, value = record.partition("=")
        if name:
            env[name] = value
        else:
            plain.append(value)
    return records[0], env, plain


def _write(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(data)


def _remove(path: str) -> None:
    try:
        if os.path.isdir(path):
            for name in os.listdir(path):
                os.unlink(os.path.join(path, name))
            os.rmdir(path)
        else:
            os.unlink(path)
    except OSError:
        pass
