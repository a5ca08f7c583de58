"""The WebSocket: /live?ticket=…"""

from __future__ import annotations

import asyncio
import secrets

from starlette.websockets import WebSocket, WebSocketDisconnect

from functions.live.live import Live
from murmur.local.gateway.event import address_of
from murmur.local.gateway.publisher import LocalPublisher
from murmur.ports import TicketBook

_UNWELCOME = 1008
_TRY_AGAIN = 1013


async def serve_socket(socket: WebSocket, tickets: TicketBook, live: Live, publisher: LocalPublisher) -> None:
    """One dashboard, from its ticket to its end. Its messages are answered one after the other."""
    if not await tickets.redeem(socket.query_params.get("ticket", ""), address_of(socket)):
        await socket.close(_UNWELCOME, "The ticket is not valid (any more); get a new one.")
        return
    await socket.accept()
    connection = secrets.token_hex(8)
    async with publisher.attached(connection, socket.send_text) as broken:
        listening = asyncio.create_task(_listen(socket, live, connection))
        dropping = asyncio.create_task(broken.wait())
        try:
            await asyncio.wait((listening, dropping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (listening, dropping):
                task.cancel()
            results = await asyncio.gather(listening, dropping, return_exceptions=True)
            await live.on_disconnect(connection)
    failed = results[0]
    if isinstance(failed, Exception):
        raise failed
    if broken.is_set():
        await _close(socket)


async def _listen(socket: WebSocket, live: Live, connection: str) -> None:
    try:
        while True:
            await live.on_message(connection, await _text(socket))
    except WebSocketDisconnect:
        return


async def _text(socket: WebSocket) -> str:
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1000))
    text = message.get("text")
    return text if text is not None else ""


async def _close(socket: WebSocket) -> None:
    try:
        async with asyncio.timeout(1):
            await socket.close(_TRY_AGAIN, "You did not keep up; connect and resume.")
    except (WebSocketDisconnect, RuntimeError, TimeoutError, OSError):
        return  # it is closed, or beyond being told
