"""The functions as Lambda calls them, with the events that API Gateway, SQS, EventBridge and Lambda itself send."""

import base64
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.api import main as api_main
from functions.api import proxy as api
from functions.lifecycle import main as lifecycle
from functions.live import door, telling
from functions.live import main as live
from murmur import keys
from murmur.aws.cloud import CloudSettings
from murmur.aws.composition import Deployment
from murmur.aws.telemetry import Telemetry
from murmur.change import Change
from murmur.errors import InvalidInput
from murmur.memory.fabric import event_of
from tests.contract.account import ENVIRONMENT, Account, refused
from tests.contract.flock_on_ec2 import Flock, flock_on_ec2

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = SimpleNamespace(
    function_name="murmur-api",
    memory_limit_in_mb=1024,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:murmur-api",
    aws_request_id="3f9a6a4e-8d1c-4c0e-9e59-1c9e3b4a2f00",
    get_remaining_time_in_millis=lambda: 29_000,
)


@dataclass
class Cloud:
    """A deployed flock as the functions' environment tells of it, and what they wrote to their log."""

    flock: Flock
    account: Account
    sent: list[tuple[str, str]] = field(default_factory=list)
    invoked: list[dict] = field(default_factory=list)

    thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))

    def call(self, handler, event: dict[str, Any]) -> Any:
        """As Lambda does: in a thread that runs no event loop of its own."""
        return self.thread.submit(handler, event, CONTEXT).result()

    def listen(self, telemetry: Telemetry) -> None:
        """Let this function's log go to the standard output of now."""
        telemetry._log.registered_handler.stream = sys.stdout


