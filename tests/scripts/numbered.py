"""Print lines 0 to COUNT - 1, one each DELAY_S, on stdout or alternating with stderr; exit with CODE."""

import argparse
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("count", type=int)
parser.add_argument("--delay-s", type=float, default=0)
parser.add_argument("--exit-code", type=int, default=0)
parser.add_argument("--both", action="store_true", help="odd lines go to stderr")
options = parser.parse_args()

for number in range(options.count):
    stream = sys.stderr if options.both and number % 2 else sys.stdout
    stream.write(f"line {number}\n")
    stream.flush()
    if options.delay_s:
        time.sleep(options.delay_s)
sys.exit(options.exit_code)
