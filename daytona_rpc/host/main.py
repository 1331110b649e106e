"""The life of a session host: start once, serve, and end when there is nothing left to own."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import Any

from . import control, log, process, records, recovery, tree
from .command import Command
from .loop import Loop
from .records import Record
from .session import Refused, Session

_IDLE_S = 30.0
_LOCK_WAIT_S = 5.0  # for a host that is just ending
_BYE_S = 2.0
_EXPIRE_EVERY_S = 3600.0


def main(directory: str, ready_fd: int) -> None:
    """Own the session until it is deleted or idle. Prints nothing; `host.log` has what went wrong."""
    _detach(ready_fd)
    held = _take_lock(directory)
    if held is None:
        _say_ready(ready_fd)  # another host serves already
        return
    try:
        host = Host(directory)
    except FileNotFoundError:
        return  # the session was deleted before its host was up
    _say_ready(ready_fd)
    tree.adopt_orphans()
    process.raise_descriptor_limit()
    host.run()


def _detach(ready_fd: int) -> None:
    """Leave the tree of the process that started us: editors end theirs with all its children."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.set_inheritable(ready_fd, False)
    os.chdir("/")
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _say_ready(ready_fd: int) -> None:
    try:
        os.write(ready_fd, b"1")
    except OSError:
        pass  # who started us is gone; the session is there all the same
    os.close(ready_fd)


def _take_lock(directory: str) -> int | None:
    """The session's lock, or None when a living host has it."""
    give_up = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            held = recovery.lock(directory)
        except FileNotFoundError:
            return None
        if held is not None:
            return held
        if _answers(directory) or time.monotonic() > give_up:
            return None
        time.sleep(0.005)


