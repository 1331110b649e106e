"""Print the terminal's size at start and at each SIGWINCH, until a line `end` comes in."""

import os
import signal
import sys


def show(*_):
    size = os.get_terminal_size(0)
    os.write(1, f"{size.columns}x{size.lines}\n".encode())  # print() may not be entered twice


os.write(1, " ".join(str(os.isatty(fd)) for fd in (0, 1, 2)).encode() + b"\n")
signal.signal(signal.SIGWINCH, show)
show()
for line in sys.stdin:
    if line == "end\n":
        break
