"""The `daytona-rpc` command: the server, and the command line that is its client."""

from __future__ import annotations

import sys


def main(argv: list[str] | None = None) -> int:
    """Serve where only the server's options are given, else do what the first word says.

    Each half imports only what it needs: an editor waits for the server's first answer.
    """
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0].startswith("-"):
        from daytona_rpc.cli import serve

        return serve.main(arguments)
    from daytona_rpc.cli import commands

    return commands.main(arguments)
