"""`daytona-rpc --stdio`: the server itself, on standard input and output or a socket the client offers."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from daytona_rpc import __version__, gate, settings, stdio

if TYPE_CHECKING:
    from daytona_rpc.envelope import InitializeInfo
    from daytona_rpc.writer import Writer

USAGE_ERROR = 2
NOT_SENT = ("sandbox/changed", "$/progress")  # this machine never changes, and nothing here takes long
_INHERITED_MAX = 64  # descriptors looked at; a caller that leaves more open than that means it


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        print(f"daytona-rpc: {message} (see daytona-rpc --help)", file=sys.stderr)
        raise SystemExit(USAGE_ERROR)


def parser() -> argparse.ArgumentParser:
    """The server's options, which are those of LSP servers and a few of its own."""
    options = _Parser(
        prog="daytona-rpc",
        description="Serve JSON-RPC to an editor; or, with a command, run and watch commands from here.",
        epilog="commands: run, ps, logs, attach, stop, sessions, rm, doctor, completion "
        "(see daytona-rpc COMMAND --help)",
        allow_abbrev=False,
    )
    way = options.add_mutually_exclusive_group()
    way.add_argument("--stdio", action="store_true", help="serve standard input and output (the default)")
    way.add_argument("--pipe", metavar="PATH", help="connect to a Unix socket the client listens on")
    way.add_argument(
        "--socket",
        "--port",
        dest="port",
        metavar="PORT",
        type=int,
        help="connect to a port of this machine the client listens on",
    )
    options.add_argument(
        "--clientProcessId", metavar="PID", type=int, help="end when the process with this id is gone"
    )
    options.add_argument("--state-dir", metavar="DIR", help="where sessions and logs are kept")
    options.add_argument("--log-file", metavar="FILE", help="the server's own log")
    options.add_argument(
        "--log-level", metavar="LEVEL", default="info", help="debug, info (the default), warning or error"
    )
    options.add_argument("--version", action="version", version=f"daytona-rpc {__version__}")
    return options


def main(arguments: list[str]) -> int:
    """Serve one client and return the exit code."""
    logging.getLogger().addHandler(logging.NullHandler())  # until there is a log file, and without one
    options = parser()
    chosen = options.parse_args(arguments)
    if chosen.log_level not in ("debug", "info", "warning", "error"):
        options.error(f"--log-level: {chosen.log_level!r} is none of debug, info, warning, error")
    # What the editor left open is not for session hosts, which live long.
    for fd in range(3, _INHERITED_MAX):
        with suppress(OSError):
            os.set_inheritable(fd, False)
    try:
        in_fd, out_fd = _connect(chosen)
    except OSError as error:
        print(f"daytona-rpc: cannot connect to the client: {error.strerror}", file=sys.stderr)
        return 1
    return gate.serve(
        in_fd,
        out_fd,
        describe=_describe,
        load=lambda info, writer: _load(chosen, info, writer),
        client_process_id=chosen.clientProcessId,
    )


def _connect(chosen: argparse.Namespace) -> tuple[int, int]:
    """The descriptors to read from and write to."""
    if chosen.pipe is None and chosen.port is None:
        return stdio.claim()
    if chosen.pipe is not None:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(chosen.pipe)
    else:
        connection = socket.create_connection(("127.0.0.1", chosen.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    fd = connection.detach()
    return fd, fd


def _describe(info: InitializeInfo) -> dict[str, Any]:
    """The answer to `initialize`: a `protocol.InitializeResult` on the wire, made without its classes."""
    from daytona_rpc.host import shell
    from daytona_rpc.protocol.methods import METHODS, PROTOCOL_VERSION

    taken = [one.name for one in METHODS.values() if one.direction == "clientToServer"]
    news = [one for one in METHODS.values() if one.kind == "notification" and one.name not in NOT_SENT]
    sent = [one.name for one in news if one.direction == "serverToClient"]
    return {
        "capabilities": {
            "experimental": {
                "daytonaRpc": {
                    "protocolVersion": PROTOCOL_VERSION,
                    "methods": taken,
                    "notifications": sent,
                    "shells": shell.find_shells(os.environ),
                    "localShell": shell.find_shell(os.environ),
                }
            }
        },
        "serverInfo": {"name": "daytona-rpc", "version": __version__},
    }


def _load(chosen: argparse.Namespace, info: InitializeInfo, writer: Writer) -> gate.Engine:
    """All that takes long to import, once `initialize` is answered."""
    from daytona_rpc import journal, rpc, server

    state = settings.state_dir(chosen.state_dir)
    client = rpc.Client(info, writer)
    service = server.Server(client, info, state)
    with suppress(OSError):  # no log is no reason to serve nobody; requests say what is wrong
        journal.start(settings.log_file(chosen.log_file, state), chosen.log_level)
    journal.tell(service.log)
    return rpc.Engine(client, writer, service.handlers(), close=service.close)
