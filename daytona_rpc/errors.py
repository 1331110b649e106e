"""What can go wrong, one class per decision a client can make.

    RpcError                        code, message, data
      InvalidParams                 -32602, names the field by its wire path
      InternalError                 -32603, generic text: the detail is in the server's log
      RequestCancelled              -32800
      ApplicationError              codes 1001 and up; `data.kind` is what clients branch on
        NotFound                    no such sandbox, session or command
        Conflict                    the id is taken by something else
        AlreadyFinished             the command has ended: no input, signal or resize any more
        CommandExecutionError       the command could not be started
        WaitTimeout                 the wait ended, the command did not
        Unsupported                 this sandbox or command cannot do that
        ApiError                    Daytona answered with an error
          AuthenticationError       no key, or a key Daytona refuses
          RateLimited               Daytona asks to slow down
          SandboxUnavailable        the sandbox is stopped, archived or gone
        HostUnavailable             the session's host cannot be started or reached

This module imports nothing of ours.
"""

from __future__ import annotations

from typing import Any, ClassVar

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_NOT_INITIALIZED = -32002
REQUEST_CANCELLED = -32800


class RpcError(Exception):
    """An answer to a request that is an error; `str(error)` is the message the client reads."""

    code: ClassVar[int] = INTERNAL_ERROR

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def data(self) -> dict[str, Any] | None:
        """The `data` member of the JSON-RPC error object, or None for none."""
        return None


class InvalidParams(RpcError):
    """The params do not fit the method; `path` is the wire path of the field, such as `tty.cols`."""

    code = INVALID_PARAMS

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path

    @property
    def data(self) -> dict[str, Any]:
        return {"path": self.path}


class InternalError(RpcError):
    """A bug of ours. The text is generic on purpose; the server's log has the detail."""

    def __init__(self) -> None:
        super().__init__("internal error; the server's log has the detail")


class RequestCancelled(RpcError):
    """The client sent `$/cancelRequest` for this request. A command it was waiting for goes on."""

    code = REQUEST_CANCELLED

    def __init__(self) -> None:
        super().__init__("request cancelled")


class ApplicationError(RpcError):
    """An error of the domain, told apart by `kind`.

    The ids are attached by the code that knows them. `retryable` says that the same request can
    succeed later without the caller changing it.
    """

    kind: ClassVar[str] = ""
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        session_id: str | None = None,
        command_id: str | None = None,
        http_status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.session_id = session_id
        self.command_id = command_id
        self.http_status = http_status

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = {"kind": self.kind, "retryable": self.retryable}
        optional = {
            "sessionId": self.session_id,
            "commandId": self.command_id,
            "httpStatus": self.http_status,
        }
        data.update((key, value) for key, value in optional.items() if value is not None)
        return data


class NotFound(ApplicationError):
    """There is no sandbox, session or command with this id."""

    code = 1001
    kind = "notFound"


class Conflict(ApplicationError):
    """The id is already used by another session, or by a command with another text."""

    code = 1002
    kind = "conflict"


class AlreadyFinished(ApplicationError):
    """The command has ended, so it takes no input, signal or resize any more."""

    code = 1003
    kind = "alreadyFinished"


class CommandExecutionError(ApplicationError):
    """The command could not be started: a missing directory, shell or program."""

    code = 1004
    kind = "commandExecutionError"


class WaitTimeout(ApplicationError):
    """The wait ended before the command did. The command goes on."""

    code = 1005
    kind = "waitTimeout"
    retryable = True


class Unsupported(ApplicationError):
    """This sandbox or this command cannot do that, and never will."""

    code = 1006
    kind = "unsupported"


class ApiError(ApplicationError):
    """Daytona answered with an error; `data.httpStatus` is its status."""

    code = 1007
    kind = "apiError"


class AuthenticationError(ApiError):
    """There is no API key, or Daytona refuses the one there is."""

    code = 1008
    kind = "authentication"


class RateLimited(ApiError):
    """Daytona asks to slow down; `data.retryAfterMs` says for how long."""

    code = 1009
    kind = "rateLimited"
    retryable = True

    def __init__(self, message: str, *, retry_after_ms: int, **ids: Any) -> None:
        super().__init__(message, **ids)
        self.retry_after_ms = retry_after_ms

    @property
    def data(self) -> dict[str, Any]:
        return {**super().data, "retryAfterMs": self.retry_after_ms}


class SandboxUnavailable(ApiError):
    """The sandbox is stopped, archived, deleted or in an error state."""

    code = 1010
    kind = "sandboxUnavailable"
    retryable = True


class HostUnavailable(ApplicationError):
    """The process that owns the session cannot be started or does not answer."""

    code = 1011
    kind = "hostUnavailable"
    retryable = True


def application_errors() -> list[type[ApplicationError]]:
    """Every kind of application error, in the order of its code."""
    found: list[type[ApplicationError]] = []
    todo = ApplicationError.__subclasses__()
    while todo:
        cls = todo.pop()
        found.append(cls)
        todo.extend(cls.__subclasses__())
    return sorted(found, key=lambda cls: cls.code)


def by_kind(kind: str) -> type[ApplicationError]:
    """The class of a kind; an unknown one, from a newer peer, is a plain application error."""
    return next((cls for cls in application_errors() if cls.kind == kind), HostUnavailable)
