"""What a server removes from the state directory when it starts: what is too old, or was never finished."""

from __future__ import annotations

import logging
import os
import time

from daytona_rpc.host import paths, records, recovery

_log = logging.getLogger(__name__)

_DRAFT_S = 3600.0


def sweep(state_dir: str) -> None:
    """Remove finished commands past their retention, and made sessions that held only such."""
    folder = paths.sessions_dir(state_dir)
    for name in os.listdir(folder):
        try:
            _sweep_session(os.path.join(folder, name), recovery.retention_s())
        except OSError as error:  # another server sweeps too, or it is nothing of ours
            _log.info("not swept: %s", error.strerror)


def _sweep_session(path: str, retention_s: float) -> None:
    now = time.time()
    if not paths.is_id(os.path.basename(path)):
        if now - os.stat(path).st_mtime > _DRAFT_S:  # a draft or a removal cut short
            paths.remove_tree(path)
        return
    held = recovery.lock(path)
    if held is None:
        return  # its host sweeps
    try:
        recovery.mark_lost(path)
        record = records.read_session(path)
        left = recovery.expire(path, retention_s, now)
        # A session without a record was torn by a machine that stopped: nobody can use it any more.
        if record is None or (left == 0 and recovery.is_over(record, retention_s, now)):
            recovery.remove(path)
    finally:
        os.close(held)
