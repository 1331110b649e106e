"""All sessions of a state directory, as one sidecar sees and uses them."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import OrderedDict

from daytona_rpc import errors, launcher, protocol, sweep
from daytona_rpc.handle import Handle, Listener
from daytona_rpc.host import paths, records, recovery, shell

_log = logging.getLogger(__name__)

_JOIN_WITHIN_S = 2.0
_LOOK_EVERY_S = 1.0  # for sessions that other sidecars made, started or deleted
_REMEMBERED = 2000  # final statuses kept in memory


class Registry:
    """Finds, makes, uses and deletes sessions.

    Everything lies on disk or in the hosts: what is held here is a mirror that any sidecar can make anew.
    """

    def __init__(self, state_dir: str, listener: Listener) -> None:
        self.state_dir = state_dir
        self._listener = listener
        self._handles: dict[str, Handle] = {}
        self._final: OrderedDict[str, protocol.CommandStatus] = OrderedDict()
        self._looked_at = 0
        self._watching: asyncio.Task[None] | None = None
        self._joining: dict[str, asyncio.Task[None]] = {}
        self._preparing: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Make the state directory where there is none, and remove what is too old.

        Raises:
            OSError: it cannot be used.
        """
        paths.make_state_dir(self.state_dir)
        sweep.sweep(self.state_dir)

    async def start(self) -> None:
        """Find the sessions that are there, and watch for what others do with them."""
        await self.look()
        self._watching = asyncio.create_task(self._watch(), name="watch the state directory")

    def close(self) -> None:
        """Let go of all sessions; they go on."""
        if self._watching is not None:
            self._watching.cancel()
        for handle in self._handles.values():
            handle.close()

    # Sessions

    async def create(
        self, session_id: str, cwd: str, env: dict[str, str | None] | None, *, auto: bool
    ) -> Handle:
        """Make a session on this machine.

        Raises:
            Conflict: there is one with this id.
            CommandExecutionError: the directory cannot be used.
            HostUnavailable: the state directory cannot be written.
        """
        if not os.path.isdir(cwd):
            raise errors.CommandExecutionError(f"{cwd}: no such directory", session_id=session_id)
        directory = paths.session_dir(self.state_dir, session_id)
        # Made aside and moved into place, so that nobody ever meets half a session.
        draft = os.path.join(self.state_dir, "sessions", f".new-{os.getpid()}-{os.urandom(4).hex()}")
        try:
            environment = _environment(env)
            record = records.new_session(session_id, cwd, shell.find_shell(environment), auto)
            for folder in (draft, os.path.join(draft, "active"), os.path.join(draft, "commands")):
                os.mkdir(folder, 0o700)
            shell.State.create(os.path.join(draft, "state"), cwd, environment)
            records.write_session(draft, record)
            try:
                os.rename(draft, directory)
            except OSError:
                if os.path.isdir(directory):
                    raise errors.Conflict(
                        f"there is a session {session_id} already", session_id=session_id
                    ) from None
                raise
        except OSError as error:
            raise errors.HostUnavailable(f"{self.state_dir}: {error.strerror}") from error
        finally:
            paths.remove_tree(draft)
        handle = self._handles[session_id] = Handle(directory, record, self._listener, fresh=True)
        self._listener.on_session(protocol.ChangeKind.CREATED, handle.session())
        self._preparing.add(task := asyncio.create_task(handle.prepare(), name=f"prepare {session_id}"))
        task.add_done_callback(self._preparing.discard)
        return handle

    def handles(self) -> list[Handle]:
        """All sessions, the oldest first."""
        return sorted(self._handles.values(), key=lambda handle: str(handle.record["createdAt"]))

    def get(self, session_id: str) -> Handle:
        """A session by its id.

        Raises:
            NotFound: there is none.
        """
        handle = self._handles.get(session_id)
        if handle is not None and handle.deleted:
            self._forget(handle)
            handle = None
        handle = handle or self._adopt(session_id)
        if handle is None:
            raise errors.NotFound(f"no session {session_id}", session_id=session_id)
        return handle

    def _adopt(self, session_id: str) -> Handle | None:
        """Take notice of a session that somebody else made."""
        directory = paths.session_dir(self.state_dir, session_id)
        record = records.read_session(directory)
        if record is None:
            return None
        handle = self._handles[session_id] = Handle(directory, record, self._listener)
        self._listener.on_session(protocol.ChangeKind.CREATED, handle.session())
        return handle

    async def delete(self, session_id: str) -> int:
        """Stop a session's commands and remove all of it; how many were stopped."""
        handle = self.get(session_id)
        stopped = 0
        if await handle.join():
            try:
                stopped = (await handle.request("delete"))["stopped"]
            except (errors.HostUnavailable, errors.NotFound):
                await self._remove(handle)
        else:
            await self._remove(handle)
        self._forget(handle)
        return stopped

    async def _remove(self, handle: Handle) -> None:
        """Remove a session that has no host."""
        for _ in range(500):
            try:
                held = recovery.lock(handle.directory)
            except FileNotFoundError:
                return
            if held is not None:
                try:
                    recovery.end_leftovers(handle.directory)
                    recovery.remove(handle.directory)
                finally:
                    os.close(held)
                return
            await asyncio.sleep(0.01)
        raise errors.HostUnavailable("the session is in use", session_id=handle.id)

    def _forget(self, handle: Handle) -> None:
        handle.gone()
        handle.close()
        if self._handles.get(handle.id) is handle:
            del self._handles[handle.id]
        for command_id in [key for key, status in self._final.items() if status.session_id == handle.id]:
            del self._final[command_id]

    # Commands

    def owner(self, command_id: str) -> Handle:
        """The session of a command.

        Raises:
            NotFound: there is no such command.
        """
        session_id = paths.owner_of(self.state_dir, command_id)
        if session_id is None:
            raise errors.NotFound(f"no command {command_id}", command_id=command_id)
        return self.get(session_id)

    def status(self, command_id: str) -> protocol.CommandStatus:
        """A command's status, as true as the disk and the host's last word.

        Raises:
            NotFound: there is no such command.
        """
        status = self._final.get(command_id)
        if status is not None and os.path.lexists(paths.claim_path(self.state_dir, command_id)):
            self._final.move_to_end(command_id)
            return status
        status = self.owner(command_id).command(command_id)
        if status is None:
            raise errors.NotFound(f"no command {command_id}", command_id=command_id)
        if status.status.final:
            self.remember(status)
        return status

    def remember(self, status: protocol.CommandStatus) -> None:
        """Keep a final status at hand: it never changes."""
        self._final[status.command_id] = status
        if len(self._final) > _REMEMBERED:
            self._final.popitem(last=False)

    async def commands(self, handle: Handle) -> list[protocol.CommandStatus]:
        """All commands of a session, the oldest first."""
        found = []
        for count, command_id in enumerate(handle.command_ids()):
            status = self._final.get(command_id) or handle.command(command_id)
            if status is not None:
                found.append(status)
            if count % 50 == 49:
                await asyncio.sleep(0)  # thousands of records must not hold up other answers
        return sorted(found, key=lambda status: (status.created_at, status.command_id))

    def unfollow(self, session_id: str, command_id: str) -> None:
        """Let the host stop telling how a log grows."""
        handle = self._handles.get(session_id)
        if handle is not None:
            handle.tell("unfollow", commandId=command_id)

    # What others do, and what grows old

    async def look(self) -> None:
        """Take notice of sessions that are new, gone, or whose host was started by somebody else."""
        try:
            changed = os.stat(paths.sessions_dir(self.state_dir)).st_mtime_ns
            if changed != self._looked_at:
                self._looked_at = changed
                self._compare(os.listdir(paths.sessions_dir(self.state_dir)))
        except FileNotFoundError:
            self._compare([])
        for handle in list(self._handles.values()):
            # A host that was killed has left its socket, one that ended in order has not.
            socket = os.path.join(handle.directory, "sock")
            if not handle.linked and handle.id not in self._joining and os.path.exists(socket):
                task = asyncio.create_task(self._join(handle), name=f"join {handle.id}")
                self._joining[handle.id] = task
        if self._joining:
            # One that hangs holds up nobody; requests of its own session say so.
            await asyncio.wait(self._joining.values(), timeout=_JOIN_WITHIN_S)

    async def _join(self, handle: Handle) -> None:
        try:
            await handle.join()
        except errors.HostUnavailable as error:
            _log.warning("session %s: %s", handle.id, error)
        finally:
            self._joining.pop(handle.id, None)

    def _compare(self, names: list[str]) -> None:
        there = {name for name in names if paths.is_id(name)}
        for session_id, handle in list(self._handles.items()):
            if handle.deleted or session_id not in there:
                self._forget(handle)
        for session_id in there - set(self._handles):
            self._adopt(session_id)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look()
            except OSError as error:
                _log.warning("cannot look for sessions: %s", error.strerror)


def _environment(env: dict[str, str | None] | None) -> dict[str, str]:
    """The environment of a new session: the sidecar's own, and what the client adds or removes."""
    left_out = launcher.NOT_INHERITED
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    for name, value in (env or {}).items():
        if value is None:
            environment.pop(name, None)
        else:
            environment[name] = value
    return environment
