"""Where everything lies in the state directory, and how its files are written.

STATE/                              0700
  commands/<command id>             symbolic link to the command's directory: the claim on its id
  sessions/<session id>/
    session.json                    the session's record
    lock                            locked by the host while it lives
    sock                            the host's control socket
    host.log                        what the host had to say
    state/                          the shell state that carries over (see shell.py)
    active/<command id>.json        a command that is queued or running
    commands/<command id>/
      record.json                   the command's final status
      <offset>.log <offset>.idx     its log (see log.py)
"""

from __future__ import annotations

import fcntl
import os

ID_MAX_CHARS = 128
_ID_FIRST = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_ID_REST = _ID_FIRST | frozenset("._-")


def is_id(text: str) -> bool:
    """Whether a session or command id has the agreed form; only then may it be part of a path."""
    return 0 < len(text) <= ID_MAX_CHARS and text[0] in _ID_FIRST and all(c in _ID_REST for c in text)


def sessions_dir(state_dir: str) -> str:
    return os.path.join(state_dir, "sessions")


def session_dir(state_dir: str, session_id: str) -> str:
    if not is_id(session_id):
        raise ValueError("not a session id")
    return os.path.join(sessions_dir(state_dir), session_id)


def state_dir_of(directory: str) -> str:
    """The state directory a session directory lies in."""
    return os.path.dirname(os.path.dirname(directory))


def command_dir(directory: str, command_id: str) -> str:
    if not is_id(command_id):
        raise ValueError("not a command id")
    return os.path.join(directory, "commands", command_id)


def claim_path(state_dir: str, command_id: str) -> str:
    if not is_id(command_id):
        raise ValueError("not a command id")
    return os.path.join(state_dir, "commands", command_id)


def claim(state_dir: str, command_id: str, session_id: str) -> str:
    """Claim a command id for a session, and return the session that has it now.

    The link is the claim: making it is atomic, so of two servers exactly one wins. A claim whose
    session is gone is a leftover and is taken over.
    """
    path = claim_path(state_dir, command_id)
    while True:
        try:
            os.symlink(os.path.join("..", "sessions", session_id, "commands", command_id), path)
            return session_id
        except FileExistsError:
            owner = owner_of(state_dir, command_id)
            if owner is not None:
                return owner
            _drop_leftover(state_dir, path)


def _drop_leftover(state_dir: str, path: str) -> None:
    folder = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        # One at a time, and looked at again: it may be another's fresh claim by now.
        fcntl.flock(folder, fcntl.LOCK_EX)
        if not os.path.isdir(session_dir(state_dir, _claimant(path))):
            os.unlink(path)
    except FileNotFoundError:
        pass
    finally:
        os.close(folder)


def _claimant(path: str) -> str:
    return os.readlink(path).split(os.sep)[2]


def owner_of(state_dir: str, command_id: str) -> str | None:
    """The session a command belongs to, or None."""
    try:
        session_id = _claimant(claim_path(state_dir, command_id))
    except OSError:
        return None
    return session_id if os.path.isdir(session_dir(state_dir, session_id)) else None


def make_state_dir(path: str) -> None:
    """Make the state directory, private to its user.

    Raises:
        PermissionError: it belongs to somebody else.
    """
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.stat(path)
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user")
    if found.st_mode & 0o077:
        os.chmod(path, 0o700)
    for name in ("sessions", "commands"):
        os.makedirs(os.path.join(path, name), mode=0o700, exist_ok=True)


def write_file(path: str, data: bytes) -> None:
    """Put a whole new content in place at once; a reader sees the old one or the new one."""
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
        finally:
            os.close(fd)
        os.replace(temporary, path)
    except OSError:
        unlink(temporary)
        raise


def read_file(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts: list[bytes] = []
        while True:
            part = os.read(fd, 1 << 16)
            if not part:
                return b"".join(parts)
            parts.append(part)
    finally:
        os.close(fd)


def unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def remove_tree(path: str) -> None:
    """Remove a directory and all below it; what is gone already is fine. (`shutil` is heavy to import.)"""
    try:
        with os.scandir(path) as found:
            entries = list(found)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            remove_tree(entry.path)
        else:
            unlink(entry.path)
    try:
        os.rmdir(path)
    except FileNotFoundError:
        pass
