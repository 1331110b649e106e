"""What the next command of a session starts from, on disk and in memory.

    state/              0700, its files 0600
      env.<n>           the state after n saves: records ended by NUL, the working directory, then NAME=VALUE
      vars.<n>          text for the shell: what execve does not carry
      new-...           what a running command saves, a long text it has still to read

The highest n counts. A state is not changed once it is there, so that an asynchronous command gets the state
of the moment it started; some older ones stay for those that have not read theirs yet.
"""

from __future__ import annotations

import errno
import os

from . import shelldump

TYPE_CHECKING = False  # as typing has it: importing it costs more than all else here
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeVar

    _Text = TypeVar("_Text", str, bytes)

SECRETS = ("DAYTONA_API_KEY", "DAYTONA_JWT_TOKEN")
"""Never written to disk: each command gets them from the environment of the host."""

_PER_COMMAND = ("DAYTONA_RPC_SESSION_ID", "DAYTONA_RPC_COMMAND_ID", "DAYTONA_RPC_SESSION_DIR")
_KEPT_STATES = 8


class State:
    """The directory, environment and variables of a session; `cwd` and `env` are for reading only."""

    def __init__(self, directory: str, number: int, cwd: str, env: dict[str, str]) -> None:
        self.directory = directory
        self.cwd = cwd
        self.env = env
        self._number = number
        self._variables: dict[bytes, bytes] | None = {} if number == 0 else None
        # By save: the kind of shell, and the directory and variables given for that command alone.
        self._given: dict[str, tuple[str, str | None, dict[str, str | None]]] = {}

    @property
    def vars(self) -> str:
        """The file to restore from in a shell, or '' before the first save."""
        return self._path("vars", self._number) if self._number else ""

    @classmethod
    def create(cls, directory: str, cwd: str, env: Mapping[str, str]) -> State:
        """Make the first state of a session.

        Raises:
            OSError: it cannot be written.
        """
        os.makedirs(directory, 0o700, exist_ok=True)
        kept = {k: v for k, v in env.items() if k not in SECRETS and k not in _PER_COMMAND}
        state = cls(directory, 0, cwd, kept)
        state._write_env(0, cwd, kept)
        return state

    @classmethod
    def load(cls, directory: str) -> State:
        """Read the newest state, and clear away what an earlier host left half done.

        Raises:
            OSError: there is none that can be read.
        """
        numbers = []
        for name in os.listdir(directory):
            if name.startswith("env."):
                numbers.append(int(name[4:]))
            elif not name.startswith("vars."):
                _unlink(os.path.join(directory, name))
        for number in sorted(numbers, reverse=True):
            with open(os.path.join(directory, f"env.{number}"), "rb") as file:
                records = os.fsdecode(file.read()).split("\0")
            if records.pop() == "":  # else cut short by a crash of the machine
                env = dict(record.split("=", 1) for record in records[1:])
                return cls(directory, number, records[0], env)
        raise FileNotFoundError(errno.ENOENT, "no shell state", directory)

    def reserve(self, save: str, kind: str, cwd: str | None, env: Mapping[str, str | None]) -> None:
        """Make the file a command saves to, and remember what is given for that command alone."""
        write(save, b"")  # the shell keeps the mode of a file that is there
        self._given[save] = (kind, cwd, dict(env))

    def commit(self, save: str) -> bool:
        """Make what a command saved the state of the session; `save` is gone afterwards.

        A command that was killed or replaced its shell has not saved all: then nothing changes.
        """
        if save not in self._given:
            return False
        kind, given_cwd, given_env = self._given.pop(save)
        try:
            with open(save, "rb") as file:
                dump = shelldump.read(kind, file.read())
            cwd = os.fsdecode(dump.cwd)
            env = {os.fsdecode(name): os.fsdecode(value) for name, value in dump.env.items()}
            self._keep_foreign(env)
            self._take_back(given_env, env, dump.variables)
            if given_cwd is not None and _is_same(cwd, given_cwd):
                cwd = self.cwd
                _copy("OLDPWD", self.env, env)
            number = self._number + 1
            write(self._path("vars", number), b"\n".join([*dump.variables.values(), dump.rest]))
            self._write_env(number, cwd, env)
        except (OSError, ValueError):
            return False
        finally:
            _unlink(save)
        self._number, self.cwd, self.env, self._variables = number, cwd, env, dump.variables
        _unlink(self._path("env", number - _KEPT_STATES))
        _unlink(self._path("vars", number - _KEPT_STATES))
        return True

    def _keep_foreign(self, env: dict[str, str]) -> None:
        """Shells drop names that are not theirs; and SHLVL each counts up for itself alone."""
        for name, value in self.env.items():
            if name == "SHLVL" or not (is_name(name) or name.startswith("BASH_FUNC_")):
                env.setdefault(name, value)

    def _take_back(
        self, given: Mapping[str, str | None], env: dict[str, str], variables: dict[bytes, bytes]
    ) -> None:
        """Put back what was given for the command alone, unless the command has changed it again."""
        for name, value in given.items():
            key = os.fsencode(name)
            statement = variables.get(key, b"unset")
            if env.get(name) == value and (value is not None or statement.startswith(b"unset")):
                _copy(name, self.env, env)
                _copy(key, self._before(), variables)

    def _before(self) -> dict[bytes, bytes]:
        if self._variables is None:
            with open(self.vars, "rb") as file:
                found = shelldump.declarations(file.read())
            self._variables = {name: statement for _, name, _, statement in found}
        return self._variables

    def _path(self, name: str, number: int) -> str:
        return os.path.join(self.directory, f"{name}.{number}")

    def _write_env(self, number: int, cwd: str, env: Mapping[str, str]) -> None:
        draft = os.path.join(self.directory, "new")
        records = [cwd, *(f"{name}={value}" for name, value in env.items()), ""]
        write(draft, os.fsencode("\0".join(records)))
        os.rename(draft, self._path("env", number))


def is_name(name: str) -> bool:
    """Whether a shell can have a variable of that name."""
    return name.isascii() and name.isidentifier()


def _is_same(one: str, other: str) -> bool:
    try:
        return one == other or os.path.samefile(one, other)
    except OSError:
        return False


def _copy(name: _Text, source: Mapping[_Text, _Text], target: dict[_Text, _Text]) -> None:
    if name in source:
        target[name] = source[name]
    else:
        target.pop(name, None)


def write(path: str, data: bytes) -> None:
    """Write a file for the owner alone."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(data)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
