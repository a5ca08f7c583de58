"""The Fleet on EC2: one launch for many hosts, places by launch index, what happens when EC2 has too little, says no, or lags behind."""

from collections.abc import Iterator

import pytest

from murmur.aws import instances
from murmur.aws.fleet import LOOKS
from murmur.config import FlockConfig
from murmur.control import read_control
from murmur.errors import InvalidInput, NotFound, Refused, Unavailable
from tests.contract.account import refused
from tests.contract.flock_on_ec2 import Flock, flock_on_ec2


@pytest.fixture(scope="module")
def deployed() -> Iterator[Flock]:
    with flock_on_ec2() as made:
        yield made


@pytest.fixture
def flock(deployed: Flock) -> Flock:
    deployed.clear()
    return deployed


def launches(flock: Flock) -> int:
    return flock.account.calls.count("RunInstances")


async def reason(flock: Flock) -> str:
    return (await read_control(flock.store)).control.reason


async def test_many_hosts_are_one_launch_and_each_knows_its_place_and_its_agents(flock: Flock):
    flock.config = FlockConfig(concurrency=11, agentsPerInstance=4)
    run = await flock.running()
    assert launches(flock) == 1
    tags = {instance["AmiLaunchIndex"]: tag for instance, tag in zip(flock.alive(), flock.tags(), strict=True)}
    assert sorted(tags) == [0, 1, 2]
    assert {tag["Places"] for tag in tags.values()} == {"0-2"}
    assert [tags[index]["AgentIndex"] for index in range(3)] == ["0-2", "3-6", "7-10"]
    assert {(t["Project"], t["Flock"], t["Run"]) for t in tags.values()} == {("murmur", "murmur", run)}
    hosts = await flock.fleet().hosts(run)
    assert [(host.name, host.state) for host in hosts] == [(f"host-{n}", "running") for n in range(3)]


async def test_volumes_and_spot_requests_carry_the_tags_too(flock: Flock):
    flock.spot = True
    asked = []
    flock.account.clients.ec2.meta.events.register(
        "provide-client-params.ec2.RunInstances", lambda params, **_: asked.append(params)
    )
    await flock.running()
    (request,) = asked
    assert request["InstanceMarketOptions"]["MarketType"] == "spot"
    assert request["InstanceMarketOptions"]["SpotOptions"]["InstanceInterruptionBehavior"] == "terminate"
    specified = {each["ResourceType"]: each["Tags"] for each in request["TagSpecifications"]}
    assert set(specified) == {"instance", "volume", "spot-instances-request"}
    assert all({"Key": "Flock", "Value": "murmur"} in tags for tags in specified.values())
    assert len(request["ClientToken"]) <= 64


async def test_a_launch_asked_for_again_makes_nothing_more(flock: Flock):
    run = await flock.running()
    before = {instance["InstanceId"] for instance in flock.alive()}
    hosts = await flock.fleet().launch(run, ["host-0", "host-1"])
    assert {host.host for host in hosts} == before
    assert launches(flock) == 1
    await flock.assert_running(run)


async def test_a_launch_repeated_while_ec2_does_not_list_the_first_yet_is_the_same_launch(flock: Flock):
    flock.account.lag = 3
    run = await flock.ask()
    await flock.function().act("start", run)
    await flock.function().fleet.launch(run, ["host-0", "host-1"])  # another function: it remembers nothing
    assert launches(flock) == 2
    assert len(flock.alive()) == 2


async def test_a_fleet_knows_what_it_launched_before_ec2_lists_it(flock: Flock):
    flock.account.lag = 2
    run = await flock.ask()
    function = flock.function()
    await function.act("start", run)
    assert [host.name for host in await function.fleet.hosts(run)] == ["host-0", "host-1"]
    await flock.be("stopping", run)
    await function.act("stop", run)
    await flock.assert_stopped()


async def test_what_one_subnet_lacks_the_next_one_gives(flock: Flock):
    flock.config = FlockConfig(concurrency=5, agentsPerInstance=1)
    flock.account.capacity = {flock.account.subnets[0]: 2}
    run = await flock.running()
    subnets = [instance["SubnetId"] for instance in flock.alive()]
    assert [subnets.count(subnet) for subnet in flock.account.subnets] == [2, 3]
    assert sorted(tag["Places"] for tag in flock.tags()) == ["0-4", "0-4", "2-4", "2-4", "2-4"]
    await flock.assert_running(run)


