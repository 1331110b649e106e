"""Starting the host of a session and connecting to it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from daytona_rpc.errors import HostUnavailable
from daytona_rpc.host import tree

_HOST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "host", "__main__.py")
_START_WITHIN_S = 15.0
_READY_FD = 3
# A host started by a command must not count as one of that command's processes.
NOT_INHERITED = (tree.SESSION_MARK, tree.COMMAND_MARK, "DAYTONA_RPC_SESSION_ID")


async def start(directory: str) -> None:
    """Start the host of a session and wait until it listens. Where one lives already, it is kept.

    Raises:
        HostUnavailable: it could not be started, or did not come up in time.
    """
    loop = asyncio.get_running_loop()
    ready_read, ready_write = os.pipe()
    up: asyncio.Future[bytes] = loop.create_future()
    try:
        try:
            pid = _spawn(directory, ready_write)
        except OSError as error:
            raise HostUnavailable(f"the session host cannot be started: {error.strerror}") from error
        finally:
            os.close(ready_write)

        def on_readable() -> None:
            loop.remove_reader(ready_read)
            if not up.done():
                up.set_result(os.read(ready_read, 1))

        loop.add_reader(ready_read, on_readable)
        try:
            word = await asyncio.wait_for(up, _START_WITHIN_S)
        except TimeoutError:
            raise HostUnavailable(f"the session host did not start within {_START_WITHIN_S:.0f} s") from None
        finally:
            loop.remove_reader(ready_read)
        # It has ended: the host forked away from it before it said that it is ready.
        os.waitpid(pid, 0)  # noqa: ASYNC222
        if not word:
            raise HostUnavailable(f"the session host ended at its start; see {directory}/host.log")
    finally:
        os.close(ready_read)


def _spawn(directory: str, ready_fd: int) -> int:
    env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    log = os.path.join(directory, "host.log")
    actions = [
        (os.POSIX_SPAWN_DUP2, ready_fd, _READY_FD),
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
    ]
    argv = [sys.executable, "-I", "-S", "-X", "utf8", _HOST, directory, str(_READY_FD)]
    return os.posix_spawn(sys.executable, argv, env, file_actions=actions, setsid=True)


def connect(directory: str) -> socket.socket | None:
    """A connection to the session's host, or None where nobody listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # A socket's path has room for some 100 bytes; the directory's own path may be longer.
        if sys.platform == "linux":
            folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                connection.connect(f"/proc/self/fd/{folder}/sock")
            finally:
                os.close(folder)
        else:
            back = os.open(".", os.O_RDONLY)
            try:
                os.chdir(directory)
                connection.connect("sock")
            finally:
                os.fchdir(back)
                os.close(back)
    except OSError:
        connection.close()
        return None
    connection.setblocking(False)
    return connection
