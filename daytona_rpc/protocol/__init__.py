"""The wire: every message, declared once, and the table of methods.

A class's docstring is the message's sentence, the string under a field is the field's. From these come
the tables of `protocol.md`, `editors/vscode/src/protocol.ts` and `editors/nvim/lua/daytona/protocol.lua`.

Names are snake_case here and camelCase on the wire (`fields.wire_name`). A field without default is always
present. A field whose default is None is left out of the message when it is None, and may be left out or
null in what a client sends.

The table is all that `initialize` needs and imports nothing; the message classes are made when the first
of them is asked for, which takes tens of milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from daytona_rpc.protocol.methods import METHODS as METHODS
from daytona_rpc.protocol.methods import PROTOCOL_VERSION as PROTOCOL_VERSION
from daytona_rpc.protocol.methods import Method as Method

if TYPE_CHECKING:
    from daytona_rpc.protocol.commands import CommandList as CommandList
    from daytona_rpc.protocol.commands import CommandListParams as CommandListParams
    from daytona_rpc.protocol.commands import CommandParams as CommandParams
    from daytona_rpc.protocol.commands import CommandReady as CommandReady
    from daytona_rpc.protocol.commands import CommandStatus as CommandStatus
    from daytona_rpc.protocol.commands import ReadyState as ReadyState
    from daytona_rpc.protocol.commands import Status as Status
    from daytona_rpc.protocol.commands import StdinState as StdinState
    from daytona_rpc.protocol.commands import Terminal as Terminal
    from daytona_rpc.protocol.control import InputParams as InputParams
    from daytona_rpc.protocol.control import ResizeParams as ResizeParams
    from daytona_rpc.protocol.control import SignalParams as SignalParams
    from daytona_rpc.protocol.control import StopParams as StopParams
    from daytona_rpc.protocol.control import WaitParams as WaitParams
    from daytona_rpc.protocol.execute import ExecuteParams as ExecuteParams
    from daytona_rpc.protocol.execute import ReadyCheck as ReadyCheck
    from daytona_rpc.protocol.failures import ErrorData as ErrorData
    from daytona_rpc.protocol.failures import InvalidParamsData as InvalidParamsData
    from daytona_rpc.protocol.fields import ConstraintError as ConstraintError
    from daytona_rpc.protocol.lifecycle import CancelParams as CancelParams
    from daytona_rpc.protocol.lifecycle import ClientInfo as ClientInfo
    from daytona_rpc.protocol.lifecycle import DaytonaRpcCapabilities as DaytonaRpcCapabilities
    from daytona_rpc.protocol.lifecycle import ExperimentalCapabilities as ExperimentalCapabilities
    from daytona_rpc.protocol.lifecycle import InitializationOptions as InitializationOptions
    from daytona_rpc.protocol.lifecycle import InitializeParams as InitializeParams
    from daytona_rpc.protocol.lifecycle import InitializeResult as InitializeResult
    from daytona_rpc.protocol.lifecycle import NoParams as NoParams
    from daytona_rpc.protocol.lifecycle import ServerCapabilities as ServerCapabilities
    from daytona_rpc.protocol.lifecycle import ServerInfo as ServerInfo
    from daytona_rpc.protocol.lifecycle import SetTraceParams as SetTraceParams
    from daytona_rpc.protocol.lifecycle import TraceValue as TraceValue
    from daytona_rpc.protocol.lifecycle import WorkspaceFolder as WorkspaceFolder
    from daytona_rpc.protocol.logs import AttachParams as AttachParams
    from daytona_rpc.protocol.logs import Channel as Channel
    from daytona_rpc.protocol.logs import Encoding as Encoding
    from daytona_rpc.protocol.logs import LogChunk as LogChunk
    from daytona_rpc.protocol.logs import LogPage as LogPage
    from daytona_rpc.protocol.logs import LogsParams as LogsParams
    from daytona_rpc.protocol.sandboxes import ChangeKind as ChangeKind
    from daytona_rpc.protocol.sandboxes import PreviewLink as PreviewLink
    from daytona_rpc.protocol.sandboxes import PreviewLinkParams as PreviewLinkParams
    from daytona_rpc.protocol.sandboxes import Sandbox as Sandbox
    from daytona_rpc.protocol.sandboxes import SandboxChange as SandboxChange
    from daytona_rpc.protocol.sandboxes import SandboxCreateParams as SandboxCreateParams
    from daytona_rpc.protocol.sandboxes import SandboxKind as SandboxKind
    from daytona_rpc.protocol.sandboxes import SandboxList as SandboxList
    from daytona_rpc.protocol.sandboxes import SandboxParams as SandboxParams
    from daytona_rpc.protocol.sandboxes import SandboxState as SandboxState
    from daytona_rpc.protocol.sessions import Session as Session
    from daytona_rpc.protocol.sessions import SessionChange as SessionChange
    from daytona_rpc.protocol.sessions import SessionDeletion as SessionDeletion
    from daytona_rpc.protocol.sessions import SessionList as SessionList
    from daytona_rpc.protocol.sessions import SessionParams as SessionParams
    from daytona_rpc.protocol.sessions import SessionsCreateParams as SessionsCreateParams
    from daytona_rpc.protocol.sessions import SessionsListParams as SessionsListParams
    from daytona_rpc.protocol.window import LogTraceParams as LogTraceParams
    from daytona_rpc.protocol.window import MessageParams as MessageParams
    from daytona_rpc.protocol.window import MessageType as MessageType
    from daytona_rpc.protocol.window import ProgressCreateParams as ProgressCreateParams
    from daytona_rpc.protocol.window import ProgressParams as ProgressParams
    from daytona_rpc.protocol.window import ShowDocumentParams as ShowDocumentParams
    from daytona_rpc.protocol.window import ShowDocumentResult as ShowDocumentResult

MODULES = (
    "lifecycle",
    "sandboxes",
    "sessions",
    "execute",
    "commands",
    "control",
    "logs",
    "window",
    "failures",
    "fields",
)


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return import_module(f"{__name__}.{name}")
    if not name.startswith("_"):
        for module in MODULES:
            value = vars(import_module(f"{__name__}.{module}")).get(name)
            if value is not None:
                globals()[name] = value
                return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
