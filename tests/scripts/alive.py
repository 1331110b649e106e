"""Print those of the given pids whose process lives; a zombie does not."""

import subprocess
import sys

for pid in sys.argv[1:]:
    ps = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False)
    if ps.stdout.strip() and not ps.stdout.strip().startswith("Z"):
        print(pid)
