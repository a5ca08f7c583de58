"""A stdio→HTTP bridge for agents that speak MCP only over stdio. Standard library only, so that it starts in a blink.

    MURMUR_MCP_URL=http://127.0.0.1:… MURMUR_MCP_TOKEN=… python -m agent.tools.bridge

Every line on stdin is posted; what comes back is a line on stdout. It ends when stdin does.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

URL_VARIABLE = "MURMUR_MCP_URL"
TOKEN_VARIABLE = "MURMUR_MCP_TOKEN"  # noqa: S105 - the name of a variable, no secret
_WORKERS = 4
_TIMEOUT_SECONDS = 900
_META_VERSION = "io.modelcontextprotocol/protocolVersion"
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class Bridge:
    """Carries messages between stdin/stdout and one HTTP MCP server; each worker thread keeps a connection of its own."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or "127.0.0.1"
        self._port = parts.port or 80
        self._path = parts.path or "/"
        self._token = token
        self._version = ""
        self._local = threading.local()
        self._out = threading.Lock()

    def run(self) -> None:
        """Carry messages until stdin ends."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            for line in sys.stdin.buffer:
                if line.strip():
                    pool.submit(self._carry, line)

    def _carry(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._say({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "The line is not JSON."}})
            return
        if not isinstance(message, dict):
            self._say({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "Send one object a line."}})
            return
        try:
            status, body = self._post(line, self._headers(message))
        except (OSError, http.client.HTTPException) as error:
            self._fail(message, f"The murmur server does not answer ({type(error).__name__}); the turn may have ended.")
            return
        if "id" in message:
            self._reply(message, status, body)

    def _reply(self, message: dict[str, Any], status: int, body: bytes) -> None:
        try:
            reply = json.loads(body)
        except (ValueError, RecursionError):
            reply = None
        if not isinstance(reply, dict) or "jsonrpc" not in reply:
            self._fail(message, f"The murmur server answered {status}: {body[:200].decode('utf-8', 'replace')}")
            return
        if message.get("method") == "initialize" and isinstance(reply.get("result"), dict):
            self._version = str(reply["result"].get("protocolVersion", ""))
        self._say(reply)

    def _headers(self, message: dict[str, Any]) -> dict[str, str]:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        method, params = message.get("method"), message.get("params")
        meta = params.get("_meta") if isinstance(params, dict) else None
        version = meta.get(_META_VERSION) if isinstance(meta, dict) else None
        if isinstance(version, str):
            headers["Mcp-Method"] = _header(str(method))
            named = params.get(_NAMED_BY.get(str(method), "")) if isinstance(params, dict) else None
            if isinstance(named, str):
                headers["Mcp-Name"] = _header(named)
        else:
            version = self._version
        if version and method != "initialize":
            headers["Mcp-Protocol-Version"] = _header(version)
        return headers

    def _post(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
            self._local.connection = connection
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self._local.connection = None
            raise

    def _fail(self, message: dict[str, Any], text: str) -> None:
        if "id" in message:
            self._say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": text}})

    def _say(self, reply: dict[str, Any]) -> None:
        line = json.dumps(reply, separators=(",", ":")).encode() + b"\n"
        with self._out:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()


def _header(value: str) -> str:
    """A value as an HTTP header may carry it: as it is when printable ASCII, else in MCP's base64 envelope."""
    if value.isascii() and value.isprintable() and value == value.strip():
        return value
    return f"=?base64?{base64.b64encode(value.encode('utf-8', 'replace')).decode()}?="


def main() -> int:
    """Run the bridge; 2 if the environment does not say where to."""
    try:
        url, token = os.environ[URL_VARIABLE], os.environ[TOKEN_VARIABLE]
    except KeyError as missing:
        sys.stderr.write(f"{missing} is not set. This bridge is started by the agent's session, not by hand.\n")
        return 2
    try:
        Bridge(url, token).run()
    except (BrokenPipeError, KeyboardInterrupt):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
