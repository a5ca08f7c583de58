"""The child's side: one loopback socket, MiniStack behind the edge, until SIGTERM or the parent is gone."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from murmur.local.endpoint import disk
from murmur.local.endpoint.edge import Edge
from murmur.local.loopback import HOST, listen

if TYPE_CHECKING:
    from murmur.local.endpoint.changes import Changes

SERVICES: Final = "s3,sqs,events"
HASTE_SECONDS: Final = 5.0
"""How long a server whose parent is gone may take to stop in good order. What was written is on disk either way."""
_log = logging.getLogger("murmur.endpoint")


def serve(home: Path, port: int) -> int:
    """Run the endpoint with its state under ``home``; returns the exit status."""
    os.umask(0o077)
    with (home / "endpoint.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"Another endpoint already uses {home}. Stop it, or choose another --home.", file=sys.stderr)
            return 1
        listener = _listen(port)
        objects = home / "s3"
        _tell_ministack(objects, listener.getsockname()[1])
        for key in disk.recover(objects):
            _log.warning("A write of %s was cut off; it is now whole or as it was before.", key)
        asyncio.run(_serve(listener, os.environ.pop("MURMUR_ENDPOINT_KEY")))
    return 0


def _listen(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError:
        return listen(0)


def _tell_ministack(objects: Path, port: int) -> None:
    # MiniStack reads its settings when it is imported, so they must stand before that.
    os.environ |= {
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SERVICES": SERVICES,
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(objects),
        # What it would save at a clean stop (queues, rules) would come back stale after a later kill -9. So nothing
        # but objects is kept, and everything else is provisioned anew after every start, whatever ended the last one.
        "PERSIST_STATE": "0",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": "WARNING",
    }


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready and ends the long polls when it stops."""

    changes: Changes

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell the parent which port it is, in the one line that ever goes to standard output."""
        await super().startup(sockets)
        if self.started and sockets:
            print(json.dumps({"port": sockets[0].getsockname()[1]}), flush=True)
            os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop; polls that still wait are answered with nothing."""
        self.changes.release_polls()
        await super().shutdown(sockets)


async def _serve(listener: socket.socket, key: str) -> None:
    from ministack.app import app  # noqa: PLC0415 - reads the environment when imported

    from murmur.local.endpoint.changes import Changes  # noqa: PLC0415 - imports MiniStack

    edge = Edge(app, key, listener.getsockname()[1], frozenset(SERVICES.split(",")))
    config = uvicorn.Config(
        edge,
        lifespan="on",
        ws="none",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,  # MiniStack sends its own
        timeout_keep_alive=75,
        timeout_graceful_shutdown=2,
    )
    server = _Server(config)
    server.changes = Changes()
    server.changes.apply(asyncio.get_running_loop())
    _stop_with_parent(server)
    await server.serve(sockets=[listener])


def _stop_with_parent(server: uvicorn.Server) -> None:
    def watch() -> None:
        # Read without a lock of sys.stdin: a daemon thread that still holds one would upset the interpreter's end.
        while os.read(0, 4096):
            pass
        server.should_exit = True
        time.sleep(HASTE_SECONDS)  # a server that has stopped by then ends this thread with it
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
