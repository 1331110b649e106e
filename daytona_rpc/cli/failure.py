"""What ends the command line with one line on stderr.

Failure                 the line
  UsageFailure          the caller asked for what cannot be; exit code 2
  ServerGone            the server ended or never started
  Refused               the server answered with an error
"""

from __future__ import annotations

from typing import Any

USAGE = 2


class Failure(Exception):
    """The command line cannot go on; `str(failure)` is the line that says why."""

    exit_code: int | None = None
    """The exit code, where it is not the usual one of the command line's command."""


class UsageFailure(Failure):
    """What was asked for makes no sense, whatever the server would say."""

    exit_code = USAGE


class ServerGone(Failure):
    """The server ended, or did not come up."""


class Refused(Failure):
    """The server answered a request with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.error = error

    @property
    def data(self) -> dict[str, Any]:
        """What the error says beside its text."""
        data = self.error.get("data")
        return data if isinstance(data, dict) else {}

    @property
    def kind(self) -> str:
        """The kind of an application error, '' for one of JSON-RPC's own."""
        return str(self.data.get("kind", ""))
