"""The machine of a user on which servers come and go: a home and a state directory of its own.

Its `sweep` asserts that nothing of the test is left: no process, no socket, no session directory.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.harness import SERVER, Client, RpcFailure, eventually


class Machine:
    """A user's machine under one directory; all its processes carry the path in environment or arguments."""

    def __init__(self, root: Path, server: Sequence[str] = SERVER, **env: str) -> None:
        self.root, self.server = root, server
        self.home, self.state, self.work = root / "home", root / "state", root / "work"
        self.clients: list[Client] = []
        self.env = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
            "HOME": str(self.home),
            "DAYTONA_RPC_STATE_DIR": str(self.state),
            **env,
        }
        for directory in (self.home, self.work):
            directory.mkdir(parents=True, exist_ok=True)

    def client(self, *args: str, initialize: bool = True, env: Mapping[str, str] | None = None) -> Client:
        """Start a server, with `args` and `env` added to those of the machine."""
        stderr = self.root / f"stderr-{len(self.clients)}"
        client = Client([*self.server, *args], {**self.env, **(env or {})}, self.work, stderr)
        self.clients.append(client)
        if initialize:
            client.initialize()
        return client

    def processes(self) -> dict[int, list[str]]:
        """Pid and command line of every live process of this machine, its servers included."""
        root, found = str(self.root), {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                marks = (*process.environ().values(), *process.cmdline(), process.cwd())
                if process.pid != os.getpid() and any(mark == root or root + "/" in mark for mark in marks):
                    found[process.pid] = process.cmdline()
        return found

    def hosts(self) -> list[int]:
        """The session hosts: what has the state directory in its command line."""
        state = str(self.state) + "/"
        return [pid for pid, argv in self.processes().items() if any(state in word for word in argv)]

    def leftovers(self) -> list[str]:
        """Everything in the state directory but its top directories, locks and the server's own log."""
        found = (path.relative_to(self.state) for path in self.state.rglob("*"))
        own = (".log", ".lock", ".log.1")
        return sorted(
            str(path)
            for path in found
            if len(path.parts) > 1 or not ((self.state / path).is_dir() or path.name.endswith(own))
        )

    def delete_sessions(self, client: Client) -> None:
        for session in client.request("sessions/list")["sessions"]:
            with contextlib.suppress(RpcFailure):
                client.request("sessions/delete", {"sessionId": session["sessionId"]}, timeout_s=30)

    def sweep(self, timeout_s: float = 10) -> None:
        """Delete all sessions, end all that is left by pid, and assert that there was nothing to end."""
        problems: list[str] = []

        def attempt(what: str, act: Callable[..., Any], *args: Any) -> None:
            try:
                act(*args)
            except Exception as error:
                problems.append(f"{what}: {type(error).__name__}: {error}")

        for client in self.clients:
            if client.process.returncode is None:
                attempt("closing a server", client.close)
            else:
                attempt("a server that had ended", client.dispose)
        if self.leftovers() or self.processes():
            last = self.client(initialize=False)
            attempt("initialize for the sweep", last.initialize)
            attempt("deleting the sessions", self.delete_sessions, last)
            attempt("closing the last server", last.close)
        attempt("processes", eventually, lambda: not self.processes(), timeout_s, "no process left")
        for pid, argv in self.processes().items():
            problems.append(f"left running: {pid} {argv}")
            with contextlib.suppress(psutil.Error):
                psutil.Process(pid).kill()
        attempt("files", eventually, lambda: not self.leftovers(), timeout_s, "no file left")
        problems += [f"left on disk: {path}" for path in self.leftovers()]
        shutil.rmtree(self.state, ignore_errors=True)
        assert not problems, "\n".join(problems)
