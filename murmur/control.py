"""control.json: the flock's state, and the transitions that are allowed. Written conditionally, never blindly."""

from __future__ import annotations

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from murmur import keys
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
        return self.model_copy(update={"state": state, "reason": reason, "since": since})


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
    body = control.model_dump_json(indent=2).encode() + b"\n"
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