async def test_partial_capacity_is_accepted_reported_and_made_up_for_later(flock: Flock):
    flock.config = FlockConfig(concurrency=4, agentsPerInstance=1)
    flock.account.capacity = dict(zip(flock.account.subnets, (2, 1), strict=True))
    run = await flock.ask()
    await flock.function().act("start", run)
    assert await flock.state() == "running"
    assert (await reason(flock)).startswith("1 of 4 hosts could not be started (")
    assert "t4g.medium" in await reason(flock)
    assert len(flock.alive()) == 3
    flock.account.capacity = dict.fromkeys(flock.account.subnets, 9)
    await flock.later()
    await flock.assert_running(run)


async def test_no_capacity_at_all_ends_the_start_with_the_reason_and_leaves_nothing(flock: Flock):
    flock.account.capacity = dict.fromkeys(flock.account.subnets, 0)
    run = await flock.ask()
    await flock.function().act("start", run)
    await flock.assert_stopped()
    assert "InsufficientInstanceCapacity" in await reason(flock)
    assert "Choose another instanceType" in await reason(flock)


async def test_a_used_up_quota_ends_the_search_at_once_and_says_so(flock: Flock):
    flock.account.refusals = [("RunInstances", refused("RunInstances", "VcpuLimitExceeded", "a limit of 32 vCPUs"))]
    run = await flock.ask()
    await flock.function().act("start", run)
    await flock.assert_stopped()
    assert launches(flock) == 1, "another subnet has no more of a quota"
    assert "a limit of 32 vCPUs" in await reason(flock)


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "InternalError"])
async def test_a_throttled_launch_says_to_try_again(flock: Flock, code: str):
    run = await flock.running()
    await flock.function().fleet.terminate(run)
    flock.account.refusals = [("RunInstances", refused("RunInstances", code, status=503))]
    with pytest.raises(Unavailable):
        await flock.fleet().launch(run, ["host-0"])


async def test_a_role_that_may_not_launch_is_told_so(flock: Flock):
    run = await flock.running()
    await flock.function().fleet.terminate(run)
    denied = refused("RunInstances", "UnauthorizedOperation", "You are not authorized", status=403)
    flock.account.refusals = [("RunInstances", denied)]
    with pytest.raises(Refused, match="role's policy"):
        await flock.fleet().launch(run, ["host-0"])


async def test_a_template_that_changed_between_two_attempts_is_launched_under_another_token(flock: Flock):
    run = await flock.running()
    await flock.function().fleet.terminate(run)
    mismatch = refused("RunInstances", "IdempotentParameterMismatch")
    flock.account.refusals = [("RunInstances", mismatch)]
    await flock.clock.sleep(300)
    (host,) = await flock.fleet().launch(run, ["host-1"])
    assert host.name == "host-1"
    assert host.state in ("starting", "running")


async def test_a_host_that_died_is_replaced_under_a_new_token(flock: Flock):
    run = await flock.running()
    gone = flock.alive()[0]["InstanceId"]
    flock.account.clients.ec2.terminate_instances(InstanceIds=[gone])
    await flock.later(61)
    await flock.assert_running(run)
    assert gone not in {instance["InstanceId"] for instance in flock.alive()}
    assert launches(flock) == 2


async def test_a_host_that_is_gone_and_not_replaced_says_why(flock: Flock):
    run = await flock.running()
    flock.account.clients.ec2.terminate_instances(InstanceIds=[flock.alive()[0]["InstanceId"]])
    gone, up = await flock.fleet().hosts(run)
    assert (gone.state, up.state) == ("gone", "running")
    assert "UserInitiatedShutdown" in gone.detail


async def test_an_instance_somebody_stopped_is_replaced_and_ended(flock: Flock):
    run = await flock.running()
    flock.account.clients.ec2.stop_instances(InstanceIds=[flock.alive()[0]["InstanceId"]])
    await flock.later(61)
    await flock.assert_running(run)


