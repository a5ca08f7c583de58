"""The child process: ``python -m murmur.local.endpoint HOME PORT`` (PORT 0: any; taken already: any)."""

from __future__ import annotations

import sys
from pathlib import Path

from murmur.local.endpoint.server import serve

if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[1]), int(sys.argv[2])))
