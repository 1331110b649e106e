"""One client's server: which handler does which method, and what lives as long as the connection."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from daytona_rpc import errors, protocol
from daytona_rpc.commands import Commands
from daytona_rpc.followers import Followers
from daytona_rpc.registry import Registry

if TYPE_CHECKING:
    from daytona_rpc.gate import InitializeInfo
    from daytona_rpc.rpc import Client

_log = logging.getLogger(__name__)

LOCAL = "local"

Handler = Callable[[Any], Any | Awaitable[Any]]


class Server:
    """Serves one client from the sessions of one state directory."""

    def __init__(self, client: Client, info: InitializeInfo, state_dir: str) -> None:
        self._client = client
        self._followers = Followers(client)
        self._registry = self._followers.registry = Registry(state_dir, self._followers)
        self._root = _root(info)
        self._default_sandbox = info.options.get("sandboxId") or LOCAL
        self._commands = Commands(self._registry, self._followers, self._root)
        self._open = False
        self._started = asyncio.create_task(self._start(), name="find the sessions")

    def log(self, is_error: bool, message: str) -> None:
        """Pass a line of the server's log on to the client."""
        kind = protocol.MessageType.ERROR if is_error else protocol.MessageType.WARNING
        self._client.notify("window/logMessage", protocol.MessageParams(type=kind, message=message))

    async def _start(self) -> None:
        try:
            self._registry.open()
        except OSError as error:
            _log.error("the state directory cannot be used: %s", error)
            raise errors.HostUnavailable(f"{self._registry.state_dir}: {error.strerror or error}") from None
        await self._registry.start()
        self._open = True

    async def close(self) -> None:
        """Let go of everything; commands go on."""
        self._started.cancel()
        self._followers.close()
        self._registry.close()

    def handlers(self) -> dict[str, Handler]:
        """What handles each request; none does before the sessions that are there have been found."""
        return {method: self._when_started(handler) for method, handler in self._table().items()}

    def _when_started(self, handler: Handler) -> Handler:
        async def later(params: Any) -> Any:
            await asyncio.shield(self._started)  # its error, if it has one, is the answer
            result = handler(params)
            return await result if isinstance(result, Awaitable) else result

        return lambda params: handler(params) if self._open else later(params)

    def _table(self) -> dict[str, Handler]:
        commands = self._commands
        return {
            "sandbox/list": self.sandbox_list,
            "sandbox/get": self.sandbox_get,
            "sandbox/create": self.sandbox_create,
            "sandbox/start": self.sandbox_get,
            "sandbox/stop": self.sandbox_end,
            "sandbox/delete": self.sandbox_end,
            "sandbox/previewLink": self.sandbox_preview_link,
            "sessions/create": self.sessions_create,
            "sessions/list": self.sessions_list,
            "sessions/get": self.sessions_get,
            "sessions/delete": self.sessions_delete,
            "command/execute": self.command_execute,
            "command/status": commands.status,
            "command/list": commands.list,
            "command/wait": commands.wait,
            "command/logs": commands.logs,
            "command/attach": commands.attach,
            "command/detach": commands.detach,
            "command/input": commands.input,
            "command/stop": commands.stop,
            "command/signal": commands.signal,
            "command/resize": commands.resize,
        }

    def sandbox_list(self, params: Any) -> protocol.SandboxList:
        return protocol.SandboxList(sandboxes=[_local_sandbox()])

    def sandbox_get(self, params: protocol.SandboxParams) -> protocol.Sandbox:
        self._sandbox(params.sandbox_id)
        return _local_sandbox()

    def sandbox_create(self, params: Any) -> protocol.Sandbox:
        raise _no_daytona()

    def sandbox_end(self, params: protocol.SandboxParams) -> protocol.Sandbox:
        self._sandbox(params.sandbox_id)
        raise errors.Unsupported(f"the sandbox {LOCAL} is this machine: it cannot be stopped or deleted")

    def sandbox_preview_link(self, params: protocol.PreviewLinkParams) -> protocol.PreviewLink:
        self._sandbox(params.sandbox_id)
        return protocol.PreviewLink(url=f"http://127.0.0.1:{params.port}")

    async def sessions_create(self, params: protocol.SessionsCreateParams) -> protocol.Session:
        self._sandbox(params.sandbox_id)
        session_id = params.session_id or f"session-{os.urandom(4).hex()}"
        cwd = _absolute(params.cwd, self._root)
        return (await self._registry.create(session_id, cwd, params.env, auto=False)).session()

    def sessions_list(self, params: protocol.SessionsListParams) -> protocol.SessionList:
        found = [handle.session() for handle in self._registry.handles()]
        wanted = params.sandbox_id
        return protocol.SessionList(sessions=[one for one in found if wanted in (None, one.sandbox_id)])

    async def sessions_get(self, params: protocol.SessionParams) -> protocol.Session:
        handle = self._registry.get(params.session_id)
        return handle.session(await self._registry.commands(handle))

    async def sessions_delete(self, params: protocol.SessionParams) -> protocol.SessionDeletion:
        return protocol.SessionDeletion(stopped=await self._registry.delete(params.session_id))

    async def command_execute(self, params: protocol.ExecuteParams) -> protocol.CommandStatus:
        if params.session_id is None:
            self._sandbox(params.sandbox_id)
        return await self._commands.execute(params)

    def _sandbox(self, sandbox_id: str | None) -> None:
        sandbox_id = sandbox_id or self._default_sandbox
        if sandbox_id != LOCAL:
            raise _no_daytona()


def _no_daytona() -> errors.RpcError:
    if os.environ.get("DAYTONA_API_KEY"):
        return errors.Unsupported(f"this version serves the sandbox {LOCAL} only, Daytona's not yet")
    return errors.AuthenticationError("Daytona sandboxes need an API key: set DAYTONA_API_KEY")


def _local_sandbox() -> protocol.Sandbox:
    return protocol.Sandbox(
        sandbox_id=LOCAL,
        name="This machine",
        kind=protocol.SandboxKind.LOCAL,
        state=protocol.SandboxState.STARTED,
        reason=None,
        labels={},
        target=None,
        created_at=None,
        auto_stop_interval=None,
        limits=[],
    )


def _root(info: InitializeInfo) -> str:
    """Where sessions start that say nothing else: the first workspace folder, else our own directory."""
    folders = info.workspace_folders or []
    uris = [folder["uri"] for folder in folders[:1]] or [info.root_uri]
    for uri in uris:
        if uri and uri.startswith("file://"):
            return unquote(urlsplit(uri).path)
    return info.root_path or os.getcwd()


def _absolute(cwd: str | None, root: str) -> str:
    return os.path.normpath(os.path.join(root, os.path.expanduser(cwd or ".")))
