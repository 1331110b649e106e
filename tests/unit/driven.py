"""A host's loop that a test runs turn by turn, on its own thread."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from daytona_rpc.host.loop import Loop

_LOOK_EVERY_S = 0.005


class DrivenLoop(Loop):
    """Runs until a condition holds; what went wrong in callbacks is in `errors`."""

    def __init__(self) -> None:
        self._wakeup_before = signal.set_wakeup_fd(-1)
        self._handler_before = signal.getsignal(signal.SIGCHLD)
        super().__init__()
        self.errors: list[BaseException | None] = []
        self.on_error = lambda: self.errors.append(sys.exc_info()[1])

    def until(self, condition: Callable[[], Any], timeout_s: float = 10) -> Any:
        """Run until the condition is true; its value."""
        deadline = time.monotonic() + timeout_s
        found: list[Any] = []

        def look() -> None:
            value = condition()
            if value or time.monotonic() > deadline:
                found.append(value)
                self.stop()
            else:
                self.call_later(_LOOK_EVERY_S, look)

        self._running = True
        self.call_later(0, look)
        self.run()
        assert found[0], f"not within {timeout_s} s"
        return found[0]

    def dispose(self) -> None:
        """Give back the process's signals and close what the loop has open."""
        signal.set_wakeup_fd(self._wakeup_before)
        signal.signal(signal.SIGCHLD, self._handler_before)
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()
