"""The messages around all others, as the Language Server Protocol defines them."""

from __future__ import annotations

from typing import Any

import attrs

from daytona_rpc.protocol import fields


class TraceValue(fields.OpenEnum):
    """How much the server reports in `$/logTrace`; an unknown word counts as `messages`."""

    OFF = "off"
    """Nothing."""
    MESSAGES = "messages"
    """A line for each message, without its content."""
    COMPACT = "compact"
    """The same as `messages`."""
    VERBOSE = "verbose"
    """A line for each message with its ids, times and sizes; never commands, environments or inputs."""


@attrs.frozen(kw_only=True)
class NoParams:
    """No fields: `{}`, or no `params` at all."""


@attrs.frozen(kw_only=True)
class ClientInfo:
    """The editor or program that speaks to the server."""

    name: str
    """Its name, for the server's log."""
    version: str | None = None
    """Its version, for the server's log."""


@attrs.frozen(kw_only=True)
class WorkspaceFolder:
    """A folder that is open in the editor."""

    uri: str
    """Its `file://` URI."""
    name: str | None = None
    """Its name in the editor; not used."""


@attrs.frozen(kw_only=True)
class InitializationOptions:
    """The client's settings for this connection."""

    sandbox_id: str | None = attrs.field(default=None, validator=fields.identifier)
    """The sandbox of requests that name neither a sandbox nor a session; `local` by default."""


@attrs.frozen(kw_only=True)
class InitializeParams:
    """The fields of LSP's `InitializeParams` that this server reads; all others are ignored."""

    process_id: int | None = None
    """The client's process; the server ends when it is gone."""
    client_info: ClientInfo | None = None
    """Who the client is."""
    root_uri: str | None = None
    """The workspace's `file://` URI, for clients without `workspaceFolders`."""
    root_path: str | None = None
    """The workspace's path, for clients without `rootUri`."""
    workspace_folders: list[WorkspaceFolder] | None = None
    """The open folders; the first is the default directory of new sessions on `local`."""
    initialization_options: InitializationOptions | None = None
    """The client's settings for this connection."""
    trace: TraceValue | None = None
    """How much to report in `$/logTrace`; `off` by default."""
    capabilities: dict[str, Any] | None = None
    """The client's capabilities; `window.workDoneProgress` and `window.showDocument.support` are read."""


@attrs.frozen(kw_only=True)
class DaytonaRpcCapabilities:
    """What this server can do beyond LSP's lifecycle."""

    protocol_version: int
    """The version of this protocol, 1; raised only by a change that breaks clients."""
    methods: list[str]
    """The methods that the server takes."""
    notifications: list[str]
    """The notifications that the server sends."""
    shells: list[str]
    """The shells found on this machine, as paths."""
    local_shell: str
    """The path of the shell of new sessions on `local`, one of `shells`."""


@attrs.frozen(kw_only=True)
class ExperimentalCapabilities:
    """The place that LSP leaves for capabilities of other protocols."""

    daytona_rpc: DaytonaRpcCapabilities
    """This protocol's."""


@attrs.frozen(kw_only=True)
class ServerCapabilities:
    """LSP's `ServerCapabilities`, without any language feature."""

    experimental: ExperimentalCapabilities
    """The capabilities of other protocols."""


@attrs.frozen(kw_only=True)
class ServerInfo:
    """The server."""

    name: str
    """`daytona-rpc`."""
    version: str
    """The version of the program, not of the protocol."""


@attrs.frozen(kw_only=True)
class InitializeResult:
    """What the server is and can do."""

    capabilities: ServerCapabilities
    """What it can do."""
    server_info: ServerInfo
    """What it is."""


@attrs.frozen(kw_only=True)
class SetTraceParams:
    """The new amount of tracing."""

    value: TraceValue
    """How much to report in `$/logTrace` from now on."""


@attrs.frozen(kw_only=True)
class CancelParams:
    """The request to end."""

    id: int | str
    """The id of a request that has not been answered yet; any other is ignored."""
