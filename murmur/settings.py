"""What a process is told by its environment: which flock, which bucket, which bus. Checked once, at start.

The endpoint itself is boto3's own ``AWS_ENDPOINT_URL``: this code does not know whether it runs on AWS or on one machine.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from murmur.errors import InvalidInput


class Settings(BaseModel):
    """``MURMUR_<NAME>`` of the environment, parsed."""

    model_config = ConfigDict(frozen=True)

    flock: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,19}$")] = "murmur"
    bucket: Annotated[str, Field(min_length=3, max_length=63)]
    bus: str = "murmur"
    runners: tuple[str, ...] = ("scripted",)
    """Names that config.json may choose from (``MURMUR_RUNNERS``, comma-separated)."""
    concurrency_cap: Annotated[int, Field(ge=1, le=1500)] = 1500
    agents_per_bus: Annotated[int, Field(ge=1, le=1500)] = 290
    """EventBridge allows 300 rules a bus; a larger flock has several buses."""

    def bus_of(self, agent: int) -> str:
        """The bus that carries the agent's rule: ``murmur``, and for those that find no room there ``murmur-2``, …"""
        number = agent // self.agents_per_bus + 1
        return self.bus if number == 1 else f"{self.bus}-{number}"

    @property
    def buses(self) -> tuple[str, ...]:
        """The flock's own buses, as many as its largest concurrency needs."""
        return tuple(self.bus_of(agent) for agent in range(0, self.concurrency_cap, self.agents_per_bus))

    @classmethod
    def buses_for(cls, bus: str, agents: int) -> tuple[str, ...]:
        """The buses of a deployment whose first is ``bus``, with room for so many agents."""
        return cls(bucket="any", bus=bus, concurrency_cap=agents).buses

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the environment. Raises InvalidInput naming the variable."""
        source = os.environ if environment is None else environment
        given: dict[str, object] = {
            name: source[f"MURMUR_{name.upper()}"] for name in cls.model_fields if f"MURMUR_{name.upper()}" in source
        }
        if "runners" in given:
            given["runners"] = tuple(name.strip() for name in str(given["runners"]).split(",") if name.strip())
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidInput(
                f"MURMUR_{str(first['loc'][0]).upper()}: {first['msg']}.",
                "Set the variable and start the process again.",
            ) from None
