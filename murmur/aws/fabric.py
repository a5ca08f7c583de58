"""Fabric over EventBridge and SQS: on the flock's own bus (of a large flock: buses), one rule and one queue per reader, both of one name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.failures import code_of
from murmur.aws.inbox import SqsInbox
from murmur.aws.pace import Pace
from murmur.aws.policy import TARGET, dead_letters, queue_attributes
from murmur.aws.queues import GONE, ensure_queue
from murmur.aws.threads import call
from murmur.gather import gather
from murmur.pattern import Wiring
from murmur.ports import Circuit, Depth
from murmur.settings import Settings

_NO_RULE: Final = frozenset({"ResourceNotFoundException"})


class EventBridgeFabric:
    """Rules and queues of one flock on its own buses; touches nothing else in the account.

    Changes are made at the rate that EventBridge allows, and again where AWS says that it was too fast all the same.
    """

    def __init__(self, clients: Clients, settings: Settings) -> None:
        self._clients = clients
        self._settings = settings
        self._flock = settings.flock
        self._pace = Pace()
        self._urls: dict[str, str] = {}
        """Of queues, by name: an inbox is made for every look at a depth, and need not ask for it each time."""
        self._name = re.compile(rf"{re.escape(settings.flock)}-([0-9A-Za-z]+)-agent-(\d+)")

    async def wire(self, run: str, agent: int, wiring: Wiring) -> None:
        """See ``Fabric.wire``."""
        name, bus = self.name(run, agent), self._settings.bus_of(agent)
        await self._pace.keep(lambda: call(name, self._wire, bus, name, wiring.pattern_json()))

    async def unwire(self, run: str, agent: int) -> None:
        """See ``Fabric.unwire``."""
        name, bus = self.name(run, agent), self._settings.bus_of(agent)
        await self._pace.keep(lambda: call(name, self._unwire, bus, name))
        self._urls.pop(name, None)

    async def circuits(self, run: str) -> list[Circuit]:
        """See ``Fabric.circuits``."""
        rules = await self._rules(f"{self._flock}-{run}-agent-")
        found = ((self._name.fullmatch(rule["Name"]), rule) for rule in rules)
        return sorted(
            (
                Circuit(int(match[2]), rule["Name"], rule["Name"], json.loads(rule["EventPattern"]))
                for match, rule in found
                if match is not None and match[1] == run
            ),
            key=lambda circuit: circuit.agent,
        )

    async def runs(self) -> list[str]:
        """See ``Fabric.runs``. A queue whose rule is gone counts too."""
        rules = await self._rules(f"{self._flock}-")
        queues = await call(self._flock, self._queues, f"{self._flock}-")
        matches = (self._name.fullmatch(name) for name in [*(rule["Name"] for rule in rules), *queues])
        return sorted({match[1] for match in matches if match is not None})

    def inbox(self, run: str, agent: int) -> SqsInbox:
        """See ``Fabric.inbox``."""
        return SqsInbox(self._clients, self.name(run, agent), dead_letters(self._flock), self._urls)

    async def dead_letters(self) -> Depth:
        """How many messages of all readers were given up (received 20 times and never acknowledged)."""
        return await SqsInbox(self._clients, dead_letters(self._flock), urls=self._urls).depth()

    def name(self, run: str, agent: int) -> str:
        """What a reader's rule and queue are called."""
        return f"{self._flock}-{run}-agent-{agent}"

    def _wire(self, bus: str, name: str, pattern: str) -> None:
        events = self._clients.events
        rule = events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern, State="ENABLED")["RuleArn"]
        queue = ensure_queue(self._clients.sqs, name, queue_attributes(self._flock, name, rule))
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": TARGET, "Arn": queue}])

    def _unwire(self, bus: str, name: str) -> None:
        events, sqs = self._clients.events, self._clients.sqs
        # The rule goes last, as it came first: if this is cut off, the rule still says that there is something to remove.
        _unless(GONE, lambda: sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]))
        _unless(_NO_RULE, lambda: events.remove_targets(Rule=name, EventBusName=bus, Ids=[TARGET]))
        _unless(_NO_RULE, lambda: events.delete_rule(Name=name, EventBusName=bus))

    async def _rules(self, prefix: str) -> list[dict[str, Any]]:
        """The rules of all the flock's buses."""
        found = await gather(lambda bus: call(bus, self._rules_on, bus, prefix), self._settings.buses)
        return [rule for rules in found for rule in rules]

    def _rules_on(self, bus: str, prefix: str) -> list[dict[str, Any]]:
        pages = self._clients.events.get_paginator("list_rules").paginate(EventBusName=bus, NamePrefix=prefix)
        try:
            return [dict(rule) for page in pages for rule in page["Rules"]]
        except ClientError as error:
            if code_of(error) in _NO_RULE:  # no bus, so no rules
                return []
            raise

    def _queues(self, prefix: str) -> list[str]:
        pages = self._clients.sqs.get_paginator("list_queues").paginate(
            QueueNamePrefix=prefix, PaginationConfig={"PageSize": 1000}
        )
        return [url.rpartition("/")[2] for page in pages for url in page.get("QueueUrls", ())]


def _unless(codes: frozenset[str], function: Callable[[], object]) -> None:
    """Run it; an error of these codes means that there was nothing to do."""
    try:
        function()
    except ClientError as error:
        if code_of(error) not in codes:
            raise
