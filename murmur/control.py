"""control.json: the flock's state, and the transitions that are allowed. Written conditionally, never blindly."""

from __future__ import annotations

import json
from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmur import keys
from murmur.config import FlockConfig
from murmur.errors import InvalidInput, ObjectChanged, ObjectMissing, WrongState
from murmur.ports import Store

FlockState = Literal["starting", "running", "paused", "settled", "stopping", "stopped"]

_LEADS_TO: Final[dict[FlockState, frozenset[FlockState]]] = {
    "stopped": frozenset({"starting"}),
    "starting": frozenset({"running", "stopping", "stopped"}),
    "running": frozenset({"paused", "settled", "stopping"}),
    "paused": frozenset({"running", "stopping"}),
    "settled": frozenset({"running", "paused", "stopping"}),
    "stopping": frozenset({"stopped"}),
}


PAUSES_KEPT: Final = 100


class Pause(BaseModel):
    """One time in which nobody began a turn (ISO-8601)."""

    model_config = ConfigDict(frozen=True)
    since: str
    until: str


class Handover(BaseModel):
    """What a start was asked for, until it is written: the start is one conditional write, and nothing of it can get lost.

    Each document is written only if it still is the version that the start was based on: what somebody wrote since, stands.
    """

    model_config = ConfigDict(frozen=True)
    config: FlockConfig | None = None
    """None: config.json says so already."""
    config_etag: str = ""
    direction: str | None = None
    """None: direction.md stays as it is."""
    direction_etag: str = ""


class Control(BaseModel):
    """What control.json says. ``resumes`` counts resumptions of this run, so that each is seen exactly once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: FlockState = "stopped"
    run: str = ""
    reason: str = ""
    since: str = ""
    started: str = ""
    """When this run was started (ISO-8601); empty before the first."""
    resumes: int = 0
    pauses: tuple[Pause, ...] = ()
    """The pauses of this run that are over, oldest first; the newest 100."""
    handover: Handover | None = Field(default=None, exclude=True)
    """While starting: what the start was asked for. Stored, but nothing to show."""

    @property
    def alive(self) -> bool:
        """Whether agents of this run should exist."""
        return self.state in ("starting", "running", "paused", "settled")

    @property
    def acting(self) -> bool:
        """Whether agents may take turns."""
        return self.state in ("starting", "running", "settled")

    def to(self, state: FlockState, reason: str, since: str) -> Self:
        """The next control document. Raises WrongState if ``state`` does not follow from this one."""
        if state not in _LEADS_TO[self.state]:
            allowed = ", ".join(sorted(_LEADS_TO[self.state]))
            raise WrongState(
                f"The flock is {self.state}; it cannot become {state}.", f"From {self.state} it can become {allowed}."
            )
        pauses = self.pauses
        if self.state == "paused":
            pauses = (*pauses, Pause(since=self.since, until=since))[-PAUSES_KEPT:]
        changes = {"state": state, "reason": reason, "since": since, "pauses": pauses, "handover": None}
        return self.model_copy(update=changes)

    def over(self, run: str) -> str:
        """Why ``run`` is over; "" while it goes on."""
        if self.run != run:
            return f"run {run} is over"
        return "" if self.alive else f"the flock is {self.state}"

    def to_json(self) -> bytes:
        """control.json as it is stored."""
        shown = self.model_dump()
        if self.handover is not None:
            shown["handover"] = self.handover.model_dump(exclude_none=True)
        return json.dumps(shown, indent=2).encode() + b"\n"


class ControlDocument(BaseModel):
    """The control document together with the ETag it was read at (empty: there is none yet)."""

    model_config = ConfigDict(frozen=True)
    control: Control
    etag: str


def parse_control(body: bytes) -> Control:
    """Read control.json. Raises InvalidInput."""
    try:
        return Control.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput(
            f"control.json is unreadable: {error.errors()[0]['msg']}.", "Delete control.json and start the flock again."
        ) from error


async def read_control(store: Store) -> ControlDocument:
    """Read control.json; a flock that was never started is stopped."""
    try:
        found = await store.get(keys.CONTROL)
    except ObjectMissing:
        return ControlDocument(control=Control(), etag="")
    return ControlDocument(control=parse_control(found.body), etag=found.etag)


async def write_control(store: Store, read: ControlDocument, control: Control) -> ControlDocument:
    """Write control.json if it is still as ``read``. Raises ObjectChanged if another action came first."""
    body = control.to_json()
    if read.etag:
        etag = await store.replace(keys.CONTROL, body, read.etag, content_type="application/json")
    else:
        etag = await store.create(keys.CONTROL, body, content_type="application/json")
    return ControlDocument(control=control, etag=etag)


async def move(store: Store, state: FlockState, reason: str, since: str, *, run: str) -> Control | None:
    """Move the flock to ``state`` if ``run`` is still the run and the transition is allowed; None if it was overtaken."""
    read = await read_control(store)
    if read.control.run != run or state not in _LEADS_TO[read.control.state]:
        return None
    try:
        return (await write_control(store, read, read.control.to(state, reason, since))).control
    except ObjectChanged:
        return None
