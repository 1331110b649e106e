"""Start a child in the same group, one in a session of its own, and an orphan in one; print their pids.

All of them ignore what a closed terminal or pipe would tell them; with `--leave` the parent then ends.
"""

import os
import subprocess
import sys
import time

SLEEP = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGHUP, signal.SIG_IGN); time.sleep(600)",
]
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def orphan():
    """The pid of a process whose parent has ended: the double fork of a daemon."""
    reading, writing = os.pipe()
    if os.fork() == 0:
        child = subprocess.Popen(SLEEP, start_new_session=True, **QUIET)
        os.write(writing, str(child.pid).encode())
        os._exit(0)
    os.wait()
    return int(os.read(reading, 20))


near = subprocess.Popen(SLEEP, **QUIET)
far = subprocess.Popen(SLEEP, start_new_session=True, **QUIET)
print(near.pid, far.pid, orphan(), flush=True)
if "--leave" in sys.argv:
    os._exit(0)
while True:
    time.sleep(600)
