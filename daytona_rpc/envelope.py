"""What surrounds every message: JSON-RPC's members, and the fields of `initialize`.

Checked by hand, with nothing imported that takes long: `initialize` is answered before the rest of the
package is loaded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from daytona_rpc import errors
from daytona_rpc.framing import BodyTooLarge, FramingError

Id = int | str
Message = dict[str, Any]

# Only members that cannot hold an id of their own may stand before the id that is looked for.
_ID_IN_HEAD: Final = re.compile(
    rb'\s*\{\s*(?:"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"\s*,\s*)*"id"\s*:\s*(-?[0-9]{1,18}|"[^"\\]*")\s*[,}]'
)
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Refused(Exception):
    """A message that is answered here and goes no further; `body` is the answer."""

    def __init__(self, msg_id: Id | None, code: int, message: str, data: Message | None = None) -> None:
        super().__init__(message)
        self.body = error(msg_id, code, message, data)


def error(msg_id: Id | None, code: int, message: str, data: Message | None = None) -> bytes:
    """The body of an answer that is an error."""
    problem: Message = {"code": code, "message": message}
    if data is not None:
        problem["data"] = data
    return json.dumps({"jsonrpc": "2.0", "id": msg_id, "error": problem}, separators=(",", ":")).encode()


def result(msg_id: Id, value: object) -> bytes:
    """The body of an answer that is a result."""
    return json.dumps({"jsonrpc": "2.0", "id": msg_id, "result": value}, separators=(",", ":")).encode()


def loads(body: bytes) -> Any:
    """`orjson.loads` for the time before orjson, as strict as that."""
    return json.loads(body.decode(), parse_constant=_no_constant)


def open_message(item: bytes | FramingError, loads: Callable[[bytes], Any]) -> Message:
    """The request, notification or response in a body.

    The id and method of a request or notification are right; params, results and errors may be anything.

    Raises:
        Refused: it is none of these.
    """
    if isinstance(item, FramingError):
        if isinstance(item, BodyTooLarge):
            raise Refused(_id_in(item.head), errors.INVALID_REQUEST, str(item))
        raise Refused(None, errors.PARSE_ERROR, f"bad header: {item}")
    try:
        message = loads(item)
    except (ValueError, RecursionError):
        raise Refused(None, errors.PARSE_ERROR, "the body is not JSON in UTF-8") from None
    if type(message) is not dict:
        what = "batches are not supported" if type(message) is list else "a message is an object"
        raise Refused(None, errors.INVALID_REQUEST, what)
    if "method" not in message and ("result" in message or "error" in message):
        return message  # a response, which is never answered, whatever is wrong with it
    msg_id = message.get("id")
    if type(msg_id) is not int and type(msg_id) is not str and "id" in message:
        raise Refused(None, errors.INVALID_REQUEST, "id: must be an integer or a string")
    if message.get("jsonrpc") != "2.0":
        raise Refused(msg_id, errors.INVALID_REQUEST, 'jsonrpc: must be "2.0"')
    if type(message.get("method")) is not str:
        problem = "must be a string" if "method" in message else "is missing"
        raise Refused(msg_id, errors.INVALID_REQUEST, f"method: {problem}")
    return message


def object_of(params: object) -> Message:
    """Params as an object: left out they are empty, and so is an array, as which Lua writes an empty table.

    Raises:
        InvalidParams: they are anything else.
    """
    if type(params) is dict:
        return params
    if params is None or params == []:
        return {}
    raise errors.InvalidParams("", "params must be an object")


class InitializeInfo:
    """What the client said of itself. It has no repr: `options` may hold settings that are secret."""

    def __init__(self, params: object) -> None:
        """Check and keep the fields of LSP's `InitializeParams` that this server reads.

        Raises:
            InvalidParams: a field has the wrong type.
        """
        params = object_of(params)
        self.process_id: int | None = _field(params, "processId", int)
        self.client_info: Message = _field(params, "clientInfo", dict) or {}
        if self.client_info or params.get("clientInfo") is not None:
            _field(self.client_info, "name", str, "clientInfo.", needed=True)
        _field(self.client_info, "version", str, "clientInfo.")
        self.root_uri: str | None = _field(params, "rootUri", str)
        self.root_path: str | None = _field(params, "rootPath", str)
        self.workspace_folders: list[Message] = _field(params, "workspaceFolders", list) or []
        """As received: objects with `uri` and perhaps `name`."""
        for index, folder in enumerate(self.workspace_folders):
            path = f"workspaceFolders[{index}]"
            if type(folder) is not dict:
                raise errors.InvalidParams(path, "must be an object")
            _field(folder, "uri", str, f"{path}.", needed=True)
            _field(folder, "name", str, f"{path}.")
        self.options: Message = _field(params, "initializationOptions", dict) or {}
        """`initializationOptions` as received, but for `sandboxId`, which is checked."""
        sandbox_id = _field(self.options, "sandboxId", str, "initializationOptions.")
        if sandbox_id is not None and not _IDENTIFIER.fullmatch(sandbox_id):
            raise errors.InvalidParams("initializationOptions.sandboxId", "is no identifier")
        self.trace: str = _field(params, "trace", str) or "off"
        capabilities = _field(params, "capabilities", dict) or {}
        self.work_done_progress: bool = _dig(capabilities, "window", "workDoneProgress") is True
        """Whether the client takes `window/workDoneProgress/create`."""
        self.show_document: bool = _dig(capabilities, "window", "showDocument", "support") is True
        """Whether the client takes `window/showDocument`."""


def _id_in(head: bytes) -> Id | None:
    """The id of a message that is too large to be read, where it can be told for sure."""
    found = _ID_IN_HEAD.match(head)
    try:
        return json.loads(found[1]) if found else None
    except ValueError:
        return None


_TYPES: Final = {int: "an integer", str: "a string", list: "an array", dict: "an object"}


def _field(obj: Message, name: str, cls: type[Any], within: str = "", *, needed: bool = False) -> Any:
    value = obj.get(name)
    if value is None and not needed:
        return None
    if type(value) is not cls:
        problem = f"must be {_TYPES[cls]}" if name in obj else "is missing"
        raise errors.InvalidParams(f"{within}{name}", problem)
    return value


def _dig(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if type(value) is dict else None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
