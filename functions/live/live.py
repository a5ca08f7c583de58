"""The live view: what dashboards ask, and what changes tell them.

Reading and sending happen under one lock, so what a connection receives is in the order in which it was true: a snapshot
can not arrive behind a newer entry. Several processes (Lambda) have no such order between them; there the client's rule
holds: an entry counts once by (agent, iteration), a snapshot of the same run takes nothing newer back, a gap asks to resume.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from functions.live import messages
from functions.live.snapshot import Cursor, read_snapshot, read_versions
from functions.live.watchers import MemoryWatchers, Watchers
from murmur import keys
from murmur.census import read_host_count, read_live_agents
from murmur.change import Change
from murmur.control import read_control
from murmur.documents import read_direction
from murmur.errors import InvalidInput, MurmurError, ObjectMissing, Refused, Unavailable
from murmur.gather import gather
from murmur.inspector import read_queues
from murmur.logs import LogReader
from murmur.ports import Publisher
from murmur.services import Services

MESSAGE_BYTES: Final = 32 * 1024
"""A client's message, at most."""
QUEUES_EVERY_SECONDS: Final = 1.0
_TAIL_ENTRIES: Final = 50
_RESUMED_ENTRIES: Final = 200
"""Entries of one agent a resume sends; who is further behind gets a snapshot."""
_RESUMED_AGENTS: Final = 64
_log = logging.getLogger(__name__)


