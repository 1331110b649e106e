"""`python -m daytona_rpc` is the `daytona-rpc` command."""

import sys

if not sys.flags.safe_path:
    # `-m` puts the current directory first: a workspace's own `orjson.py` is not to be run.
    del sys.path[0]

from daytona_rpc.cli import main

if __name__ == "__main__":
    sys.exit(main())
