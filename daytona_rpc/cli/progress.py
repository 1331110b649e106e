"""How far a command is, and how much of its log we have, from what the server has said so far."""

from __future__ import annotations

import binascii

from daytona_rpc.cli.client import Message

FINAL = frozenset({"completed", "stopped", "failed", "lost"})


class Progress:
    """One command and its log. Answers and notifications may come in either order."""

    def __init__(self, *, offset: int = 0, until: int | None = None) -> None:
        """The log is wanted from `offset` on, to its end or to `until`."""
        self.offset = offset
        """Where the log goes on."""
        self.status: Message | None = None
        """The newest status, None until the server has confirmed the command."""
        self.answered = False
        """Whether the request that began it is answered."""
        self._until = until
        self._ended = False  # the final status has come as news, and with it all of the log

    @property
    def over(self) -> bool:
        """Whether this was all."""
        if self._until is not None and self.answered and self.offset >= self._until:
            return True
        # Of a command that could not be started, the answer that is still to come says why.
        return self._ended and (self.answered or (self.status is not None and bool(self.status["startedAt"])))

    @property
    def running(self) -> bool:
        """Whether the command runs, so that it can be given signals and sizes."""
        return self.status is not None and self.status["status"] == "running"

    @property
    def takes_input(self) -> bool:
        """Whether the command can be given input."""
        return self.running and self.status is not None and self.status["stdin"] == "open"

    def learn(self, status: Message, *, as_news: bool = False) -> None:
        """Take a status, from an answer or as news."""
        if self.status is None or self.status["status"] not in FINAL:  # an answer may come after the end
            self.status = status
        self._ended = self._ended or (as_news and status["status"] in FINAL)

    def take(self, chunk: Message) -> tuple[bytes, int]:
        """The bytes of the next chunk, and how many before it are not kept any more."""
        text: str = chunk["data"]
        data = text.encode() if chunk["encoding"] == "utf8" else binascii.a2b_base64(text)
        missing = chunk["offset"] - self.offset
        self.offset = chunk["offset"] + len(data)
        return data, max(0, missing)
