"""Load from CloudWatch, instance types and quotas, the lifecycle's invocation, messages to connections: what is asked for, and what becomes of the answers."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from murmur.aws.catalogue import Ec2Machines, newest
from murmur.aws.load import QUERIES_AT_ONCE, CloudWatchMetrics
from murmur.aws.publisher import ApiGatewayPublisher
from murmur.aws.requests import LambdaControl
from murmur.config import FlockConfig
from murmur.errors import NotFound, Unavailable
from murmur.machines import Machine, MachineTypes
from tests.contract.account import Account, account, refused
from tests.contract.test_connections import Clock


@pytest.fixture(scope="module")
def cloud() -> Iterator[Account]:
    with account() as made:
        yield made


class Words:
    """Gives the listed answers to an operation, and keeps what was asked."""

    def __init__(self, clients, service, operation, *answers):
        self.asked: list[dict] = []
        self._answers = list(answers)
        self._events = getattr(clients, service).meta.events
        name = getattr(clients, service).meta.service_model.service_id.hyphenize()
        self._hooks = (
            (f"provide-client-params.{name}.{operation}", self._ask),
            (f"before-call.{name}.{operation}", self._tell),
        )

    def __enter__(self):
        for event, hook in self._hooks:
            self._events.register_first(event, hook)
        return self

    def __exit__(self, *_):
        for event, hook in self._hooks:
            self._events.unregister(event, hook)

    def _ask(self, params, **_):
        self.asked.append(params)

    def _tell(self, **_):
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        answer = answer(self.asked[-1]) if callable(answer) else answer

        class Response:
            status_code = 200

        return Response(), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}


# -- load -------------------------------------------------------------------------------------------------------------


def put_metrics(cloud: Account, host: str, **values: float) -> None:
    when = datetime.now(UTC) - timedelta(minutes=6)
    cloud.clients.cloudwatch.put_metric_data(
        Namespace="AWS/EC2",
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": "InstanceId", "Value": host}],
                "Timestamp": when,
                "Value": value,
            }
            for name, value in values.items()
        ],
    )


class Now(Clock):
    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.passed)


async def test_load_is_what_cloudwatch_measured_and_what_it_did_not_is_unknown(cloud: Account):
    put_metrics(cloud, "i-busy", CPUUtilization=81.26, NetworkIn=1000, NetworkOut=2000, StatusCheckFailed=0)
    put_metrics(cloud, "i-ill", StatusCheckFailed=1)
    load = await CloudWatchMetrics(cloud.clients, Now()).hosts(["i-busy", "i-ill", "i-new"])
    assert set(load) == {"i-busy", "i-ill"}
    busy = load["i-busy"]
    assert (busy.cpu_percent, busy.network_in_bytes, busy.network_out_bytes, busy.healthy) == (81.3, 1000, 2000, True)
    assert busy.memory_bytes is None
    assert (load["i-ill"].healthy, load["i-ill"].cpu_percent) == (False, None)


def measured(asked: dict) -> dict:
    return {"MetricDataResults": [{"Id": query["Id"], "Values": [7.0, 1.0]} for query in asked["MetricDataQueries"]]}


async def test_hundreds_of_hosts_are_asked_for_in_calls_of_five_hundred_queries(cloud: Account):
    hosts = [f"i-{n}" for n in range(300)]
    with Words(cloud.clients, "cloudwatch", "GetMetricData", measured) as words:
        load = await CloudWatchMetrics(cloud.clients, Now()).hosts(hosts)
    sizes = [len(asked["MetricDataQueries"]) for asked in words.asked]
    assert sizes == [QUERIES_AT_ONCE, QUERIES_AT_ONCE, 200]
    assert set(load) == set(hosts)
    assert {each.cpu_percent for each in load.values()} == {7.0}, "the newest value counts"


async def test_load_is_asked_for_once_a_minute_and_new_hosts_at_once(cloud: Account):
    clock = Now()
    metrics = CloudWatchMetrics(cloud.clients, clock)
    with Words(cloud.clients, "cloudwatch", "GetMetricData", measured) as words:
        await metrics.hosts(["i-1"])
        await metrics.hosts(["i-1"])
        assert len(words.asked) == 1
        await metrics.hosts(["i-1", "i-2"])
        assert len(words.asked[1]["MetricDataQueries"]) == 4, "only of the new one"
        clock.passed = 61
        await metrics.hosts(["i-1", "i-2"])
        assert len(words.asked[2]["MetricDataQueries"]) == 8


@pytest.mark.parametrize("code", ["Throttling", "AccessDenied", "InternalServiceFault", "InvalidParameterValue"])
async def test_a_cloudwatch_that_fails_fails_nobody_and_is_left_alone_for_a_minute(cloud: Account, code: str):
    clock = Now()
    metrics = CloudWatchMetrics(cloud.clients, clock)
    with Words(cloud.clients, "cloudwatch", "GetMetricData", measured, refused("GetMetricData", code)) as words:
        known = await metrics.hosts(["i-1"])
        clock.passed = 61
        assert await metrics.hosts(["i-1"]) == known, "what was known stays"
        assert await metrics.hosts(["i-1"]) == known
        assert len(words.asked) == 2
    with Words(cloud.clients, "cloudwatch", "GetMetricData", refused("GetMetricData", code)):
        assert await CloudWatchMetrics(cloud.clients, clock).hosts(["i-1"]) == {}


# -- instance types ---------------------------------------------------------------------------------------------------


def quota(value: float) -> dict:
    return {"Quota": {"QuotaCode": "L-1216C47A", "Value": value}}


async def test_types_are_the_newest_plain_graviton_ones_and_the_quota_says_how_many(cloud: Account):
    with Words(cloud.clients, "quotas", "GetServiceQuota", quota(64.0)) as words:
        stock = await Ec2Machines(cloud.clients, Clock(), spot=False).stock()
    assert words.asked == [{"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}]
    names = [machine.name for machine in stock.machines]
    assert names[:4] == ["t4g.small", "t4g.medium", "t4g.large", "t4g.xlarge"]
    families = {name.partition(".")[0] for name in names}
    assert {family[0] for family in families} == set("tcmr")
    assert len(families) == 4, "one generation of each family"
    assert (stock.vcpu_quota, stock.free) == (64, 64 - (stock.vcpus_in_use or 0))
    told = MachineTypes.of(stock, FlockConfig(agentsPerInstance=4), cap=100)
    by_type = {one.type: one for one in told.types}
    assert by_type["t4g.medium"].vcpus == 2
    assert by_type["t4g.medium"].memory_gib == 4.0
    assert by_type["t4g.medium"].instances == 32
    assert by_type["t4g.medium"].agents == 100, "never more than the deployment's cap"
    assert by_type["t4g.xlarge"].agents == 64
    assert by_type["t4g.medium"].usd_per_hour == 0.0336


def test_the_newest_generation_is_told_by_number_and_variants_are_left_out():
    machines = [
        Machine(name, 2, 4096)
        for name in (
            "m10g.large",
            "m9g.large",
            "m9gd.large",
            "m8gn.xlarge",
            "t4g.nano",
            "t4g.small",
            "a1.large",
            "c7g.medium",
        )
    ]
    assert [machine.name for machine in newest(machines)] == ["t4g.small", "c7g.medium", "m10g.large"]


async def test_spot_has_a_quota_of_its_own(cloud: Account):
    with Words(cloud.clients, "quotas", "GetServiceQuota", quota(8.0)) as words:
        stock = await Ec2Machines(cloud.clients, Clock(), spot=True).stock()
    assert words.asked[0]["QuotaCode"] == "L-34B43A08"
    assert stock.spot


async def test_what_runs_already_counts_against_the_quota(cloud: Account):
    running = {
        "Reservations": [
            {
                "Instances": [
                    {"InstanceType": "t4g.medium", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 1}},
                    {"InstanceType": "m5.xlarge", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2}},
                    {"InstanceType": "g5.xlarge", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2}},
                    {"InstanceType": "inf2.xlarge", "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 2}},
                    {
                        "InstanceType": "t4g.medium",
                        "InstanceLifecycle": "spot",
                        "CpuOptions": {"CoreCount": 2, "ThreadsPerCore": 1},
                    },
                ]
            }
        ]
    }
    with (
        Words(cloud.clients, "quotas", "GetServiceQuota", quota(16.0)),
        Words(cloud.clients, "ec2", "DescribeInstances", running),
    ):
        stock = await Ec2Machines(cloud.clients, Clock(), spot=False).stock()
    assert (stock.vcpus_in_use, stock.free) == (6, 10)


async def test_an_account_that_never_asked_for_more_has_the_default_quota(cloud: Account):
    with (
        Words(cloud.clients, "quotas", "GetServiceQuota", refused("GetServiceQuota", "NoSuchResourceException")),
        Words(cloud.clients, "quotas", "GetAWSDefaultServiceQuota", quota(5.0)),
    ):
        assert (await Ec2Machines(cloud.clients, Clock(), spot=False).stock()).vcpu_quota == 5


async def test_a_quota_that_cannot_be_read_leaves_the_types_and_says_so(cloud: Account):
    clock = Clock()
    machines = Ec2Machines(cloud.clients, clock, spot=False)
    denied = refused("GetServiceQuota", "AccessDeniedException", status=403)
    with Words(cloud.clients, "quotas", "GetServiceQuota", denied) as words:
        stock = await machines.stock()
        assert await machines.stock() is stock, "remembered"
        assert len(words.asked) == 1
        clock.passed = 301
        await machines.stock()
        assert len(words.asked) == 2
    assert stock.vcpu_quota is None
    assert "not known" in stock.note
    told = MachineTypes.of(stock, FlockConfig(), cap=64)
    assert told.types
    assert {(one.instances, one.agents) for one in told.types} == {(None, None)}


# -- asking the lifecycle ---------------------------------------------------------------------------------------------


async def test_the_lifecycle_is_invoked_without_waiting_for_it(cloud: Account):
    with Words(cloud.clients, "lambda_", "Invoke", {"StatusCode": 202}) as words:
        await LambdaControl(cloud.clients, "murmur-lifecycle").request("start", "20261123T000000Z")
    (asked,) = words.asked
    assert (asked["FunctionName"], asked["InvocationType"]) == ("murmur-lifecycle", "Event")
    assert json.loads(asked["Payload"]) == {"action": "start", "run": "20261123T000000Z"}


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("TooManyRequestsException", 429, Unavailable),
        ("ServiceException", 500, Unavailable),
        ("ResourceNotFoundException", 404, NotFound),
    ],
)
async def test_a_lifecycle_that_cannot_be_asked_is_an_error_with_a_remedy(cloud: Account, code, status, kind):
    with (
        Words(cloud.clients, "lambda_", "Invoke", refused("Invoke", code, status=status)),
        pytest.raises(kind) as caught,
    ):
        await LambdaControl(cloud.clients, "murmur-lifecycle").request("stop", "r")
    assert caught.value.remedy


# -- messages to connections ------------------------------------------------------------------------------------------


class Known:
    """Connections in memory."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)

    async def connections(self) -> list[str]:
        return self.names

    async def remove(self, name: str) -> None:
        self.names.remove(name)