def _answers(directory: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            os.chdir(directory)
            probe.connect("sock")
        except OSError:
            return False
        finally:
            os.chdir("/")
    return True


class Host:
    """One session and its control socket on one loop."""

    def __init__(self, directory: str) -> None:
        record = records.read_session(directory)
        if record is None:
            raise FileNotFoundError(directory)
        recovery.mark_lost(directory)
        self._directory = directory
        self._loop = Loop()
        self._loop.on_error = self._log_bug
        cap = int(recovery.setting("DAYTONA_RPC_LOG_CAP", log.CAP_BYTES))
        self._session = Session(self._loop, directory, record, cap)
        self._session.on_status = self._on_status
        self._session.on_output = self._on_output
        self._session.on_ready = self._on_ready
        self._session.on_changed = self._on_changed
        self._control = control.Control(self._loop, directory, self._handle, self._hello)
        self._idle_s = recovery.setting("DAYTONA_RPC_HOST_IDLE_S", _IDLE_S)
        self._retention_s = recovery.retention_s()
        self._idle_since = time.monotonic()
        self._leaving = False
        self._deleting = False
        self._loop.call_later(self._idle_s, self._check_idle)
        self._loop.call_later(self._expire_every_s(), self._expire)
        # Not in the handler itself, which runs between any two steps of something else.
        signal.signal(signal.SIGTERM, lambda number, frame: self._end_soon())

    def run(self) -> None:
        self._loop.run()

    def _log_bug(self) -> None:
        """A bug in the handling of one event must not end the commands of the session."""
        import traceback

        try:
            with open(os.path.join(self._directory, "host.log"), "a", encoding="utf-8") as file:
                file.write(records.timestamp(time.time()) + "\n")
                traceback.print_exc(file=file)
        except OSError:
            pass  # the disk is full, or the session is gone

    # Requests

    def _hello(self) -> Record:
        active = [command.status() for command in self._session.active()]
        ready = [command.found for command in self._session.active() if command.found is not None]
        return {"pid": os.getpid(), "session": self._session.record, "active": active, "ready": ready}

    def _handle(self, peer: control.Peer, request: Record, answer: control.Answer) -> None:
        self._idle_since = time.monotonic()
        try:
            if self._leaving:
                raise Refused("retired", "this host is ending")
            operation = _OPERATIONS.get(request["op"])
            if operation is None:
                raise Refused("unsupported", f"this host does not know {request['op']}")
            operation(self, peer, request, lambda result: answer({"r": result}))
        except Refused as refused:
            answer({"x": {"kind": refused.kind, "message": refused.message}})
        except Exception:
            self._log_bug()
            answer({"x": {"kind": "hostUnavailable", "message": "the session host could not do that"}})

    def _execute(self, peer: control.Peer, request: Record, answer: Any) -> None:
        if self._deleting:
            raise Refused("retired", "this session is being deleted")
        if request["follow"]:
            peer.following.add(request["spec"]["commandId"])
        answer(self._session.execute(request["spec"]))

    def _follow(self, peer: control.Peer, request: Record, answer: Any) -> None:
        peer.following.add(request["commandId"])
        answer(self._session.status(request["commandId"]))

    def _unfollow(self, peer: control.Peer, request: Record, answer: Any) -> None:
        peer.following.discard(request["commandId"])
        answer(None)

    def _input(self, peer: control.Peer, request: Record, answer: Any) -> None:
        command = self._session.running(request["commandId"])
        if command.record["stdin"] != "open":
            raise Refused("unsupported", f"the standard input of command {command.id} is closed")
        data = request.get("data") or ""
        command.write(data.encode("latin-1"), lambda: answer(None))
        if request.get("eof"):
            command.end_input()

    def _stop(self, peer: control.Peer, request: Record, answer: Any) -> None:
        self._session.stop(request["commandId"], request["graceMs"] / 1000, answer)

    def _signal(self, peer: control.Peer, request: Record, answer: Any) -> None:
        self._session.running(request["commandId"]).signal(request["number"])
        answer(None)

    def _resize(self, peer: control.Peer, request: Record, answer: Any) -> None:
        command = self._session.running(request["commandId"])
        if not command.record["tty"]:
            raise Refused("unsupported", f"command {command.id} has no terminal")
        command.resize(request["cols"], request["rows"])
        answer(None)

    def _delete(self, peer: control.Peer, request: Record, answer: Any) -> None:
        def removed(stopped: int) -> None:
            self._remove()
            answer({"stopped": stopped})
            self._control.flush()

        self._deleting = True
        self._session.delete(removed)

    def _remove(self) -> None:
        """Remove the session with all its files, tell everybody, and end."""
        self._leaving = True
        self._control.close()
        try:
            recovery.remove(self._directory)
        except OSError:
            self._log_bug()  # what is left is under another name, and the next sweep removes it
        for peer in self._control.peers:
            peer.send({"e": "deleted"})
        self._control.flush()
        self._loop.stop()

    # Events

    def _on_status(self, status: Record) -> None:
        self._idle_since = time.monotonic()
        # Each status is told, in order, however soon the next one comes: clients count on the first.
        now = dict(status)
        self._control.tell(("status", now["commandId"], now["status"]), lambda: {"e": "status", "s": now})

    def _on_output(self, command: Command) -> None:
        for peer in self._control.peers:
            if command.id in peer.following:
                peer.tell(("log", command.id), lambda: {"e": "log", "c": command.id, "n": command.log.size})

    def _on_ready(self, command: Command) -> None:
        self._control.tell(("ready", command.id), lambda: {"e": "ready", "r": command.found})

    def _on_changed(self) -> None:
        self._control.tell(("session",), lambda: {"e": "session", "s": self._session.record})

    # Its end

    def _end_soon(self) -> None:
        self._loop.call_later(0, self._leave)

    def _expire_every_s(self) -> float:
        return min(_EXPIRE_EVERY_S, max(1.0, self._retention_s))

    def _expire(self) -> None:
        if self._session.expire(self._retention_s):
            self._remove()
        else:
            self._loop.call_later(self._expire_every_s(), self._expire)

    def _check_idle(self) -> None:
        quiet_s = time.monotonic() - self._idle_since
        if self._session.idle and quiet_s >= self._idle_s:
            self._leave()
        elif not self._leaving:
            self._loop.call_later(max(self._idle_s - quiet_s, 0.05), self._check_idle)

    def _leave(self) -> None:
        """End in order: nothing is taken on any more, and every sidecar is told before it is cut off."""
        if not self._leaving and self._session.idle:
            self._leaving = True
            self._control.close()
            for peer in self._control.peers:
                peer.send({"e": "bye"})
            self._control.flush()
            self._give_up = time.monotonic() + _BYE_S
            self._wait_for_peers()

    def _wait_for_peers(self) -> None:
        if not self._control.peers or time.monotonic() > self._give_up:
            self._loop.stop()
        else:
            self._loop.call_later(0.01, self._wait_for_peers)


_OPERATIONS = {
    "execute": Host._execute,
    "follow": Host._follow,
    "unfollow": Host._unfollow,
    "input": Host._input,
    "stop": Host._stop,
    "signal": Host._signal,
    "resize": Host._resize,
    "delete": Host._delete,
}