@pytest.fixture(scope="module")
def deployed() -> Iterator[Flock]:
    with flock_on_ec2() as made:
        made.account.clients.dynamodb.create_table(
            TableName="murmur-connections",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        yield made


@pytest.fixture
def cloud(deployed: Flock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    deployed.clear()
    table = deployed.account.clients.dynamodb
    for item in table.scan(TableName="murmur-connections")["Items"]:
        table.delete_item(TableName="murmur-connections", Key={"pk": item["pk"]})
    deployed.account.calls.clear()
    told = {
        **ENVIRONMENT,
        "MURMUR_FLOCK": deployed.settings.flock,
        "MURMUR_BUCKET": deployed.settings.bucket,
        "MURMUR_BUS": deployed.settings.bus,
        "MURMUR_RUNNERS": "scripted",
        "MURMUR_CONCURRENCY_CAP": "64",
        "MURMUR_PROJECT": "murmur",
        "MURMUR_LIFECYCLE_FUNCTION": "murmur-lifecycle",
        "MURMUR_CONNECTIONS_TABLE": "murmur-connections",
        "MURMUR_CONNECTIONS_ENDPOINT": "https://abc.execute-api.us-east-1.amazonaws.com/live",
        "MURMUR_LAUNCH_TEMPLATE": deployed.account.template,
        "MURMUR_SUBNETS": ",".join(deployed.account.subnets),
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    made = Cloud(deployed, deployed.account)
    for module in ("murmur.aws.adapters", "functions.live.door"):
        monkeypatch.setattr(f"{module}.Clients", lambda _environment=None: deployed.account.clients)
    monkeypatch.setattr("murmur.aws.requests.LambdaControl.request", _keeps(made.invoked))
    monkeypatch.setattr("murmur.aws.publisher.ApiGatewayPublisher._post", _takes(made.sent))
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield made
    root.handlers[:], root.level = before
    for part in (api, lifecycle, door, telling):
        made.thread.submit(part.warm.close).result()
    made.thread.shutdown()
    for telemetry in (api.telemetry, lifecycle.telemetry, door.telemetry, telling.telemetry):
        telemetry._log.registered_handler.stream = sys.__stdout__
        telemetry._installed = False


def _keeps(invoked):
    async def request(_self, action, run):
        invoked.append({"action": action, "run": run})

    return request


def _takes(sent):
    def post(_self, connection, data):
        sent.append((connection, data.decode()))
        return connection != "gone="

    return post


def rest(method: str, path: str, *, body: Any = None, query: dict[str, list[str]] | None = None, **more: Any) -> dict:
    """An event of a REST API's proxy integration, stage ``app``, as API Gateway sends it."""
    many = query or {}
    return {
        "resource": "/cluster/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Host": "abc.execute-api.us-east-1.amazonaws.com",
        },
        "multiValueHeaders": {"Accept": ["application/json"], "Content-Type": ["application/json"]},
        "queryStringParameters": {name: values[-1] for name, values in many.items()} or None,
        "multiValueQueryStringParameters": many or None,
        "pathParameters": {"proxy": path.removeprefix("/cluster/")},
        "stageVariables": None,
        "requestContext": {
            "resourceId": "r",
            "resourcePath": "/cluster/{proxy+}",
            "httpMethod": method,
            "path": f"/app{path}",
            "protocol": "HTTP/1.1",
            "stage": "app",
            "accountId": "123456789012",
            "apiId": "abc",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTimeEpoch": 1795392000000,
            "identity": {"sourceIp": "192.0.2.7", "userAgent": "test"},
            "authorizer": {"claims": {"sub": "u", "cognito:username": "u"}},
        },
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        **more,
    }


def socket(kind: str, connection: str = "Zq1=", **more: Any) -> dict:
    """An event of the WebSocket API, stage ``live``."""
    return {
        "requestContext": {
            "routeKey": {"CONNECT": "$connect", "DISCONNECT": "$disconnect"}.get(kind, "$default"),
            "eventType": kind,
            "connectionId": connection,
            "requestId": "Zq1EHFi=",
            "domainName": "abc.execute-api.us-east-1.amazonaws.com",
            "stage": "live",
            "identity": {"sourceIp": "192.0.2.7"},
        },
        "isBase64Encoded": False,
        **more,
    }


def answered(response: dict) -> Any:
    body = response["body"]
    return json.loads(base64.b64decode(body) if response.get("isBase64Encoded") else body)


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


# -- the API ----------------------------------------------------------------------------------------------------------


def test_a_request_is_answered_whether_or_not_the_path_carries_the_stage(cloud: Cloud):
    for path in ("/cluster/config", "/app/cluster/config"):
        response = cloud.call(api.handler, rest("GET", path))
        assert response["statusCode"] == 200, response
        assert answered(response)["concurrency"] == 8


def test_a_start_is_accepted_and_handed_to_the_lifecycle(cloud: Cloud):
    response = cloud.call(api.handler, rest("POST", "/cluster/start", body={"direction": "Go."}))
    assert response["statusCode"] == 202, response
    assert cloud.invoked == [{"action": "start", "run": answered(response)["run"]}]


def test_a_body_that_came_base64_encoded_is_the_same_body(cloud: Cloud):
    body = base64.b64encode(json.dumps({"text": "Gr\u00fcn \U0001f331"}).encode()).decode()
    response = cloud.call(api.handler, rest("PUT", "/cluster/direction", body=body, isBase64Encoded=True))
    assert response["statusCode"] == 200, response
    assert answered(cloud.call(api.handler, rest("GET", "/cluster/direction")))["text"] == "Gr\u00fcn \U0001f331"


async def test_queries_come_from_the_multi_value_form(cloud: Cloud):
    await cloud.flock.store.put("output/a b&c.txt", b"0123456789")
    query = {"key": ["output/a b&c.txt"], "offset": ["2"], "length": ["3"]}
    response = cloud.call(api.handler, rest("GET", "/cluster/habitat/file", query=query))
    assert response["statusCode"] == 200, response
    assert base64.b64decode(response["body"]) == b"234" if response["isBase64Encoded"] else response["body"] == "234"


def test_instance_types_are_those_of_the_account(cloud: Cloud):
    cloud.account.refusals = [("GetServiceQuota", refused("GetServiceQuota", "AccessDeniedException", status=403))]
    response = cloud.call(api.handler, rest("GET", "/cluster/instance-types"))
    assert response["statusCode"] == 200, response
    assert "t4g.medium" in {each["type"] for each in answered(response)["types"]}
    assert answered(response)["here"] is None


async def test_the_status_shows_instances_even_if_cloudwatch_does_not_answer(cloud: Cloud):
    run = await cloud.flock.running()
    cloud.account.refusals = [("GetMetricData", refused("GetMetricData", "Throttling"))] * 9
    response = cloud.call(api.handler, rest("GET", "/cluster/status"))
    assert response["statusCode"] == 200, response
    agents = answered(response)["agents"]
    assert [agent["instance"]["name"] for agent in agents] == ["host-0", "host-1"]
    assert all(agent["instance"]["id"].startswith("i-") for agent in agents)
    assert answered(response)["run"] == run


def test_a_deployment_that_lacks_a_variable_says_which_and_shows_no_trace(cloud: Cloud, monkeypatch):
    monkeypatch.delenv("MURMUR_CONNECTIONS_TABLE")
    response = cloud.call(api.handler, rest("GET", "/cluster/status"))
    assert response["statusCode"] == 400
    assert "MURMUR_CONNECTIONS_TABLE" in answered(response)["message"]
    monkeypatch.setenv("MURMUR_CONNECTIONS_TABLE", "murmur-connections")
    assert cloud.call(api.handler, rest("GET", "/cluster/config"))["statusCode"] == 200, "the next request tries again"


def test_requests_are_counted_for_the_flock(cloud: Cloud, capsys):
    cloud.account.refusals = [("GetObject", refused("GetObject", "AccessDenied", status=403))]
    assert cloud.call(api.handler, rest("GET", "/cluster/config"))["statusCode"] == 403
    (metric,) = [line for line in lines(capsys.readouterr().out) if "_aws" in line]
    assert (metric["Requests"], metric["ServerErrors"], metric["Flock"]) == ([1.0], [0.0], "murmur")
    assert ["Flock"] in metric["_aws"]["CloudWatchMetrics"][0]["Dimensions"]


def test_what_the_program_logs_is_json_that_carries_the_requests_id(cloud: Cloud, capsys, monkeypatch):
    def breaks(_self, _environment=None):
        logging.getLogger("murmur.anything").warning("on the way")
        raise InvalidInput("Not today.", "Come again.")

    monkeypatch.setattr("functions.api.proxy.Deployment.__init__", breaks)
    cloud.listen(api.telemetry)
    cloud.call(api.handler, rest("GET", "/cluster/config"))
    (line,) = [line for line in lines(capsys.readouterr().out) if line.get("message") == "on the way"]
    assert line["level"] == "WARNING"
    assert line["correlation_id"] == "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
    assert line["function_request_id"] == CONTEXT.aws_request_id


# -- the live view ----------------------------------------------------------------------------------------------------


def ticket(cloud: Cloud) -> str:
    return answered(cloud.call(api.handler, rest("POST", "/cluster/ticket")))["ticket"]


def authorise(cloud: Cloud, **more: Any) -> str:
    arn = "arn:aws:execute-api:us-east-1:123456789012:abc/live/$connect"
    event = {"type": "REQUEST", "methodArn": arn, **socket("CONNECT"), **more}
    (statement,) = cloud.call(live.authorise, event)["policyDocument"]["Statement"]
    assert statement["Resource"] == arn
    assert statement["Action"] == "execute-api:Invoke"
    return statement["Effect"]


def test_a_ticket_of_the_api_opens_the_door_once_and_only_from_where_it_was_asked_for(cloud: Cloud):
    mine = {"queryStringParameters": {"ticket": ticket(cloud)}}
    assert authorise(cloud, **mine) == "Allow"
    assert authorise(cloud, **mine) == "Deny"
    elsewhere = socket("CONNECT")["requestContext"] | {"identity": {"sourceIp": "198.51.100.9"}}
    theirs = {"queryStringParameters": {"ticket": ticket(cloud)}, "requestContext": elsewhere}
    assert authorise(cloud, **theirs) == "Deny"


@pytest.mark.parametrize("query", [None, {}, {"ticket": ""}, {"ticket": None}, {"ticket": "x" * 9000}])
def test_without_a_ticket_the_door_stays_closed(cloud: Cloud, query):
    assert authorise(cloud, queryStringParameters=query) == "Deny"


def changes(cloud: Cloud, *heard) -> dict:
    return {
        "Records": [
            {
                "messageId": f"m{at}",
                "receiptHandle": "h",
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795392000000"},
                "eventSource": "aws:sqs",
                "awsRegion": "us-east-1",
            }
            for at, body in enumerate(heard)
        ]
    }


def s3_event(key: str, number: int) -> str:
    return event_of(
        Change(key, f"e{number}", f"{number:018x}", 10, "2026-11-23T00:00:00Z", f"trace-{number}"), "flock-bucket"
    )


async def test_what_changes_is_pushed_to_who_is_connected_and_who_is_gone_is_forgotten(cloud: Cloud):
    await cloud.flock.running()
    for connection in ("a=", "gone="):
        assert cloud.call(live.connect, socket("CONNECT", connection)) == {"statusCode": 200}
    answer = cloud.call(live.push, changes(cloud, s3_event(keys.DIRECTION, 1), "junk", s3_event("output/x.md", 2)))
    assert answer == {"batchItemFailures": []}
    assert {json.loads(text)["type"] for connection, text in cloud.sent if connection == "a="} == {"direction"}
    cloud.sent.clear()
    cloud.call(live.push, changes(cloud, s3_event(keys.DIRECTION, 3)))
    assert {connection for connection, _ in cloud.sent} == {"a="}
    assert cloud.call(live.disconnect, socket("DISCONNECT", "a=")) == {"statusCode": 200}
    cloud.sent.clear()
    cloud.call(live.push, changes(cloud, s3_event(keys.DIRECTION, 4)))
    assert cloud.sent == []


async def test_a_clients_message_is_answered_to_it_alone(cloud: Cloud):
    await cloud.flock.running()
    cloud.call(live.connect, socket("CONNECT", "a="))
    cloud.call(live.connect, socket("CONNECT", "b="))
    assert cloud.call(live.default, socket("MESSAGE", "a=", body='{"type":"snapshot"}')) == {"statusCode": 200}
    cloud.call(live.default, socket("MESSAGE", "a=", body="not json"))
    assert [(connection, json.loads(text)["type"]) for connection, text in cloud.sent] == [
        ("a=", "snapshot"),
        ("a=", "error"),
    ]


async def test_who_watches_queues_is_remembered_over_functions(cloud: Cloud):
    await cloud.flock.running()
    cloud.call(live.connect, socket("CONNECT", "a="))
    cloud.call(live.default, socket("MESSAGE", "a=", body='{"type":"watch","queues":true}'))
    cloud.thread.submit(telling.warm.close).result()  # another process
    cloud.sent.clear()
    cloud.call(live.push, changes(cloud, s3_event(keys.DIRECTION, 1)))
    assert "queues" in {json.loads(text)["type"] for _, text in cloud.sent}


async def test_changes_that_the_store_would_not_show_come_again(cloud: Cloud):
    await cloud.flock.running()
    cloud.call(live.connect, socket("CONNECT", "a="))
    cloud.account.refusals = [("GetObject", refused("GetObject", "SlowDown", status=503))]
    answer = cloud.call(live.push, changes(cloud, s3_event(keys.DIRECTION, 1), s3_event(keys.CONFIG, 2)))
    assert len(answer["batchItemFailures"]) == 1


async def test_a_push_is_logged_under_the_trace_of_its_s3_event(cloud: Cloud, capsys):
    await cloud.flock.running()
    cloud.listen(telling.telemetry)
    cloud.call(live.push, changes(cloud, s3_event(keys.DIRECTION, 1), s3_event(keys.CONFIG, 2)))
    written = lines(capsys.readouterr().out)
    (told,) = [
        line for line in written if line.get("message", "").__class__ is str and "told" in line.get("message", "")
    ]
    first = json.loads(s3_event(keys.DIRECTION, 1))["id"]
    assert told["correlation_id"] == first
    assert told["traces"] == [first, json.loads(s3_event(keys.CONFIG, 2))["id"]]


def test_there_are_the_five_handlers_and_no_other():
    assert api_main.handler is api.handler
    for name in ("authorise", "connect", "disconnect", "default", "push"):
        assert callable(getattr(live, name))
    with pytest.raises(AttributeError, match="handler"):
        api_main.serve  # noqa: B018
    with pytest.raises(AttributeError, match="authorise"):
        live.handler  # noqa: B018


# -- the lifecycle ----------------------------------------------------------------------------------------------------


async def test_a_start_a_tick_and_a_stop_as_they_are_asked_for(cloud: Cloud, capsys):
    run = await cloud.flock.ask()
    assert cloud.call(lifecycle.handler, {"action": "start", "run": run}) == {"served": True}
    await cloud.flock.assert_running(run)
    capsys.readouterr()
    assert cloud.call(lifecycle.handler, {"action": "tick"}) == {"served": True}
    (metric,) = [line for line in lines(capsys.readouterr().out) if "_aws" in line]
    assert (metric["AgentsExpected"], metric["AgentsMissing"], metric["Hosts"]) == ([2.0], [0.0], [2.0])
    assert metric["EstimatedDollarsPerHour"] == [0.0672]
    await cloud.flock.be("stopping", run)
    assert cloud.call(lifecycle.handler, {"action": "stop", "run": run}) == {"served": True}
    await cloud.flock.assert_stopped()
    cloud.call(lifecycle.handler, {"action": "tick"})
    (metric,) = [line for line in lines(capsys.readouterr().out) if "AgentsExpected" in line]
    assert (metric["AgentsExpected"], metric["EstimatedDollarsPerHour"]) == ([0.0], [0.0])


def gone(instance: str, state: str = "terminated") -> dict:
    """EC2's own event, as EventBridge delivers it."""
    return {
        "version": "0",
        "id": "7bf73129-1428-4cd3-a780-95db273d1602",
        "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2",
        "account": "123456789012",
        "time": "2026-11-23T00:00:00Z",
        "region": "us-east-1",
        "resources": [f"arn:aws:ec2:us-east-1:123456789012:instance/{instance}"],
        "detail": {"instance-id": instance, "state": state},
    }


async def test_ec2s_word_that_an_instance_is_gone_repairs_the_flock_at_once(cloud: Cloud, capsys):
    run = await cloud.flock.running()
    instance = cloud.flock.alive()[0]["InstanceId"]
    cloud.flock.age(instance)
    cloud.account.clients.ec2.terminate_instances(InstanceIds=[instance])
    cloud.listen(lifecycle.telemetry)
    assert cloud.call(lifecycle.handler, gone(instance)) == {"served": True}
    await cloud.flock.assert_running(run)
    started = [line for line in lines(capsys.readouterr().out) if "again" in str(line.get("message"))]
    assert started[0]["correlation_id"] == "7bf73129-1428-4cd3-a780-95db273d1602"


@pytest.mark.parametrize("state", ["terminated", "stopped", "shutting-down"])
async def test_an_instance_event_while_nothing_runs_does_nothing(cloud: Cloud, state: str):
    assert cloud.call(lifecycle.handler, gone("i-0123", state)) == {"served": True}
    assert "RunInstances" not in cloud.account.calls


@pytest.mark.parametrize(
    "event", [{}, {"action": "explode"}, {"action": "start", "run": "../x"}, {"action": ["tick"]}, {"detail-type": 3}]
)
def test_an_event_that_asks_for_nothing_is_left_out(cloud: Cloud, event):
    assert cloud.call(lifecycle.handler, event) == {"served": False}
    assert cloud.account.calls == []


async def test_an_action_that_failed_raises_so_that_lambda_tries_again(cloud: Cloud, capsys):
    run = await cloud.flock.running()
    await cloud.flock.be("stopping", run)
    cloud.account.refusals = [("DescribeInstances", refused("DescribeInstances", "RequestLimitExceeded", status=503))]
    with pytest.raises(Exception, match="busy"):
        cloud.call(lifecycle.handler, {"action": "stop", "run": run})
    (metric,) = [line for line in lines(capsys.readouterr().out) if "_aws" in line]
    assert metric["Failures"] == [1.0]
    cloud.call(lifecycle.handler, {"action": "stop", "run": run})
    await cloud.flock.assert_stopped()


# -- settings and start ----------------------------------------------------------------------------------------------


def test_cloud_settings_are_read_from_their_variables_and_empty_ones_count_as_absent():
    read = CloudSettings.from_environment(
        {"MURMUR_SUBNETS": "subnet-0a1, subnet-0b2", "MURMUR_SPOT": "true", "MURMUR_LAUNCH_TEMPLATE": "", "OTHER": "x"}
    )
    assert read.subnets == ("subnet-0a1", "subnet-0b2")
    assert read.spot
    assert read.project == "murmur"
    with pytest.raises(InvalidInput, match="MURMUR_LAUNCH_TEMPLATE is not set"):
        read.require("subnets", "launch_template")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MURMUR_SUBNETS", "subnet-1;rm"),
        ("MURMUR_SPOT", "perhaps"),
        ("MURMUR_LAUNCH_TEMPLATE", "template"),
        ("MURMUR_CONNECTIONS_ENDPOINT", "ftp://x"),
        ("MURMUR_CONNECTIONS_TABLE", "a table"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str):
    with pytest.raises(InvalidInput, match=name):
        CloudSettings.from_environment({name: value})


def test_composing_a_deployment_asks_aws_nothing(cloud: Cloud):
    cloud.account.calls.clear()
    Deployment().services()
    assert cloud.account.calls == []


def loaded_by(*names: str) -> set[str]:
    """The modules a fresh interpreter has after Lambda's runtime has taken its handlers."""
    words = "import sys\nfrom importlib import import_module\n"
    words += "".join(f"getattr(import_module({n.rpartition('.')[0]!r}), {n.rpartition('.')[2]!r})\n" for n in names)
    words += "print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", words], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("name", ["authorise", "connect", "disconnect"])
def test_the_door_loads_nothing_heavy(name: str):
    loaded = loaded_by(f"functions.live.main.{name}")
    heavy = {
        "boto3",
        "s3transfer",
        "aws_lambda_powertools.event_handler",
        "aws_xray_sdk",
        "markdown_it",
        "functions.live.live",
        "murmur.aws.fleet",
        "murmur.status",
    }
    assert loaded & heavy == set()


def test_push_and_the_lifecycle_load_neither_the_rest_api_nor_what_agents_run_on():
    loaded = loaded_by("functions.live.main.push", "functions.lifecycle.main.handler")
    assert not loaded & {"boto3", "s3transfer", "aws_lambda_powertools.event_handler", "aws_xray_sdk", "markdown_it"}
    assert not [name for name in loaded if name.partition(".")[0] in ("agent", "mcp", "acp", "ministack", "starlette")]


def test_agents_load_neither_powertools_nor_what_only_functions_need():
    loaded = loaded_by("agent.host.main")
    assert not loaded & {"boto3", "aws_lambda_powertools", "murmur.aws.fleet", "murmur.aws.telemetry"}
