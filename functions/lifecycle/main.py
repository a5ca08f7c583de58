"""The lifecycle as Lambda calls it: ``functions.lifecycle.main.handler``.

Three kinds of events come, all of them asynchronously: what the API asks for, a tick every minute, and EC2's word that an instance changed its
state, which is a tick out of turn. An action that fails raises: Lambda tries it again twice, then keeps the event; and the next tick takes up what is stuck.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.lifecycle.actions import Lifecycle
from functions.lifecycle.census import Count, count_agents
from functions.lifecycle.settle import SettleWatch
from murmur.aws.composition import Deployment
from murmur.aws.fleet import Ec2Fleet
from murmur.aws.looping import Loop
from murmur.aws.telemetry import Telemetry
from murmur.control import read_control

_EC2: Final = "EC2 Instance State-change Notification"
_log = logging.getLogger(__name__)


class Asked(BaseModel):
    """What is asked for. A tick names no run: it is for the one that goes on."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    action: Literal["start", "stop", "rewire", "tick"]
    run: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,32}$")] = ""


class Function:
    """One process's lifecycle: made at the first event, and again if that failed."""

    def __init__(self) -> None:
        self._lifecycle: Lifecycle | None = None
        self._fleet: Ec2Fleet | None = None
        self._loop = Loop()

    def __call__(self, event: dict[str, Any], _context: object) -> dict[str, Any]:
        """Serve one event. Raises MurmurError if the action failed."""
        asked = parse(event)
        if asked is None:
            _log.error("an event that asks for nothing was left out", extra={"event": str(event)[:500]})
            return {"served": False}
        telemetry.told(action=asked.action, run=asked.run)
        self._loop.run(self._serve(asked))
        return {"served": True}

    def close(self) -> None:
        """Forget the flock; Lambda never asks for it."""
        self._loop.close()
        self._lifecycle = self._fleet = None

    async def _serve(self, asked: Asked) -> None:
        lifecycle, fleet = self._made()
        control = (await read_control(lifecycle.store)).control
        run = asked.run or control.run
        if run:
            await lifecycle.act(asked.action, run)
        if asked.action == "tick" and run:
            self._tell(await look_round(lifecycle, fleet))

    def _tell(self, count: Count) -> None:
        telemetry.count("AgentsExpected", count.expected)
        telemetry.count("AgentsMissing", count.missing)
        telemetry.count("Hosts", count.hosts)
        telemetry.count("EstimatedDollarsPerHour", count.dollars_per_hour)

    def _made(self) -> tuple[Lifecycle, Ec2Fleet]:
        if self._lifecycle is None or self._fleet is None:
            deployment = Deployment()
            deployment.cloud.require("launch_template", "subnets")
            store, fabric, fleet = deployment.adapters.store, deployment.adapters.fabric, deployment.fleet()
            watch = SettleWatch(store, fabric)
            self._fleet = fleet
            self._lifecycle = Lifecycle(deployment.settings.bucket, store, fabric, fleet, deployment.clock, watch)
        return self._lifecycle, self._fleet


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


telemetry = Telemetry()
function = Function()
handler = telemetry.wrap(function, _event_id)
"""Serves one event."""
