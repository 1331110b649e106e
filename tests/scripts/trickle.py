"""Write each argument, bytes in hexadecimal, in a write of its own; `2:` before one sends it to stderr."""

import os
import sys
import time

for part in sys.argv[1:]:
    channel, _, digits = part.rpartition(":")
    os.write(int(channel or 1), bytes.fromhex(digits))
    time.sleep(0.03)  # long enough that each write is read on its own
