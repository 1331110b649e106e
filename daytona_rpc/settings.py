"""Where the server keeps its files, from its options and the environment."""

from __future__ import annotations

import os

STATE_DIR_VARIABLE = "DAYTONA_RPC_STATE_DIR"


def state_dir(option: str | None = None) -> str:
    """The state directory, absolute: `--state-dir`, DAYTONA_RPC_STATE_DIR, or the user's own."""
    chosen = option or os.environ.get(STATE_DIR_VARIABLE)
    if not chosen:
        from platformdirs import user_state_dir  # costs more than all else here

        chosen = user_state_dir("daytona-rpc", appauthor=False)
    return os.path.abspath(os.path.expanduser(chosen))


def log_file(option: str | None, state: str) -> str:
    """The server's log file, absolute: `--log-file`, or `server.log` in the state directory."""
    return os.path.abspath(os.path.expanduser(option)) if option else os.path.join(state, "server.log")
