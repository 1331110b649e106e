"""`make demo`: a real server, real commands, and what is said between an editor and the server meanwhile.

Everything happens in a temporary directory; nothing is left of it. The exit code is 0 if all went as told.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import orjson
import psutil

from daytona_rpc.cli.client import Client, Message, result
from daytona_rpc.cli.failure import Failure
from daytona_rpc.cli.progress import FINAL

WITHIN_S = 30.0
ROOM = 76  # for params and results, so that a step is one line
COLOURED = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
BOLD, DIM, GREEN, RED, BLUE, MAGENTA = "1", "2", "32", "31", "34", "35"


class Unexpected(Exception):
    """Something did not go as it should."""


def say(text: str = "", colour: str = "") -> None:
    """Write a line."""
    if colour and COLOURED:
        text = f"\x1b[{colour}m{text}\x1b[0m"
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def short(value: Any) -> str:
    """A value as JSON, no longer than a line."""
    text = orjson.dumps(value).decode()
    return text if len(text) <= ROOM else text[: ROOM - 3] + "..."


def expect(found: Any, expected: Any) -> None:
    """End the demonstration unless they are the same."""
    if found != expected:
        raise Unexpected(f"expected {expected!r}, got {found!r}")


class Demo:
    """One editor, and what it shows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.client = self.connect()
        self.session_id = ""
        self.labels: dict[str, tuple[str, str]] = {}
        self.text: dict[str, str] = {}
        self.offset: dict[str, int] = {}
        self.status: dict[str, Message] = {}
        self.ready: set[str] = set()
        self._partial: dict[str, str] = {}

    def connect(self) -> Client:
        """Start a server."""
        return Client([f"--state-dir={self.state}"])

    # The conversation

    def request(self, method: str, _show: Callable[[Any], Any] = lambda found: found, **params: Any) -> Any:
        """Ask the server, and show the question and what matters of the answer."""
        began = time.monotonic()
        number = self.client.post(method, params)
        say(f"  -> {method}  {short(params)}", DIM)
        answer: list[Any] = []

        def take(message: Message) -> None:
            if message.get("id") == number:
                answer.append(result(message))

        self.listen(lambda: bool(answer), take)
        took_ms = (time.monotonic() - began) * 1000
        say(f"  <- {short(_show(answer[0]))}  ({took_ms:.0f} ms)", DIM)
        return answer[0]

    def listen(
        self, until: Callable[[], bool], take: Callable[[Message], None] = lambda message: None
    ) -> None:
        """Take what the server says until something is the case."""
        deadline = time.monotonic() + WITHIN_S
        while not until():
            for message in self.client.wait(deadline):
                take(message)
                if message.get("method") == "command/output":
                    self.show(message["params"])
                elif message.get("method") == "command/statusChanged":
                    self.on_status(message["params"])
                elif message.get("method") == "command/ready":
                    self.ready.add(message["params"]["commandId"])
                    say(f"  <- command/ready  {short({'port': message['params'].get('port')})}", DIM)

    def show(self, chunk: Message) -> None:
        """Show what a command has written, line by line."""
        command_id, text = chunk["commandId"], chunk["data"]
        expect(chunk["offset"], self.offset.get(command_id, 0))
        self.offset[command_id] = chunk["offset"] + len(text.encode())
        self.text[command_id] = self.text.get(command_id, "") + text
        label, colour = self.labels.get(command_id, ("", GREEN))
        *lines, self._partial[command_id] = (self._partial.get(command_id, "") + text).split("\n")
        for line in lines:
            say(f"     {label:8} {line}", colour)

    def on_status(self, status: Message) -> None:
        """Keep a status; show the end of a command in the background."""
        self.status[status["commandId"]] = status
        if status["status"] in FINAL and status["runAsync"]:
            label, colour = self.labels.get(status["commandId"], ("", GREEN))
            end = f"exit {status['exitCode']}" if status["signal"] is None else status["signal"]
            say(
                f"     {label:8} {status['status']}, {end}, after {status['durationMs'] / 1000:.1f} s", colour
            )

    def over(self, *ids: str) -> bool:
        """Whether all these commands have ended."""
        return all(self.status.get(one, {}).get("status") in FINAL for one in ids)

    def run(self, command: str, code: int = 0) -> str:
        """Run a command in the session to its end; its output."""
        status = self.request(
            "command/execute",
            lambda found: {key: found[key] for key in ("status", "exitCode", "durationMs")},
            command=command,
            sessionId=self.session_id,
        )
        expect(status["exitCode"], code)
        self.listen(lambda: self.over(status["commandId"]))
        return str(status["output"])

    def start(self, label: str, colour: str, **params: Any) -> str:
        """Start a command in the background; its id."""
        command_id = f"{label}-1"
        self.labels[command_id] = (label, colour)
        self.request(
            "command/execute",
            lambda found: {key: found[key] for key in ("commandId", "status")},
            **params,
            commandId=command_id,
            sessionId=self.session_id,
            runAsync=True,
        )
        return command_id

    # The chapters

    def tell(self) -> None:
        """All of it."""
        say("daytona-rpc runs commands for an editor, which speaks JSON-RPC with it: -> is the editor,", BOLD)
        say("<- the server, and what the commands write is indented.", BOLD)
        self.open_session()
        self.keep_state()
        self.run_beside()
        self.report_failure()
        self.preview()
        self.survive()
        self.close_session()

    def open_session(self) -> None:
        """A session is a place to run commands in."""
        say("\n1. A session is a place to run commands in: here, a directory of this machine.", BOLD)
        began = time.monotonic()
        say(f"  -> initialize  {short({'processId': os.getpid()})}", DIM)
        while not self.client.server:
            select.select([self.client.process.output], [], [], WITHIN_S)
            self.client.receive()
        name = self.client.server["serverInfo"]
        say(f"  <- {short({'serverInfo': name})}  ({(time.monotonic() - began) * 1000:.0f} ms)", DIM)
        (self.folder / "shop").mkdir()
        (self.folder / "shop" / "index.html").write_text("<h1>The shop is open</h1>\n")
        session = self.request(
            "sessions/create",
            lambda found: {key: found[key] for key in ("sessionId", "shell")},
            sessionId="shop",
            cwd=str(self.folder),
        )
        self.session_id = session["sessionId"]

    def keep_state(self) -> None:
        """State carries over."""
        say("\n2. What one command leaves behind, the next one finds.", BOLD)
        self.run("cd shop && export GREETING=Hello")
        expect(self.run('echo "$GREETING from ${PWD##*/}"'), "Hello from shop\n")

    def run_beside(self) -> None:
        """Commands run beside each other."""
        say("\n3. Commands run beside each other, and what they write comes at once.", BOLD)
        steps = 'for step in 1 2 3 4; do echo "step $step of 4"; sleep 0.3; done'
        began = time.monotonic()
        both = self.start("build", BLUE, command=steps), self.start("test", MAGENTA, command=steps)
        self.listen(lambda: self.over(*both))
        took_s = time.monotonic() - began
        for one in both:
            expect((self.status[one]["exitCode"], self.text[one].count("\n")), (0, 4))
        build, test = (self.status[one] for one in both)
        expect(test["startedAt"] < build["endedAt"], True)
        say(f"     two commands of 1.2 s took {took_s:.1f} s together", DIM)

    def report_failure(self) -> None:
        """A command that fails is no accident."""
        say("\n4. A command that fails is a result, and the session lives on.", BOLD)
        self.run("echo 'no space in the shop' >&2; exit 3", code=3)
        expect(self.run("echo still here"), "still here\n")

    def preview(self) -> None:
        """Ready means ready."""
        say(
            "\n5. A web server in the background: no guess how long it takes, it says when it is ready.", BOLD
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        argv = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
        command_id = self.start("web", BLUE, argv=argv, ready={"port": port, "timeoutMs": 10_000})
        self.listen(lambda: command_id in self.ready)
        url = self.request("sandbox/previewLink", port=port)["url"]
        with build_opener(ProxyHandler({})).open(url, timeout=5) as page:
            body = page.read().decode()
        expect(body, "<h1>The shop is open</h1>\n")
        say(f"     a browser at {url} reads: {body.strip()}", GREEN)
        status = self.request(
            "command/stop",
            lambda found: {key: found[key] for key in ("status", "reason", "signal")},
            commandId=command_id,
        )
        expect(status["status"], "stopped")
        self.listen(lambda: self.over(command_id))

    def survive(self) -> None:
        """Commands outlive the editor."""
        say("\n6. The server is killed in the middle of a command. The command does not notice.", BOLD)
        text = 'for part in one two three four five; do echo "part $part"; sleep 0.3; done'
        command_id = self.start("job", MAGENTA, command=text)
        self.listen(lambda: "two" in self.text.get(command_id, ""))
        (server,) = psutil.Process().children()
        os.kill(server.pid, signal.SIGKILL)
        say(
            f"     kill -9 {server.pid}; a new server is started, and asked for the log from where it broke",
            RED,
        )
        self.client.close()
        time.sleep(0.4)  # the editor is closed for a while; the command goes on
        self.client = self.connect()
        self.request(
            "command/attach",
            lambda found: {key: found[key] for key in ("status", "logSize")},
            commandId=command_id,
            offset=self.offset[command_id],
        )
        self.listen(lambda: self.over(command_id))
        parts = "".join(f"part {part}\n" for part in ("one", "two", "three", "four", "five"))
        expect((self.text[command_id], self.status[command_id]["exitCode"]), (parts, 0))

    def close_session(self) -> None:
        """Nothing is left."""
        say("\n7. The session is deleted, and its processes and logs with it.", BOLD)
        self.request("sessions/delete", sessionId=self.session_id)
        expect(os.listdir(self.state / "sessions"), [])

    def end(self) -> None:
        """Leave nothing, whatever happened."""
        sessions = self.state / "sessions"
        if sessions.is_dir() and any(sessions.iterdir()):
            with suppress(Failure):
                self.client.restart()
                for session in self.client.request("sessions/list")["sessions"]:
                    self.client.request("sessions/delete", {"sessionId": session["sessionId"]})
        self.client.close(wait_s=5)
        deadline = time.monotonic() + 5
        while left := self.processes():
            if time.monotonic() > deadline:
                for process in left:
                    with suppress(psutil.Error):
                        process.kill()
                raise Unexpected(f"left running: {[process.pid for process in left]}")
            time.sleep(0.02)

    def processes(self) -> list[psutil.Process]:
        """The session hosts of this demonstration, and what runs in its sessions."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                words = [*process.cmdline(), *process.environ().values()]
                if any(str(self.folder) in word for word in words) and process.pid != os.getpid():
                    found.append(process)
        return found


def main() -> int:
    """Tell it all; 0 if it went as told."""
    folder = Path(tempfile.mkdtemp(prefix="daytona-rpc-demo-"))
    began = time.monotonic()
    try:
        demo = Demo(folder)
        try:
            demo.tell()
        finally:
            demo.end()
    except (Unexpected, Failure, OSError) as error:
        say(f"\nThis did not go as it should: {error}", RED)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say(f"\nAll as promised, in {time.monotonic() - began:.1f} s. Nothing is left of it.", GREEN)
    say("Try it yourself: .venv/bin/daytona-rpc run -- 'echo hello; sleep 1; echo bye'")
    return 0


if __name__ == "__main__":
    sys.exit(main())
