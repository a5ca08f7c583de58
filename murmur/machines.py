"""What hosts may run on, and how many agents that allows. The models of GET /cluster/instance-types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict

from murmur.config import FlockConfig
from murmur.prices import known_dollars_per_hour


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine, or a type of it to be had."""

    name: str
    vcpus: int
    memory_mib: int


@dataclass(frozen=True, slots=True)
class Stock:
    """What is to be had: types to choose from, or the one machine ``here``. A quota of None: there is none, or it is not known (see ``note``)."""

    machines: Sequence[Machine] = ()
    here: Machine | None = None
    vcpu_quota: int | None = None
    """vCPUs the account may run at once."""
    vcpus_in_use: int | None = None
    spot: bool = False
    note: str = ""

    @property
    def free(self) -> int | None:
        """vCPUs still to be had."""
        if self.vcpu_quota is None:
            return None
        return max(0, self.vcpu_quota - (self.vcpus_in_use or 0))


class MachineType(BaseModel):
    """A type of machine. ``instances`` and ``agents``: how many more the quota allows; null if no quota is known to limit them."""

    model_config = ConfigDict(frozen=True)
    type: str
    vcpus: int
    memory_gib: float
    usd_per_hour: float | None = None
    """List price of us-east-1; null if it is not known here."""
    instances: int | None = None
    agents: int | None = None


class MachineTypes(BaseModel):
    """GET /cluster/instance-types. ``agents`` counts with the configuration's agentsPerInstance; ``here`` is the machine of a flock without AWS."""

    model_config = ConfigDict(frozen=True)
    types: tuple[MachineType, ...]
    here: MachineType | None
    vcpu_quota: int | None
    vcpus_in_use: int | None
    spot: bool
    agents_per_instance: int
    concurrency_cap: int
    note: str

    @classmethod
    def of(cls, stock: Stock, config: FlockConfig, cap: int) -> Self:
        """What ``stock`` means for this configuration, in a flock of at most ``cap`` agents."""
        return cls(
            types=tuple(_counted(machine, stock.free, config.agentsPerInstance, cap) for machine in stock.machines),
            here=None if stock.here is None else _counted(stock.here, None, config.agentsPerInstance, cap),
            vcpu_quota=stock.vcpu_quota,
            vcpus_in_use=stock.vcpus_in_use,
            spot=stock.spot,
            agents_per_instance=config.agentsPerInstance,
            concurrency_cap=cap,
            note=stock.note,
        )


def _counted(machine: Machine, free: int | None, packed: int, cap: int) -> MachineType:
    instances = None if free is None else free // machine.vcpus
    return MachineType(
        type=machine.name,
        vcpus=machine.vcpus,
        memory_gib=round(machine.memory_mib / 1024, 1),
        usd_per_hour=known_dollars_per_hour(machine.name),
        instances=instances,
        agents=None if instances is None else min(cap, instances * packed),
    )
