"""What hosts may run on and what it costs: the quota in agents, prices that err on the safe side, one machine told as such."""

import pytest

from murmur.config import FlockConfig
from murmur.local.machines import ThisMachine
from murmur.machines import Machine, MachineTypes, Stock
from murmur.prices import host_dollars_per_hour, known_dollars_per_hour

TYPES = (Machine("t4g.small", 2, 2048), Machine("m9g.xlarge", 4, 16384))


def told(stock: Stock, *, packed: int = 8, cap: int = 1500) -> MachineTypes:
    return MachineTypes.of(stock, FlockConfig(agentsPerInstance=packed), cap)


@pytest.mark.parametrize(
    ("quota", "used", "packed", "cap", "agents"),
    [(32, 0, 8, 1500, [128, 64]), (32, 30, 8, 1500, [8, 0]), (32, 40, 8, 1500, [0, 0]), (32, None, 1, 10, [10, 8])],
)
def test_the_quota_says_how_many_more_agents_each_type_allows(quota, used, packed, cap, agents):
    answer = told(Stock(TYPES, vcpu_quota=quota, vcpus_in_use=used), packed=packed, cap=cap)
    assert [each.agents for each in answer.types] == agents


def test_a_quota_nobody_knows_limits_nothing_and_promises_nothing():
    assert [(each.instances, each.agents) for each in told(Stock(TYPES)).types] == [(None, None)] * 2


async def test_one_machine_is_told_as_one_machine_and_offers_no_types_to_choose():
    answer = told(await ThisMachine().stock())
    assert answer.types == ()
    assert answer.here is not None
    assert answer.here.vcpus >= 1
    assert answer.here.memory_gib > 0
    assert answer.vcpu_quota is None
    assert "one machine" in answer.note


def test_a_price_that_is_not_known_is_taken_for_the_dearest_of_its_size():
    assert known_dollars_per_hour("t4g.medium") == host_dollars_per_hour("t4g.medium") == 0.0336
    assert known_dollars_per_hour("m9g.large") is None
    assert host_dollars_per_hour("m9g.large") == known_dollars_per_hour("r8g.large")
    assert host_dollars_per_hour("unheard-of") == known_dollars_per_hour("r8g.xlarge")
    assert known_dollars_per_hour("c8g.small") is None, "there is no such type"
