"""The server's log file: rotated, private, and without anything a client sent or a command wrote."""

from __future__ import annotations

import logging
import logging.handlers
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper

LEVELS = ("debug", "info", "warning", "error")
_FILE_BYTES = 2 << 20
_OLD_FILES = 2
_FORMAT = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"


def start(path: str, level: str) -> None:
    """Write our log to a file from now on.

    Raises:
        OSError: the file cannot be written.
    """
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    handler = _PrivateFile(path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("daytona_rpc").setLevel(level.upper())
    # pygls logs whole messages: environments and inputs among them.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    # Where the file itself fails (a full disk), a traceback on stderr for each record would flood the editor.
    logging.raiseExceptions = False
    sys.excepthook = lambda kind, error, trace: root.critical("ended by", exc_info=(kind, error, trace))


def tell(send: Callable[[bool, str], None]) -> None:
    """Tell the client too what it should know: `send` gets each warning or error, and whether it is one."""
    logging.getLogger("daytona_rpc").addHandler(_Teller(send))


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """Its files are for their owner alone, those of later rotations too."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        file = os.open(self.baseFilename, flags, 0o600)
        return TextIOWrapper(os.fdopen(file, "ab"), encoding=self.encoding, errors=self.errors)


class _Teller(logging.Handler):
    """Passes records on. One made while another is passed on would be about the passing on: not told."""

    def __init__(self, send: Callable[[bool, str], None]) -> None:
        super().__init__(logging.WARNING)
        self._send = send
        self._busy = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self._busy:
            self._busy = True
            try:
                self._send(record.levelno >= logging.ERROR, record.getMessage())
            finally:
                self._busy = False
