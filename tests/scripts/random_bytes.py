"""Write COUNT random bytes of SEED to stdout, in pieces of random length."""

import os
import random
import sys

seed, count = map(int, sys.argv[1:])
data = random.Random(seed).randbytes(count)
lengths = random.Random(seed + 1)
while data:
    written = os.write(1, data[: lengths.randint(1, 20_000)])
    data = data[written:]
