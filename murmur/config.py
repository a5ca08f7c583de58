"""FlockConfig: the one definition of config.json, its defaults and its rules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from murmur.errors import InvalidConfig, InvalidInput
from murmur.ring import ALGORITHMS, Algorithm, most_recent

MAX_CONCURRENCY: Final = 1500
_INSTANCE_TYPE: Final = re.compile(r"[tcmr]\d[a-z]*g[a-z]*\.(small|medium|large|xlarge)")
_NAME: Final = r"^[a-z][a-z0-9-]{0,31}$"


class FlockConfig(BaseModel):
    """How the flock runs. Every limit is finite. Field names are the JSON names of config.json (contracts.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    concurrency: Annotated[int, Field(ge=1, le=MAX_CONCURRENCY, description="How many agents stand in the ring.")] = 8
    neighbourRadius: Annotated[
        int, Field(ge=1, description="How many neighbours on either side an agent reads; at most half the flock.")
    ] = 1
    algorithm: Annotated[
        Algorithm,
        Field(description=" ".join(f"{name}: {topology.about}." for name, topology in ALGORITHMS.items())),
    ] = "amorphous"
    swarmK: Annotated[
        int, Field(ge=1, le=64, description="How many of the most recently active agents a swarm member reads.")
    ] = 4
    instanceType: Annotated[
        str, Field(description="Graviton instance type, t/c/m/r family, small to xlarge (AWS only).")
    ] = "t4g.medium"
    agentsPerInstance: Annotated[
        int, Field(ge=1, le=128, description="How many agents share an instance, or a process on one machine.")
    ] = 8
    runner: Annotated[
        str, Field(pattern=_NAME, description="Name of a runner from the deploy-time list; never a command.")
    ] = "scripted"
    model: Annotated[
        str,
        Field(
            max_length=200,
            pattern=r"^[\w.:/@#+-]*$",
            description="Model name handed to the runner; empty: the runner's own default.",
        ),
    ] = ""
    loopIntervalSeconds: Annotated[
        float,
        Field(ge=0.5, le=3600, description="The fallback: an agent that heard nothing for this long looks for itself."),
    ] = 30.0
    idleTimeoutSeconds: Annotated[
        float, Field(ge=5, le=86_400, description="A flock settled for this long stops itself.")
    ] = 600.0
    coalesceMilliseconds: Annotated[
        int, Field(ge=0, le=10_000, description="How long a wake waits for others that arrive with it.")
    ] = 50
    minTurnGapSeconds: Annotated[float, Field(ge=0, le=3600, description="Shortest time between an agent's turns.")] = (
        1.0
    )
    turnTimeoutSeconds: Annotated[float, Field(ge=1, le=7200, description="A turn that takes longer is cancelled.")] = (
        600.0
    )
    staggerSeconds: Annotated[
        float,
        Field(
            ge=0,
            le=3600,
            description="A cause that strikes everyone is spread over this window in a flock of 64; smaller and larger flocks in proportion.",
        ),
    ] = 5.0
    maxTurnsPerAgent: Annotated[
        int, Field(ge=1, le=100_000, description="Turns an agent may take in a run; then it parks.")
    ] = 200
    maxRunMinutes: Annotated[float, Field(gt=0, le=10_080, description="A run lasts no longer than this.")] = 120.0
    maxTokensPerAgent: Annotated[
        int,
        Field(
            ge=1,
            le=1_000_000_000,
            description="Tokens an agent may use in a run, where its runner reports them; then it parks.",
        ),
    ] = 2_000_000
    maxRepeats: Annotated[
        int,
        Field(
            ge=2,
            le=30,
            description="An agent that says the same words this often in a row while working is parked until the operator changes something.",
        ),
    ] = 6
    leaseMinutes: Annotated[
        float,
        Field(
            ge=3,
            le=1440,
            description="Agents end by themselves when nobody has looked after the flock for this long; fixed during a run.",
        ),
    ] = 15.0
    outputNews: Annotated[
        bool, Field(description="Whether an idle agent looks again when others changed output/ (once an interval).")
    ] = True
    knowledgeWritable: Annotated[bool, Field(description="Whether agents may write knowledge-base/.")] = False

    @model_validator(mode="after")
    def _rules(self) -> Self:
        half = max(1, self.concurrency // 2)
        if self.neighbourRadius > half:
            raise InvalidConfig(
                "neighbourRadius",
                self.neighbourRadius,
                f"it may be at most half the flock, {half} for {self.concurrency} agents",
            )
        if not _INSTANCE_TYPE.fullmatch(self.instanceType):
            raise InvalidConfig(
                "instanceType",
                self.instanceType,
                "it must be a Graviton type of the t, c, m or r family, small to xlarge, such as t4g.medium",
            )
        return self

    def to_json(self) -> bytes:
        """config.json as it is stored."""
        return json.dumps(self.model_dump(), indent=2).encode() + b"\n"

    def work(self) -> str:
        """The fields that change what an agent should do, as one comparable string: a change in it makes a turn due."""
        return _work(self.algorithm, self.concurrency, self.neighbourRadius, self.swarmK, self.runner, self.model)

    @property
    def ranked(self) -> bool:
        """Whether whom an agent reads changes with every line."""
        return ALGORITHMS[self.algorithm].ranked

    def neighbours(self, agent: int, size: int, written: Mapping[int, float]) -> tuple[int, ...]:
        """Whom ``agent`` of ``size`` reads just now, ascending. ``written``: when each wrote last, by any clock; it counts where ``ranked``."""
        topology = ALGORITHMS[self.algorithm]
        anyone = topology.neighbours(agent, size, self.neighbourRadius)
        if not topology.ranked:
            return anyone
        return most_recent(agent, {other: written[other] for other in anyone if other in written}, self.swarmK)

    def merged(self, changes: Any) -> Self:
        """This configuration with ``changes`` (a decoded JSON object) laid over it. Raises InvalidConfig, InvalidInput."""
        if not isinstance(changes, dict):
            raise InvalidInput(
                "A configuration change must be a JSON object.", 'Send, for example, {"concurrency": 8}.'
            )
        return type(self).parse({**self.model_dump(), **changes})

    @classmethod
    def parse(cls, value: Any) -> Self:
        """Check a decoded JSON object. Raises InvalidConfig naming the first wrong field, its value and the rule."""
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise _explain(error, list(cls.model_fields)) from None

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Read config.json. Raises InvalidInput if it is no JSON object, InvalidConfig if a field breaks its rule."""
        try:
            value = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                f"config.json is not JSON: {error}.", "Restore it with `murmur config --reset`."
            ) from error
        if not isinstance(value, dict):
            raise InvalidInput("config.json is not a JSON object.", "Restore it with `murmur config --reset`.")
        return cls.parse(value)


@lru_cache(maxsize=64)
def _work(*fields: str | int) -> str:
    """Asked for in every round of every agent."""
    return json.dumps(fields)


def _explain(error: ValidationError, fields: list[str]) -> InvalidConfig:
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else "config"
    if first["type"] == "extra_forbidden":
        name = field[:40] or '""'
        return InvalidConfig(
            name, first["input"], f"there is no such field; there are {', '.join(fields)}", f"Leave {name} out."
        )
    return InvalidConfig(field, first["input"], first["msg"][:1].lower() + first["msg"][1:])