async def test_two_hosts_in_one_place_become_one_and_the_older_stays(flock: Flock):
    run = await flock.running()
    older = {instance["InstanceId"] for instance in flock.alive()}
    flock.account._tokens.clear()  # as if another function had launched under another token
    flock.account._hidden = dict.fromkeys(older, 1)
    await flock.fleet().launch(run, ["host-0", "host-1"])
    assert len(flock.alive()) == 4
    for instance in older:
        flock.age(instance)
    await flock.later(61)
    await flock.assert_running(run)
    assert {instance["InstanceId"] for instance in flock.alive()} == older


async def test_an_instance_without_a_place_is_ended_with_the_next_launch(flock: Flock):
    run = await flock.running()
    lost = flock.alive()[0]["InstanceId"]
    flock.account.clients.ec2.delete_tags(Resources=[lost], Tags=[{"Key": "Places"}])
    await flock.later(61)
    await flock.assert_running(run)
    assert lost not in {instance["InstanceId"] for instance in flock.alive()}


async def test_terminate_looks_again_and_says_which_would_not_go(flock: Flock):
    run = await flock.running()
    busy = refused("TerminateInstances", "InvalidInstanceID.NotFound")
    flock.account.refusals = [("TerminateInstances", busy)] * 3 * LOOKS
    before = flock.clock.passed
    with pytest.raises(Unavailable, match="2 instances would not go: i-"):
        await flock.fleet().terminate(run)
    assert 10 < flock.clock.passed - before < 60, "it waits in between, and not for ever"
    flock.account.refusals = []
    await flock.fleet().terminate(run)
    assert flock.alive() == []


async def test_terminate_of_one_run_leaves_other_instances_alone(flock: Flock):
    run = await flock.running()
    ec2 = flock.account.clients.ec2
    ec2.run_instances(
        LaunchTemplate={"LaunchTemplateId": flock.account.template},
        SubnetId=flock.account.subnets[0],
        MinCount=1,
        MaxCount=1,
        ClientToken="somebody-else",
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Flock", "Value": "another"}]}],
    )
    await flock.fleet().terminate(run)
    await flock.fleet().tidy("29990101T000000Z")
    assert [tags["Flock"] for tags in flock.tags()] == ["another"]


async def test_hosts_of_a_run_that_is_over_are_ended_by_the_tick_and_those_of_a_newer_one_are_not(flock: Flock):
    old = await flock.running()
    await flock.be("stopped", old)  # the launch outlived the stop
    await flock.later(61)
    assert flock.alive() == []
    new = await flock.running()
    await flock.fleet().tidy(old)
    await flock.assert_running(new)


async def test_hosts_are_listed_over_many_pages(flock: Flock, monkeypatch: pytest.MonkeyPatch):
    flock.account.capacity = {flock.account.subnets[0]: 1}
    run = await flock.running()  # two launches, so that moto has two pages to give
    monkeypatch.setattr(instances, "PAGE", 1)
    flock.account.calls.clear()
    assert [host.name for host in await flock.fleet().hosts(run)] == ["host-0", "host-1"]
    assert flock.account.calls == ["DescribeInstances"] * 2


async def test_a_fleet_that_is_only_looked_at_answers_from_memory_for_a_while(flock: Flock):
    run = await flock.running()
    fleet = flock.fleet(remembered_seconds=5)
    flock.account.calls.clear()
    first = await fleet.hosts(run)
    assert await fleet.hosts(run) == first
    assert flock.account.calls == ["DescribeInstances"]
    await flock.clock.sleep(6)
    await fleet.hosts(run)
    assert flock.account.calls == ["DescribeInstances"] * 2


async def test_a_launch_without_a_template_or_for_another_run_is_refused_before_anything_is_asked(flock: Flock):
    run = await flock.running()
    flock.account.calls.clear()
    with pytest.raises(NotFound):
        await flock.fleet().launch("20200101T000000Z", ["host-0"])
    template, flock.account.template = flock.account.template, ""
    with pytest.raises(InvalidInput, match="MURMUR_LAUNCH_TEMPLATE"):
        await flock.fleet().launch(run, ["host-0"])
    flock.account.template = template
    assert launches(flock) == 0


async def test_a_double_start_and_a_stop_asked_for_twice_do_no_harm(flock: Flock):
    run = await flock.running()
    await flock.function().act("start", run)
    await flock.assert_running(run)
    await flock.be("stopping", run)
    await flock.function().act("stop", run)
    await flock.function().act("stop", run)
    await flock.function().act("start", run)
    await flock.assert_stopped()
