"""The one kind of socket that a flock of one machine listens at."""

from __future__ import annotations

import socket
from typing import Final

HOST: Final = "127.0.0.1"


def listen(port: int) -> socket.socket:
    """A socket of this machine alone, bound to the port (0: any that is free). Raises OSError if it cannot be had."""
    # With the protocol left at 0 asyncio would not switch Nagle's algorithm off, and every answer would take 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError:
        listener.close()
        raise
    listener.setblocking(False)
    return listener
