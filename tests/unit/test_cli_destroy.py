"""Taking a flock away: it is stopped first, its results stay unless their name is typed, and nothing is left running."""

import asyncio
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from murmur import keys
from murmur.aws.adapters import open_adapters
from murmur.cli import destroying, exits
from murmur.cli.account import Account
from murmur.cli.deployment import key_parameter, write_choices
from murmur.cli.destroying import Destroyer
from murmur.cli.known import Known, known_names, remember
from murmur.cli.main import main
from murmur.config import FlockConfig
from murmur.control import Control
from murmur.errors import Unavailable, WrongState
from murmur.pattern import wiring_for
from murmur.settings import Settings
from tests.unit.quick_boto import hurry

REGION = "eu-west-1"
BUCKET = f"murmur-123456789012-{REGION}"
RUN = "20261123T090000Z"
TEMPLATE = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"LifecycleFunction": {"Value": "murmur-lifecycle"}},
}


class World:
    """A deployed flock in moto's account, and a lifecycle function that ends a run when it is told to."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.deaf = False
        self.s3 = account.client("s3")
        for bucket in (BUCKET, f"{BUCKET}-access"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.s3.put_object(Bucket=BUCKET, Key="output/report.md", Body=b"worth keeping")
        account.client("cloudformation").create_stack(StackName="murmur-murmur", TemplateBody=json.dumps(TEMPLATE))
        account.client("events").create_event_bus(Name="murmur")
        account.put_parameter(key_parameter("murmur"), "a-secret-key", secret=True)
        write_choices(account, "murmur", {"email": "you@example.org"})
        self.control("running")

    def control(self, state: Any) -> None:
        body = Control(state=state, run=RUN, since="2026-11-23T09:00:00.000Z").to_json()
        self.s3.put_object(Bucket=BUCKET, Key=keys.CONTROL, Body=body)

    def state(self) -> str:
        return str(json.loads(self.s3.get_object(Bucket=BUCKET, Key=keys.CONTROL)["Body"].read())["state"])

    def invoke(self, function: str, event: Any) -> None:
        self.events.append((function, dict(event)))
        assert self.state() == "stopping", "the lifecycle stops only what is to be stopped"
        if not self.deaf:
            self.control("stopped")

    def launch(self) -> str:
        tags = [{"Key": "Project", "Value": "murmur"}, {"Key": "Flock", "Value": "murmur"}]
        ec2 = self.account.client("ec2")
        image = ec2.describe_images()["Images"][0]["ImageId"]
        made = ec2.run_instances(
            ImageId=image, MinCount=1, MaxCount=1, TagSpecifications=[{"ResourceType": "instance", "Tags": tags}]
        )
        return str(made["Instances"][0]["InstanceId"])


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[World]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("MURMUR_CONFIG_HOME", str(tmp_path / "config"))
    hurry(monkeypatch)
    with mock_aws():
        account = Account.of("", REGION)
        made = World(account)
        monkeypatch.setattr(Account, "invoke", lambda _, function, event: made.invoke(function, event))
        yield made


def destroyer(world: World) -> Destroyer:
    return Destroyer(world.account, "murmur", lambda _: None, poll_seconds=0.01)


def test_the_flock_is_stopped_before_its_stack_goes_and_the_results_stay(world: World) -> None:
    assert destroyer(world).destroy(delete_data=False)
    assert world.events == [("murmur-lifecycle", {"action": "stop", "run": RUN})]
    assert not world.account.stack("murmur-murmur").exists
    assert world.s3.get_object(Bucket=BUCKET, Key="output/report.md")["Body"].read() == b"worth keeping"
    assert world.account.parameter(key_parameter("murmur")) is not None


def test_a_flock_that_has_stopped_is_not_asked_again(world: World) -> None:
    world.control("stopped")
    destroyer(world).destroy(delete_data=False)
    assert world.events == []


def test_a_flock_that_does_not_stop_keeps_its_stack(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.deaf = True
    monkeypatch.setattr(destroying, "STOP_SECONDS", 0.2)
    with pytest.raises(Unavailable, match="not stopped") as caught:
        destroyer(world).destroy(delete_data=True)
    assert "lifecycle function's log" in caught.value.remedy
    assert world.account.stack("murmur-murmur").exists
    assert world.account.has_bucket(BUCKET)


def test_instances_that_still_run_keep_the_stack(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = world.launch()
    monkeypatch.setattr(destroying, "STOP_SECONDS", 0.2)
    with pytest.raises(WrongState, match=instance):
        destroyer(world).destroy(delete_data=False)
    assert world.account.stack("murmur-murmur").exists
    world.account.client("ec2").terminate_instances(InstanceIds=[instance])
    assert destroyer(world).destroy(delete_data=False)


def test_rules_and_queues_that_were_left_are_removed(world: World) -> None:
    settings = Settings(flock="murmur", bucket=BUCKET, bus="murmur")
    sqs = world.account.client("sqs")
    sqs.create_queue(QueueName="murmur-dead")
    adapters = open_adapters(settings, world.account.environment())
    config = FlockConfig(concurrency=2)
    wiring = wiring_for(BUCKET, config, 0)
    asyncio.run(adapters.fabric.wire(RUN, 0, wiring))
    adapters.close()
    events = world.account.client("events")
    assert events.list_rules(EventBusName="murmur")["Rules"]
    sqs.create_queue(QueueName=f"murmur-{RUN}-agent-7")  # its rule is gone already
    destroyer(world).destroy(delete_data=False)
    assert events.list_rules(EventBusName="murmur")["Rules"] == []
    assert [url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]] == ["murmur-dead"]


def test_data_goes_with_everything_in_it_only_when_asked_for(world: World) -> None:
    world.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    world.s3.put_object(Bucket=BUCKET, Key="output/report.md", Body=b"second")
    world.s3.delete_object(Bucket=BUCKET, Key="output/report.md")
    assert destroyer(world).destroy(delete_data=True)
    assert not world.account.has_bucket(BUCKET)
    assert not world.account.has_bucket(f"{BUCKET}-access")
    assert world.account.parameter(key_parameter("murmur")) is None
    assert not destroyer(world).destroy(delete_data=True)  # a second time there is nothing, and that is no error


@pytest.mark.parametrize(("typed", "code"), [("wrong\n", exits.USAGE), ("murmur\n", exits.OK)])
def test_deleting_data_takes_the_name_typed_out(
    world: World, monkeypatch: pytest.MonkeyPatch, typed: str, code: int
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert main(["destroy", "--delete-data"]) == code
    assert world.account.has_bucket(BUCKET) == (code != exits.OK)


def test_where_nobody_can_be_asked_the_answer_is_an_option(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    remember(Known("murmur", "https://x.example/app", REGION))
    assert main(["destroy"]) == exits.USAGE
    assert "--yes" in capsys.readouterr().err
    assert main(["destroy", "--delete-data", "--yes"]) == exits.USAGE
    assert "--confirm" in capsys.readouterr().err
    assert world.account.stack("murmur-murmur").exists
    assert main(["destroy", "--yes"]) == exits.OK
    assert "its bucket is kept" in capsys.readouterr().out
    assert known_names() == []
    assert main(["destroy", "--yes"]) == exits.OK
    assert "there was no flock" in capsys.readouterr().out


def test_a_stack_that_cannot_be_deleted_says_what_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.control("stopped")
    client = world.account.client("cloudformation")
    broken = {"StackName": "murmur-murmur", "StackStatus": "DELETE_FAILED"}
    event = {"LogicalResourceId": "Bus", "ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": "the bus has rules"}
    monkeypatch.setattr(client, "describe_stacks", lambda **_: {"Stacks": [broken]})
    monkeypatch.setattr(client, "delete_stack", lambda **_: None)
    monkeypatch.setattr(client, "describe_stack_events", lambda **_: {"StackEvents": [event]})
    with pytest.raises(WrongState, match="Bus: the bus has rules"):
        destroyer(world).destroy(delete_data=False)
