"""Write COUNT bytes to stdout as fast as possible: pieces of 64 KiB that each begin with their own offset."""

import os
import sys

PIECE = 65536
FILLER = b"".join(b"%015d\n" % line for line in range(1, PIECE // 16))


def piece(offset):
    return b"%015d\n" % offset + FILLER


def main(count):
    for offset in range(0, count, PIECE):
        data = piece(offset)[: count - offset]
        while data:
            data = data[os.write(1, data) :]


if __name__ == "__main__":
    main(int(sys.argv[1]))
