"""Following a flock live: what is pushed over the WebSocket, and asking where there is none.

The socket only makes it quick. The truth is the status, asked for every few seconds, so that a lost push, a lost connection or a
message that was too large to push costs a moment and nothing else.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import quote, urlsplit, urlunsplit

from murmur.cli.find import is_loopback
from murmur.cli.picture import Picture
from murmur.cli.shapes import Entry
from murmur.errors import MurmurError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from murmur.cli.client import Client

ASK_SECONDS: Final = 5.0
"""How often the status is asked for while the socket is open."""
ASK_WITHOUT_SOCKET_SECONDS: Final = 1.0
RECONNECT_MAX_SECONDS: Final = 15.0
_BURST: Final = 500
"""Messages taken in one update at most, so that the view is drawn also when they never end."""


class Source(Protocol):
    """The part of the API that following needs."""

    def status(self) -> dict[str, Any]:
        """The whole flock's state."""

    def log(self, agent: int, after: int = -1) -> Iterator[dict[str, Any]]:
        """An agent's entries behind an iteration."""


class Socket(Protocol):
    """An open WebSocket."""

    def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message; TimeoutError if none comes."""

    def send(self, message: str) -> None:
        """Send one message."""


class Feed:
    """Keeps a Picture up to date. ``connect`` opens the socket, or raises; None: only ask.

    ``ask_seconds``: how often the status is asked for while the socket is open; None: ASK_SECONDS.
    """

    def __init__(
        self,
        source: Source,
        connect: Callable[[], AbstractContextManager[Socket]] | None = None,
        *,
        ask_seconds: float | None = None,
    ) -> None:
        self.picture = Picture()
        self.problem: MurmurError | None = None
        """Why nothing is heard; None while all is well."""
        self._source = source
        self._connect = connect
        self._ask_seconds = ask_seconds
        self._socket: Socket | None = None
        self._held = ExitStack()
        self._asked = -math.inf
        self._retry_at = 0.0
        self._retry_seconds = 1.0
        self._lost_at = 0.0

    @property
    def live(self) -> bool:
        """Whether pushes arrive, rather than answers to questions."""
        return self._socket is not None

    @property
    def lost_seconds(self) -> float:
        """For how long nothing has been heard; 0.0 while all is well."""
        return time.monotonic() - self._lost_at if self.problem else 0.0

    def close(self) -> None:
        """Close the socket."""
        self._socket = None
        self._held.close()

    def ask_next(self) -> None:
        """Let the next update ask for the whole status."""
        self._asked = -math.inf

    def update(self, wait_seconds: float) -> list[Entry]:
        """Wait up to ``wait_seconds`` for news; returns the entries that are new. Only errors of our own making are raised."""
        fresh = self._listen(wait_seconds)
        quiet = ASK_SECONDS if self._ask_seconds is None else self._ask_seconds
        pause = quiet if self.live else ASK_WITHOUT_SOCKET_SECONDS
        try:
            if time.monotonic() - self._asked >= pause:
                self._asked = time.monotonic()
                fresh += self.picture.take_status(self._source.status())
                self.problem = None
            for agent, after in list(self.picture.gaps.items()):
                fresh += self.picture.give_up(agent, list(self._source.log(agent, after)))
        except MurmurError as error:
            if getattr(error, "status", 0) in (401, 403):
                raise
            self._lost_at = self._lost_at if self.problem else time.monotonic()
            self.problem = error
        return fresh

    def _listen(self, wait_seconds: float) -> list[Entry]:
        if self._socket is None and not self._open():
            time.sleep(wait_seconds)
            return []
        fresh: list[Entry] = []
        for index in range(_BURST):
            message = self._receive(wait_seconds if index == 0 else 0)
            if message is None:
                break
            run = self.picture.run
            fresh += self.picture.apply(message)
            if message.get("type") == "reference" or self.picture.run != run:
                self.ask_next()
        return fresh

    def _receive(self, wait_seconds: float) -> Mapping[str, Any] | None:
        """The next message; None if there is none, or no socket any more."""
        if self._socket is None:
            return None
        try:
            value = json.loads(self._socket.recv(timeout=wait_seconds))
        except TimeoutError:
            return None
        except ValueError:
            return {}
        except Exception:  # noqa: BLE001 - whatever ended the socket, it is opened again and the status asked meanwhile
            self.close()
            self._put_off()
            self.ask_next()
            return None
        self._retry_seconds = 1.0
        return value if isinstance(value, dict) else {}

    def _open(self) -> bool:
        if self._connect is None or time.monotonic() < self._retry_at:
            return False
        try:
            self._socket = self._held.enter_context(self._connect())
            self._socket.send('{"type":"snapshot"}')
        except Exception:  # noqa: BLE001 - no ticket, no route, no upgrade: all mean "ask instead, and try again later"
            self.close()
            self._put_off()
            return False
        return True

    def _put_off(self) -> None:
        self._retry_at = time.monotonic() + self._retry_seconds
        self._retry_seconds = min(self._retry_seconds * 2, RECONNECT_MAX_SECONDS)


def follow(client: Client, *, ask_seconds: float | None = None) -> Feed:
    """A feed of the client's flock: pushed where it can be, asked for where it cannot."""
    return Feed(client, lambda: _connect(client), ask_seconds=ask_seconds)


def _connect(client: Client) -> AbstractContextManager[Socket]:
    from websockets.sync.client import connect  # noqa: PLC0415 - only live views need it

    ticket = client.call("POST", "/cluster/ticket", body={})
    url = socket_url(client.where.url, str(ticket.get("url", "")) or _live(client), str(ticket["ticket"]))
    options: dict[str, Any] = {"proxy": None} if is_loopback(url) else {}
    opened: AbstractContextManager[Socket] = connect(
        url, open_timeout=5, close_timeout=1, max_size=4_000_000, **options
    )
    return opened


def _live(client: Client) -> str:
    """Where a deployed flock's WebSocket is, as its page is told; "" for one beside the API."""
    if client.where.home is not None:
        return ""
    try:
        live = client.get("/settings.json").get("live") or ""
    except MurmurError:  # an older server has none, and its socket beside the API
        return ""
    # The ticket goes there, and must not go in the clear to anybody else's machine.
    return str(live) if str(live).startswith("wss://") or is_loopback(str(live)) else ""


def socket_url(api: str, given: str, ticket: str) -> str:
    """Where the WebSocket is: what came with the ticket, else ``/live`` beside the API."""
    if given:
        base = given
    else:
        parts = urlsplit(api)
        scheme = "wss" if parts.scheme == "https" else "ws"
        base = urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/live", "", ""))
    return f"{base}{'&' if '?' in base else '?'}ticket={quote(ticket, safe='')}"
