"""Routes of the flock as a whole: status, start, stop, pause, resume, a ticket for the live connection."""

from __future__ import annotations

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.api import operate
from functions.api.models import Progress, StartRequest, Ticket
from functions.api.resolver import group, request, services
from functions.live.snapshot import Snapshot, read_snapshot
from murmur.census import read_status
from murmur.control import Control
from murmur.errors import NotFound
from murmur.machines import MachineTypes
from murmur.services import TICKET_SECONDS
from murmur.status import Status

router = group()


def _progress(control: Control) -> Progress:
    return Progress(state=control.state, run=control.run)


@router.get("/cluster/status", tags=["cluster"])
async def status() -> Status:
    """What the flock and every agent do now."""
    return await read_status(services())


@router.get("/cluster/snapshot", tags=["live"])
async def snapshot() -> Snapshot:
    """What the WebSocket's ``snapshot`` says, for one too large for a frame."""
    return await read_snapshot(services())


@router.post("/cluster/start", tags=["cluster"], status_code=202)
async def start(what: Annotated[StartRequest | None, Body()] = None) -> Progress:
    """Archive the last run and begin a new one. 409 while one goes on."""
    asked = what or StartRequest()
    return _progress(await operate.start(services(), asked.direction, asked.config))


@router.post("/cluster/stop", tags=["cluster"], status_code=202)
async def stop() -> Progress:
    """End the run; what was made stays."""
    return _progress(await operate.stop(services()))


@router.post("/cluster/pause", tags=["cluster"])
async def pause() -> Progress:
    """No new turns until resume."""
    return _progress(await operate.pause(services()))


@router.post("/cluster/resume", tags=["cluster"])
async def resume() -> Progress:
    """Go on after a pause."""
    return _progress(await operate.resume(services()))


@router.post("/cluster/ticket", tags=["live"])
async def ticket() -> Ticket:
    """A one-time ticket that opens the WebSocket from the address that asked."""
    address = request().request_context.identity.source_ip or ""
    issued = await services().tickets.issue(address, TICKET_SECONDS)
    return Ticket(ticket=issued, expires_seconds=TICKET_SECONDS)


@router.get("/cluster/instance-types", tags=["cluster"])
async def instance_types() -> MachineTypes:
    """What hosts may run on, the vCPU quota, and how many agents each type allows."""
    machines = services().machines
    if machines is None:
        raise NotFound("What hosts may run on is not known here.", "Ask the API of a deployed flock, or `murmur up`'s.")
    config = (await services().read_config()).config
    return MachineTypes.of(await machines.stock(), config, services().settings.concurrency_cap)