class Live:
    """One process's live view. What it remembers (the newest entry pushed per agent) is only to spare work."""

    def __init__(self, services: Services, publisher: Publisher, watchers: Watchers | None = None) -> None:
        self._services = services
        self._publisher = publisher
        self._watchers: Watchers = watchers if watchers is not None else MemoryWatchers()
        self._pushed: dict[int, int] = {}
        self._order = asyncio.Lock()
        self._queues_at = float("-inf")

    async def on_disconnect(self, connection: str) -> None:
        """Forget a connection."""
        await self._watchers.set(connection, watching=False)

    async def on_message(self, connection: str, text: str) -> None:
        """Answer a client's message; one that is not understood is answered with an error, and the connection stays."""
        try:
            message = _parse(text)
            async with self._order:
                frames = await self._reply(connection, message)
                await self._send(connection, frames)
        except MurmurError as error:
            await self._send(connection, messages.error_frames(error))

    async def on_changes(self, changes: Sequence[Change]) -> frozenset[str]:
        """Tell every connection what changed. A batch reads each key once, however often it changed.

        Returns the keys that could not be told because the store did not answer: worth telling again. Raises Unavailable.
        """
        untold: set[str] = set()
        async with self._order:
            connections = await self._publisher.connections()
            if not connections:
                self._pushed.clear()
                return frozenset()
            frames = await self._frames_of(_newest(changes), untold)
            try:
                await self._broadcast(connections, frames)
            except Unavailable:
                self._pushed.clear()  # who was told what is not known: the next push says the newest again
                raise
        await self.push_queues()
        return frozenset(untold)

    async def push_queues(self) -> None:
        """Tell those who watch queues how they stand, at most once a second."""
        watching = await self._watchers.all()
        now = self._services.clock.monotonic()
        if not watching or now - self._queues_at < QUEUES_EVERY_SECONDS:
            return
        self._queues_at = now
        async with self._order:
            await self._broadcast(sorted(watching), messages.queues_frames(await read_queues(self._services)))

    async def _reply(self, connection: str, message: Mapping[str, Any]) -> list[str]:
        match message.get("type"):
            case "ping":
                return messages.pong_frames()
            case "snapshot":
                return messages.snapshot_frames(await read_snapshot(self._services))
            case "resume":
                return await self._resume(_cursor(message.get("cursor")))
            case "watch":
                watching = message.get("queues") is True
                await self._watchers.set(connection, watching=watching)
                return messages.queues_frames(await read_queues(self._services)) if watching else []
            case other:
                raise InvalidInput(
                    f"There is no message of type {ascii(other)[:60]}.", "Send resume, snapshot, watch or ping."
                )

    async def _resume(self, cursor: Cursor) -> list[str]:
        """What the cursor lacks: entries, and documents that changed. A snapshot, if that would be too much."""
        store = self._services.store
        versions = await read_versions(store)
        control = (await read_control(store)).control
        same_run = (
            cursor.run == control.run if cursor.run else cursor.documents.get(keys.CONTROL) == versions[keys.CONTROL]
        )
        config = (await self._services.read_config()).config
        reader = LogReader(store)
        agents = range(config.concurrency)
        pages = await gather(
            lambda agent: reader.after(agent, cursor.agents.get(agent, -1), _RESUMED_ENTRIES),
            agents if same_run else (),
        )
        if not same_run or any(page.more for page in pages):
            return messages.snapshot_frames(await read_snapshot(self._services))
        changed = [key for key, version in versions.items() if cursor.documents.get(key) != version]
        parts = [await self._document(key) for key in changed]
        parts += [messages.entry_frames(agent, page.entries) for agent, page in enumerate(pages) if page.entries]
        live = await read_live_agents(self._services, agents) if len(agents) <= _RESUMED_AGENTS else []
        return messages.flatten([*parts, *(messages.agent_frames(agent) for agent in live)])

    async def _frames_of(self, changes: Mapping[str, Change], untold: set[str]) -> list[str]:
        """The messages of a batch: documents, entries, agents, files. Keys that the store would not show are added to ``untold``."""

        async def safely(read: Callable[[Any], Awaitable[list[str]]], what: Any, *concerned: str) -> list[str]:
            """One part of a batch; a part that cannot be read is logged, and the others are told all the same."""
            try:
                return await read(what)
            except MurmurError as error:
                _log.warning("a change could not be told to the dashboards: %s", error)
                if isinstance(error, Unavailable):
                    untold.update(concerned)
                return []

        documents = [key for key in changes if key in (keys.CONTROL, keys.CONFIG, keys.DIRECTION)]
        parts = [await safely(self._document, key, key) for key in documents]
        if keys.CONTROL in changes:
            parts.append(await safely(self._new_run, keys.CONTROL, keys.CONTROL))
        logs = [agent for key in changes if (agent := keys.agent_of_log(key)) is not None and not changes[key].deleted]
        for key, change in changes.items():
            gone = keys.agent_of_log(key)
            if gone is not None and change.deleted:
                self._pushed.pop(gone, None)
        parts += await gather(lambda agent: safely(self._entries, agent, keys.log(agent)), sorted(logs))
        states = sorted(agent for key in changes if (agent := keys.agent_of_state(key)) is not None)
        parts.append(await safely(self._agents, states, *(keys.state(agent) for agent in states)))
        files = [change for key, change in changes.items() if key.startswith((keys.OUTPUT, keys.KNOWLEDGE))]
        parts += await gather(lambda change: safely(self._file, change, change.key), files)
        return messages.flatten(parts)

    async def _document(self, key: str) -> list[str]:
        store = self._services.store
        if key == keys.CONTROL:
            control = await read_control(store)
            hosts = await read_host_count(self._services, control.control)
            return messages.control_frames(control.control, control.etag, hosts)
        if key == keys.CONFIG:
            config = await self._services.read_config()
            return messages.config_frames(config.config, config.etag)
        return messages.direction_frames(await read_direction(store))

    async def _new_run(self, _key: str) -> list[str]:
        """A run that begins replaces everything a dashboard shows."""
        control = (await read_control(self._services.store)).control
        if control.state not in ("starting", "running"):
            return []
        self._pushed.clear()
        return messages.snapshot_frames(await read_snapshot(self._services))

    async def _entries(self, agent: int) -> list[str]:
        """What the log has gained since the last push; only the newest entry if that is not known."""
        page = await LogReader(self._services.store).newest(agent, _TAIL_ENTRIES)
        known = self._pushed.get(agent, page.newest - 1)
        if known > page.newest:
            known = page.newest - 1
        self._pushed[agent] = page.newest
        return messages.entry_frames(agent, [entry for entry in page.entries if entry.iteration > known])

    async def _agents(self, agents: Sequence[int]) -> list[str]:
        """How these agents stand; while the flock starts or stops also how many hosts are there, which nothing else tells."""
        live = await read_live_agents(self._services, agents) if agents else []
        frames = messages.flatten(messages.agent_frames(agent) for agent in live)
        moving = bool(live) and (await read_control(self._services.store)).control.state in ("starting", "stopping")
        return [*frames, *(await self._document(keys.CONTROL) if moving else [])]

    async def _file(self, change: Change) -> list[str]:
        if change.deleted:
            return messages.file_frames(change, None, None)
        try:
            metadata = (await self._services.store.head(change.key)).metadata
        except ObjectMissing:
            return []  # its deletion is told by its own change
        except Refused:
            # On AWS this function may not read files; whose it is, the entry says.
            return messages.file_frames(change, None, None)
        return messages.file_frames(change, _number(metadata.get("agent")), _number(metadata.get("iteration")))

    async def _broadcast(self, connections: Sequence[str], frames: Sequence[str]) -> None:
        if frames:
            await gather(lambda connection: self._send(connection, frames), connections)

    async def _send(self, connection: str, frames: Sequence[str]) -> None:
        for frame in frames:
            if not await self._publisher.send(connection, frame):
                await self.on_disconnect(connection)
                return


def _parse(text: str) -> Mapping[str, Any]:
    if len(text) > MESSAGE_BYTES:
        raise InvalidInput(f"The message has {len(text):,} characters.", f"Send at most {MESSAGE_BYTES:,}.")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        message = None
    if not isinstance(message, dict):
        raise InvalidInput("The message is not a JSON object.", 'Send, for example, {"type":"snapshot"}.')
    return message


def _cursor(value: Any) -> Cursor:
    try:
        return Cursor.model_validate(value)
    except ValidationError:
        raise InvalidInput(
            "The cursor is not one this server gave.", 'Send {"type":"snapshot"} and begin anew.'
        ) from None


def _newest(changes: Sequence[Change]) -> dict[str, Change]:
    newest: dict[str, Change] = {}
    for change in changes:
        known = newest.get(change.key)
        if known is None or change.newer_than(known.sequencer):
            newest[change.key] = change
    return newest


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
