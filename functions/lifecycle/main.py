"""The lifecycle as Lambda calls it: ``functions.lifecycle.main.handler``.

Three kinds of events come, all of them asynchronously: what the API asks for, a tick every minute, and EC2's word that an instance changed its
state, which is a tick out of turn. An action that fails raises: Lambda tries it again twice, then keeps the event; and the next tick takes up what is stuck.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.lifecycle.actions import Lifecycle
from functions.lifecycle.count import Count, count_agents
from functions.lifecycle.settle import SettleWatch
from murmur.aws.composition import Deployment
from murmur.aws.fleet import Ec2Fleet
from murmur.aws.telemetry import Telemetry
from murmur.aws.warm import Warm
from murmur.control import read_control

_EC2: Final = "EC2 Instance State-change Notification"
_log = logging.getLogger(__name__)


class Asked(BaseModel):
    """What is asked for. A tick names no run: it is for the one that goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    action: Literal["start", "stop", "rewire", "tick"]
    run: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,32}$")] = ""


class _Flock(NamedTuple):
    """What acts on the flock, and the instances it acts by."""

    lifecycle: Lifecycle
    fleet: Ec2Fleet


def _made() -> _Flock:
    deployment = Deployment()
    deployment.cloud.require("launch_template", "subnets")
    store, fabric, fleet = deployment.adapters.store, deployment.adapters.fabric, deployment.fleet()
    watch = SettleWatch(store, fabric)
    return _Flock(Lifecycle(deployment.settings.bucket, store, fabric, fleet, deployment.clock, watch), fleet)


def _handle(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Serve one event. Raises MurmurError if the action failed."""
    asked = parse(event)
    if asked is None:
        _log.error("an event that asks for nothing was left out", extra={"event": str(event)[:500]})
        return {"served": False}
    telemetry.carry(action=asked.action, run=asked.run)
    warm.run(lambda flock: _serve(asked, flock))
    return {"served": True}


async def _serve(asked: Asked, flock: _Flock) -> None:
    lifecycle, fleet = flock
    run = asked.run or (await read_control(lifecycle.store)).control.run
    if run:
        await lifecycle.act(asked.action, run)
    if asked.action == "tick" and run:
        count = await look_round(lifecycle, fleet)
        telemetry.count("AgentsExpected", count.expected)
        telemetry.count("AgentsMissing", count.missing)
        telemetry.count("Hosts", count.hosts)
        telemetry.count("EstimatedDollarsPerHour", count.dollars_per_hour)


async def look_round(lifecycle: Lifecycle, fleet: Ec2Fleet) -> Count:
    """After a tick: take away what outlived its run (a start that was cut off, or overtaken, may have made it), and count the flock."""
    control = (await read_control(lifecycle.store)).control
    if control.state == "stopped":
        await lifecycle.stop(control.run)
    await fleet.tidy(control.run)
    return await count_agents(lifecycle.store, fleet, control)


def parse(event: Mapping[str, Any]) -> Asked | None:
    """What an event asks for; None if it is none of ours."""
    if event.get("detail-type") == _EC2:
        return Asked(action="tick")
    try:
        return Asked.model_validate(event)
    except ValidationError:
        return None


def _event_id(event: Mapping[str, Any]) -> str:
    return str(event.get("id") or "")


warm: Final = Warm(_made)
telemetry: Final = Telemetry()
handler: Final = telemetry.wrap(_handle, _event_id)
"""Serves one event."""
