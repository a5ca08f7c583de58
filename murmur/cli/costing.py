"""What a flock costs an hour: its instances, what comes with each, the event fabric, and what the stack costs even when it sleeps.

Prices: murmur/prices.py (instances) and murmur/simulate/costs.py (requests); the few others are here. How many requests a flock makes is
not estimated but counted: the simulator runs the flock's own code. Model calls are not in it, and are above all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from murmur.errors import InvalidInput
from murmur.prices import known_dollars_per_hour
from murmur.simulate.costs import Bill
from murmur.simulate.experiment import simulate
from murmur.simulate.question import Question

HOURS_A_MONTH: Final = 730.0
DISK_GIB: Final = 16
"""Of each instance (cdk/agents.py)."""
EXTRAS: Final = {
    "disk": DISK_GIB * 0.08 / HOURS_A_MONTH,
    "public address": 0.005,
    "detailed monitoring": 7 * 0.30 / HOURS_A_MONTH,
}
"""Dollars an hour that come with every instance: gp3, one IPv4 address, seven metrics a minute."""
STANDING: Final = {
    "firewall": (5.0 + 2 * 1.0) / HOURS_A_MONTH,
    "dashboard and alarms": (3.0 + 10 * 0.10) / HOURS_A_MONTH,
}
"""Dollars an hour of a deployed stack in which nothing runs: a web ACL with two rules; a CloudWatch dashboard and about ten alarms."""
MEMORY_GIB: Final = {
    "t": {"small": 2.0, "medium": 4.0, "large": 8.0, "xlarge": 16.0},
    "c": {"medium": 2.0, "large": 4.0, "xlarge": 8.0},
    "m": {"medium": 4.0, "large": 8.0, "xlarge": 16.0},
    "r": {"medium": 8.0, "large": 16.0, "xlarge": 32.0},
}
THINK_SECONDS: Final = 60.0
"""A turn's length in the count of requests: about one turn a minute for each agent while there is work."""
PACKINGS: Final = (
    ("t4g.small", 1),
    ("t4g.medium", 4),
    ("t4g.medium", 8),
    ("t4g.xlarge", 16),
    ("m8g.large", 8),
    ("c8g.xlarge", 8),
)
SIZES: Final = (8, 64)


@dataclass(frozen=True, slots=True)
class Fabric:
    """What requests and events cost an hour, while agents work and while they rest."""

    working: float
    resting: float


@dataclass(frozen=True, slots=True)
class Row:
    """One way to run a flock. Dollars an hour; ``spot`` is None where the price is not known."""

    agents: int
    type: str
    per_instance: int
    instances: int
    memory_gib: float
    """For each agent."""
    instance_dollars: float
    extra_dollars: float
    fabric: Fabric
    spot: float | None

    @property
    def working(self) -> float:
        """All of it, while agents work."""
        return self.instance_dollars + self.extra_dollars + self.fabric.working

    @property
    def resting(self) -> float:
        """All of it, while the flock has settled and its instances are still up."""
        return self.instance_dollars + self.extra_dollars + self.fabric.resting

    @property
    def working_spot(self) -> float | None:
        """As ``working``, on Spot instances."""
        return None if self.spot is None else self.instances * self.spot + self.extra_dollars + self.fabric.working

    def to_json(self) -> dict[str, Any]:
        """For scripts."""
        sums = {"working": self.working, "resting": self.resting, "working_spot": self.working_spot}
        rounded = {name: None if value is None else round(value, 4) for name, value in sums.items()}
        return {**asdict(self), **rounded}


def fabric_of(agents: int) -> Fabric:
    """Count the requests of a flock of this size in simulated time, and price them."""
    question = Question(agents=agents, think_seconds=THINK_SECONDS, contributions=agents * 4)
    outcome = simulate(question)
    spans = (outcome.work, outcome.rest)
    return Fabric(*(Bill.of(span.requests, events=True).per_hour(span.seconds) for span in spans))


def table_of(
    sizes: Iterable[int],
    packings: Iterable[tuple[str, int]] = PACKINGS,
    *,
    fabric: Callable[[int], Fabric] = fabric_of,
    spot: Callable[[str], float | None] = lambda _: None,
) -> list[Row]:
    """A row for every size and packing. Raises InvalidInput for an instance type whose price is not known."""
    ways = list(packings)
    for kind, _ in ways:
        _priced(kind)
    rows: list[Row] = []
    for agents in sizes:
        of_size = fabric(agents)
        rows += [_row(agents, kind, packed, of_size, spot(kind)) for kind, packed in ways]
    return rows


def _priced(kind: str) -> tuple[float, float]:
    """Dollars an hour and GiB of an instance type. Raises InvalidInput."""
    price = known_dollars_per_hour(kind)
    memory = MEMORY_GIB.get(kind[:1], {}).get(kind.rpartition(".")[2])
    if price is None or memory is None:
        raise InvalidInput(
            f"The price of {kind[:40]!r} is not in the list.", "Choose a type such as t4g.medium or m8g.large."
        )
    return price, memory


def _row(agents: int, kind: str, packed: int, fabric: Fabric, spot: float | None) -> Row:
    price, memory = _priced(kind)
    count = -(-agents // packed)
    share = memory / min(packed, agents)
    return Row(agents, kind, packed, count, share, count * price, count * sum(EXTRAS.values()), fabric, spot)
