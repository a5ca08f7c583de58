"""An AWS account on moto, made to behave as AWS does where a launch depends on it, and to fail at any call.

moto launches MinCount instances and forgets the client token; it knows no capacity, no quota and no lag. All of that is added at botocore's
events, in front of moto: docs of RunInstances, "Ensuring idempotency in EC2 API requests", "Eventual consistency".
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace

from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from murmur.aws.clients import Clients

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Died(BaseException):
    """The function was cut off: nothing of it runs on."""


def no_answer(operation: str) -> Exception:
    """Nobody knows whether it was carried out."""
    return ReadTimeoutError(endpoint_url=f"https://aws/{operation}")


def refused(operation: str, code: str, message: str = "as the test wants it", status: int = 400) -> ClientError:
    """AWS says no."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, operation)


@dataclass
class Fault:
    """At the ``at``-th call from now (from 0), fail: ``before`` or after it had its effect; dead, or without an answer."""

    at: int
    before: bool
    dead: bool


@dataclass
class Account:
    """``calls`` are the operations asked for. Set ``capacity`` by subnet, ``quota`` in instances, ``lag`` in looks."""

    clients: Clients
    subnets: tuple[str, ...] = ()
    template: str = ""
    calls: list[str] = field(default_factory=list)
    capacity: dict[str, int] = field(default_factory=dict)
    refusals: list[tuple[str, ClientError]] = field(default_factory=list)
    """Answers to give, each once, to the next call of that operation."""
    lag: int = 0
    """How many times DescribeInstances does not yet show what was launched."""
    fault: Fault | None = None
    dead: bool = False
    _tokens: dict[str, tuple[dict, tuple]] = field(default_factory=dict)
    _hidden: dict[str, int] = field(default_factory=dict)

    def listen(self) -> None:
        events = self.clients.session.get_component("event_emitter")
        events.register_first("before-call", self._before)
        events.register_last("after-call", self._after)

    def _before(self, model, params, context, **_):
        operation = model.name
        if self.dead:
            raise Died(operation)
        self.calls.append(operation)
        context["murmur"] = SimpleNamespace(number=len(self.calls) - 1, again=False)
        self._fail(context, operation, before=True)
        for at, (name, error) in enumerate(self.refusals):
            if name == operation:
                del self.refusals[at]
                raise error
        return self._launch(params["body"], context) if operation == "RunInstances" else None

    def _after(self, model, parsed, context, http_response, **_):
        if model.name == "RunInstances" and not context["murmur"].again and "Instances" in parsed:
            self._tokens[context["murmur"].token] = (context["murmur"].words, (http_response, parsed))
            self.capacity[context["murmur"].subnet] -= len(parsed["Instances"])
            self._hidden |= {found["InstanceId"]: self.lag for found in parsed["Instances"]}
        if model.name == "DescribeInstances" and self._hidden:
            self._hide(parsed)
        self._fail(context, model.name, before=False)

    def _fail(self, context, operation, *, before):
        fault = self.fault
        if fault is None or fault.before != before or context["murmur"].number != fault.at:
            return
        self.fault = None
        self.dead = fault.dead
        raise Died(operation) if fault.dead else no_answer(operation)

    def _launch(self, body, context):
        mine, words = context["murmur"], {k: v for k, v in body.items() if k not in ("ClientToken", "MinCount")}
        mine.token, mine.words, mine.subnet = body["ClientToken"], words, body["SubnetId"]
        if mine.token in self._tokens:
            before, answer = self._tokens[mine.token]
            if before != words:
                raise refused("RunInstances", "IdempotentParameterMismatch")
            mine.again = True
            return answer
        room = self.capacity.setdefault(mine.subnet, 1000)
        if room < 1:
            raise refused("RunInstances", "InsufficientInstanceCapacity", status=500)
        body["MinCount"] = min(int(body["MaxCount"]), room)
        return None

    def _hide(self, parsed):
        for reservation in parsed.get("Reservations", ()):
            shown = [found for found in reservation["Instances"] if self._hidden.get(found["InstanceId"], 0) < 1]
            for found in reservation["Instances"]:
                self._hidden[found["InstanceId"]] = self._hidden.get(found["InstanceId"], 0) - 1
            reservation["Instances"] = shown

    def forget(self) -> None:
        """Behave as AWS does on a good day."""
        self.calls.clear()
        self.capacity.clear()
        self.refusals.clear()
        self.lag, self.fault, self.dead = 0, None, False

    async def bury(self) -> None:
        """What a dead function had under way ends with it; then there may be another."""
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
        self.dead = False
        self.fault = None


@contextmanager
def account() -> Iterator[Account]:
    """An empty account with two subnets and a launch template."""
    with mock_aws():
        made = Account(Clients(ENVIRONMENT))
        ec2 = made.clients.ec2
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made.subnets = tuple(
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n * 128}.0/17")["Subnet"]["SubnetId"] for n in range(2)
        )
        template = ec2.create_launch_template(
            LaunchTemplateName="agents", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t4g.medium"}
        )
        made.template = template["LaunchTemplate"]["LaunchTemplateId"]
        made.clients.close()
        made = Account(Clients(ENVIRONMENT), made.subnets, made.template)
        made.listen()
        yield made
        made.clients.close()
