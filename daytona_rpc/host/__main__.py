"""`python -I -S host/__main__.py SESSION_DIR READY_FD` runs the host of one session."""

import os
import sys

# Started by its path and isolated (-I -S), so that nothing of the user's Python reaches the host: the
# package is found from here, last, so that it can shadow nothing of the standard library.
sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

from daytona_rpc.host.main import main

if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
