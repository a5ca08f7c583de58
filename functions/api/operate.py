"""Start, stop, pause, resume, and changing the configuration: what the operator may do in which state.

Nothing here waits for hosts or queues: the lifecycle is asked, and acts on its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from murmur import documents, keys
from murmur.config import FlockConfig
from murmur.control import Control, ControlDocument, FlockState, Handover, read_control, write_control
from murmur.documents import read_direction, write_config
from murmur.entry import timestamp
from murmur.errors import InvalidConfig, InvalidInput, MurmurError, ObjectChanged, Unavailable, WrongState
from murmur.handover import hand_over
from murmur.ports import Store
from murmur.services import Services

RUN_FORMAT: Final = "%Y%m%dT%H%M%SZ"
_ATTEMPTS: Final = 8
_FIXED_WHILE_ALIVE: Final = ("concurrency", "agentsPerInstance", "instanceType", "runner", "leaseMinutes")
_WIRING: Final = ("algorithm", "neighbourRadius", "swarmK")


async def start(services: Services, direction: str | None, changes: Mapping[str, Any] | None) -> Control:
    """Begin a run. Everything is checked before anything is written. Raises InvalidInput, InvalidConfig, WrongState."""
    store = services.store
    read = await read_control(store)
    _check_startable(read.control)
    config = await services.read_config()
    wanted = config.config.merged(dict(changes or {}))
    check_config(services, wanted)
    there = await read_direction(store)
    if direction is not None:
        documents.check_text(direction, "The direction", documents.DIRECTION_LIMIT)
    elif not there.text.strip():
        raise InvalidInput("There is no direction yet.", "Send one with the start, or set it first.")
    handover = Handover(
        config=None if config.etag and wanted == config.config else wanted,
        config_etag=config.etag,
        direction=direction,
        direction_etag=there.etag,
    )
    control = _new_run(read.control, services.clock.now(), handover)
    try:
        written = await write_control(store, read, control)
    except ObjectChanged:
        raise WrongState("Another action came first.", "Look at the status, then decide again.") from None
    try:
        await _hand_over(store, handover)
        await _remember(store, read.control)
        await services.control.request("start", control.run)
    except (Unavailable, ObjectChanged) as error:
        await _take_back(services, written, error)
        raise
    return control


async def stop(services: Services) -> Control:
    """End the run. Asking again asks the lifecycle again, and is no error."""
    for _ in range(_ATTEMPTS):
        read = await read_control(services.store)
        control = read.control
        if control.state == "stopped":
            return control
        if control.state != "stopping":
            control = control.to("stopping", "stopped by the operator", timestamp(services.clock.now()))
            try:
                await write_control(services.store, read, control)
            except ObjectChanged:
                continue
        await services.control.request("stop", control.run)
        return control
    raise _busy()


async def pause(services: Services) -> Control:
    """No new turns until resume; turns that are going on end."""
    return await _switch(services, "paused", frozenset({"paused"}), "paused by the operator")


async def resume(services: Services) -> Control:
    """Go on after a pause; every agent looks once."""
    return await _switch(services, "running", frozenset({"running", "settled"}), "resumed by the operator")


async def change_config(services: Services, changes: Any) -> FlockConfig:
    """Merge ``changes`` into config.json; rewire if who reads whom changed. Raises InvalidConfig, WrongState."""
    for _ in range(_ATTEMPTS):
        control = (await read_control(services.store)).control
        if control.handover is not None:  # a start that was cut off: this change comes on top of what it wanted
            await hand_over(services.store, control.handover)
        read = await services.read_config()
        wanted = read.config.merged(changes)
        check_config(services, wanted)
        if control.state != "stopped":
            _check_changeable(control, read.config, wanted)
        try:
            await write_config(services.store, read, wanted)
        except ObjectChanged:
            continue
        if control.alive and _differ(read.config, wanted, _WIRING):
            await services.control.request("rewire", control.run)
        return wanted
    raise _busy()


def check_config(services: Services, config: FlockConfig) -> None:
    """What this deployment allows, beyond the configuration's own rules. Raises InvalidConfig."""
    settings = services.settings
    if config.runner not in settings.runners:
        raise InvalidConfig("runner", config.runner, f"this flock has {', '.join(settings.runners) or 'none'}")
    if config.concurrency > settings.concurrency_cap:
        raise InvalidConfig(
            "concurrency", config.concurrency, f"this flock is capped at {settings.concurrency_cap} agents"
        )


def run_name(now: datetime, before: str) -> str:
    """A name for a run that begins now: later than every name before it, also within one second."""
    moment = now.astimezone(UTC).replace(microsecond=0)
    try:
        last = datetime.strptime(before, RUN_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        last = None
    if last is not None and moment <= last:
        moment = last + timedelta(seconds=1)
    return moment.strftime(RUN_FORMAT)


async def _remember(store: Store, over: Control) -> None:
    """Keep how the run before ended beside what the lifecycle archives of it."""
    if over.run:
        body = over.model_dump_json(indent=2).encode() + b"\n"
        await store.put(keys.history(over.run, keys.CONTROL), body, content_type="application/json")


def _new_run(before: Control, now: datetime, handover: Handover) -> Control:
    control = before.to("starting", "started by the operator", timestamp(now))
    return control.model_copy(
        update={
            "run": run_name(now, before.run),
            "started": timestamp(now),
            "resumes": 0,
            "pauses": (),
            "handover": handover,
        }
    )


def _check_startable(control: Control) -> None:
    if control.alive:
        raise WrongState(
            f"The flock is {control.state} (run {control.run}); only one run goes on at a time.", "Stop it first."
        )
    if control.state == "stopping":
        raise WrongState("The flock is still stopping.", "Wait until it is stopped, then start it again.")


def _check_changeable(control: Control, now: FlockConfig, wanted: FlockConfig) -> None:
    fixed = _differ(now, wanted, _FIXED_WHILE_ALIVE)
    if fixed:
        raise WrongState(
            f"The flock is {control.state}: {', '.join(fixed)} cannot change during a run.",
            "Stop it, change the configuration, and start it again. Nothing was changed.",
        )


def _differ(one: FlockConfig, other: FlockConfig, fields: tuple[str, ...]) -> list[str]:
    return [name for name in fields if getattr(one, name) != getattr(other, name)]


async def _switch(services: Services, state: FlockState, already: frozenset[str], reason: str) -> Control:
    for _ in range(_ATTEMPTS):
        read = await read_control(services.store)
        if read.control.state in already:
            return read.control
        control = read.control.to(state, reason, timestamp(services.clock.now()))
        if state == "running":
            if read.control.state != "paused":
                raise WrongState(f"The flock is {read.control.state}, not paused.", "There is nothing to resume.")
            control = control.model_copy(update={"resumes": control.resumes + 1})
        try:
            await write_control(services.store, read, control)
        except ObjectChanged:
            continue
        return control
    raise _busy()


async def _hand_over(store: Store, handover: Handover) -> None:
    """Write what the start is to begin with. Raises ObjectChanged if somebody changed the configuration after it was checked."""
    if not await hand_over(store, handover):
        raise ObjectChanged(keys.CONFIG)


async def _take_back(services: Services, written: ControlDocument, error: MurmurError) -> None:
    """A start that could not be asked for is over at once, so that the next one is not refused."""
    over = written.control.to("stopped", f"not started: {error.message}", timestamp(services.clock.now()))
    try:
        await write_control(services.store, written, over)
    except ObjectChanged:
        return  # somebody has acted on it already: theirs stands


def _busy() -> Unavailable:
    return Unavailable("control.json is changing all the time.", "Try again in a second.")
