"""`python -m daytona_rpc` is the `daytona-rpc` command."""

import sys

from daytona_rpc.cli import main

if __name__ == "__main__":
    sys.exit(main())