def publisher(cloud: Account, *names: str) -> tuple[ApiGatewayPublisher, Known, object]:
    known = Known(*names)
    made = ApiGatewayPublisher(cloud.clients, "https://abc.execute-api.us-east-1.amazonaws.com/live", known)
    cloud.clients.gateway = made._api

    return made, known, cloud.clients


async def test_a_message_goes_out_as_it_is(cloud: Account):
    made, _, clients = publisher(cloud, "a=")
    with Words(clients, "gateway", "PostToConnection", {}) as words:
        assert await made.send("a=", '{"type":"entry"}')
    assert words.asked == [{"ConnectionId": "a=", "Data": b'{"type":"entry"}'}]
    assert await made.connections() == ["a="]


@pytest.mark.parametrize(
    ("code", "status"), [("GoneException", 410), ("ForbiddenException", 403), ("PayloadTooLargeException", 413)]
)
async def test_a_connection_that_takes_no_message_is_forgotten(cloud: Account, code: str, status: int):
    made, known, clients = publisher(cloud, "a=", "b=")
    with Words(clients, "gateway", "PostToConnection", refused("PostToConnection", code, status=status)):
        assert not await made.send("a=", "x")
    assert known.names == ["b="]


@pytest.mark.parametrize(("code", "status"), [("LimitExceededException", 429), ("InternalServerError", 500)])
async def test_a_busy_gateway_forgets_nobody_and_says_to_try_again(cloud: Account, code: str, status: int):
    made, known, clients = publisher(cloud, "a=")
    failure: ClientError = refused("PostToConnection", code, status=status)
    with Words(clients, "gateway", "PostToConnection", failure), pytest.raises(Unavailable):
        await made.send("a=", "x")
    assert known.names == ["a="]
