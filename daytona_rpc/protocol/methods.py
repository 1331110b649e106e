"""The table of methods, the only list of them: dispatch, capabilities and documents derive from it.

It names its message classes instead of holding them, so that reading it imports nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal, TypeAlias

PROTOCOL_VERSION = 1

Direction: TypeAlias = Literal["clientToServer", "serverToClient"]
Kind: TypeAlias = Literal["request", "notification"]

CLOUD = ("apiError", "authentication", "rateLimited")
SANDBOX = ("notFound", "unsupported", *CLOUD)
PLACE = ("notFound", "sandboxUnavailable", "hostUnavailable", *CLOUD)
COMMAND = ("notFound", "hostUnavailable")
LIVE = (*COMMAND, "alreadyFinished", "unsupported", "sandboxUnavailable", *CLOUD)


class Method:
    """A method: who calls it, with what, and what comes back."""

    __slots__ = ("_params", "_result", "direction", "doc", "errors", "kind", "name", "since")

    def __init__(
        self,
        name: str,
        kind: Kind,
        direction: Direction,
        params: str | None,
        result: str | None,
        errors: tuple[str, ...],
        doc: str,
        since: int = 1,
    ) -> None:
        self.name = name
        self.kind = kind
        self.direction = direction
        self._params = params
        self._result = result
        self.errors = errors
        """The kinds of application error it can end with, beside the errors of every request."""
        self.doc = doc
        self.since = since
        """The protocol version it appeared in."""

    def __repr__(self) -> str:
        return f"<Method {self.name}>"

    @property
    def params(self) -> type[Any] | None:
        """The class of its params; None if it takes none."""
        return _message(self._params)

    @property
    def result(self) -> type[Any] | None:
        """The class of its result; None if that is null, or if it is a notification."""
        return _message(self._result)


def _message(name: str | None) -> type[Any] | None:
    if name is None:
        return None
    message: type[Any] = getattr(import_module("daytona_rpc.protocol"), name)
    return message


def _request(
    name: str, params: str | None, result: str | None, doc: str, errors: tuple[str, ...] = ()
) -> Method:
    return Method(name, "request", "clientToServer", params, result, errors, doc)


def _told(name: str, params: str | None, doc: str) -> Method:
    return Method(name, "notification", "clientToServer", params, None, (), doc)


def _news(name: str, params: str, doc: str) -> Method:
    return Method(name, "notification", "serverToClient", params, None, (), doc)


def _asked(name: str, params: str, result: str | None, doc: str) -> Method:
    return Method(name, "request", "serverToClient", params, result, (), doc)


_TABLE = (
    _request("initialize", "InitializeParams", "InitializeResult", "Opens the connection."),
    _told("initialized", "NoParams", "Says that the client has read the answer to `initialize`."),
    _request("shutdown", None, None, "Ends the connection's work; commands go on."),
    _told("exit", None, "Ends the server's process."),
    _told("$/setTrace", "SetTraceParams", "Changes how much the server reports in `$/logTrace`."),
    _told("$/cancelRequest", "CancelParams", "Ends a request that is not answered yet, never a command."),
    _request("sandbox/list", "NoParams", "SandboxList", "Lists `local` and the account's sandboxes.", CLOUD),
    _request("sandbox/get", "SandboxParams", "Sandbox", "Looks a sandbox up.", ("notFound", *CLOUD)),
    _request(
        "sandbox/create",
        "SandboxCreateParams",
        "Sandbox",
        "Makes a Daytona sandbox and answers when it is started.",
        ("unsupported", "sandboxUnavailable", *CLOUD),
    ),
    _request(
        "sandbox/start",
        "SandboxParams",
        "Sandbox",
        "Starts a sandbox and answers when it is started.",
        ("notFound", "sandboxUnavailable", *CLOUD),
    ),
    _request(
        "sandbox/stop", "SandboxParams", "Sandbox", "Stops a sandbox and with it what runs there.", SANDBOX
    ),
    _request("sandbox/delete", "SandboxParams", "Sandbox", "Deletes a sandbox and its files.", SANDBOX),
    _request(
        "sandbox/previewLink",
        "PreviewLinkParams",
        "PreviewLink",
        "Makes a link to a port of a sandbox.",
        ("notFound", "sandboxUnavailable", *CLOUD),
    ),
    _request(
        "sessions/create",
        "SessionsCreateParams",
        "Session",
        "Makes a session.",
        ("conflict", "commandExecutionError", *PLACE),
    ),
    _request("sessions/list", "SessionsListParams", "SessionList", "Lists the sessions of this machine."),
    _request(
        "sessions/get", "SessionParams", "Session", "Looks a session up, with all its commands.", COMMAND
    ),
    _request(
        "sessions/delete",
        "SessionParams",
        "SessionDeletion",
        "Stops a session's commands and removes it with its logs.",
        COMMAND,
    ),
    _request(
        "command/execute",
        "ExecuteParams",
        "CommandStatus",
        "Runs a command.",
        ("conflict", "commandExecutionError", "unsupported", *PLACE),
    ),
    _request("command/status", "CommandParams", "CommandStatus", "Looks a command up.", COMMAND),
    _request(
        "command/list", "CommandListParams", "CommandList", "Lists commands.", ("notFound", "hostUnavailable")
    ),
    _request(
        "command/wait",
        "WaitParams",
        "CommandStatus",
        "Waits until a command is over.",
        (*COMMAND, "waitTimeout"),
    ),
    _request("command/logs", "LogsParams", "LogPage", "Reads a part of a command's log.", COMMAND),
    _request(
        "command/attach",
        "AttachParams",
        "CommandStatus",
        "Sends a command's log as `command/output`, what is there and what comes.",
        COMMAND,
    ),
    _request("command/detach", "CommandParams", None, "Ends `command/output` for a command.", COMMAND),
    _request("command/input", "InputParams", None, "Writes to a command's standard input.", LIVE),
    _request(
        "command/stop",
        "StopParams",
        "CommandStatus",
        "Ends a command with all its processes and answers when it is over.",
        (*COMMAND, "alreadyFinished", "sandboxUnavailable", *CLOUD),
    ),
    _request("command/signal", "SignalParams", None, "Sends a signal to a command's processes.", LIVE),
    _request("command/resize", "ResizeParams", None, "Changes the size of a command's terminal.", LIVE),
    _news("command/output", "LogChunk", "Brings the next bytes of an attached command's log."),
    _news("command/statusChanged", "CommandStatus", "Says that a command's status is not what it was."),
    _news("command/ready", "CommandReady", "Says that a command's `ready` check holds."),
    _news("sessions/changed", "SessionChange", "Says that a session was made, changed or deleted."),
    _news("sandbox/changed", "SandboxChange", "Says that a sandbox was made, changed or deleted."),
    _news("window/logMessage", "MessageParams", "Adds an entry to the server's log in the editor."),
    _news("window/showMessage", "MessageParams", "Shows a message that the user must act on."),
    _news("$/logTrace", "LogTraceParams", "Adds a line to the trace."),
    _news("$/progress", "ProgressParams", "Reports progress on a token made before."),
    _asked(
        "window/workDoneProgress/create",
        "ProgressCreateParams",
        None,
        "Makes a token for progress, where the client declared `window.workDoneProgress`.",
    ),
    _asked(
        "window/showDocument",
        "ShowDocumentParams",
        "ShowDocumentResult",
        "Opens a preview, where the client declared `window.showDocument`.",
    ),
)

METHODS: dict[str, Method] = {method.name: method for method in _TABLE}
