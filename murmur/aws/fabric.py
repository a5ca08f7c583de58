"""Fabric over EventBridge and SQS: on the flock's own bus, one rule and one queue per reader, both of one name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.failures import code_of
from murmur.aws.inbox import SqsInbox
from murmur.aws.policy import TARGET, dead_letters, queue_attributes
from murmur.aws.queues import GONE, ensure_queue
from murmur.aws.threads import call
from murmur.pattern import Wiring
from murmur.ports import Circuit, Depth

_NO_RULE: Final = frozenset({"ResourceNotFoundException"})


class EventBridgeFabric:
    """Rules and queues of the flock ``flock`` on the bus ``bus``; touches nothing else in the account."""

    def __init__(self, clients: Clients, flock: str, bus: str) -> None:
        self._clients = clients
        self._flock = flock
        self._bus = bus
        self._name = re.compile(rf"{re.escape(flock)}-([0-9A-Za-z]+)-agent-(\d+)")

    async def wire(self, run: str, agent: int, wiring: Wiring) -> None:
        """See ``Fabric.wire``."""
        name = self.name(run, agent)
        await call(name, self._wire, name, wiring.pattern_json())

    async def unwire(self, run: str, agent: int) -> None:
        """See ``Fabric.unwire``."""
        name = self.name(run, agent)
        await call(name, self._unwire, name)

    async def circuits(self, run: str) -> list[Circuit]:
        """See ``Fabric.circuits``."""
        rules = await call(self._bus, self._rules, f"{self._flock}-{run}-agent-")
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
        rules = await call(self._bus, self._rules, f"{self._flock}-")
        queues = await call(self._flock, self._queues, f"{self._flock}-")
        matches = (self._name.fullmatch(name) for name in [*(rule["Name"] for rule in rules), *queues])
        return sorted({match[1] for match in matches if match is not None})

    def inbox(self, run: str, agent: int) -> SqsInbox:
        """See ``Fabric.inbox``."""
        return SqsInbox(self._clients, self.name(run, agent))

    async def dead_letters(self) -> Depth:
        """How many messages of all readers were given up (received 20 times and never acknowledged)."""
        return await SqsInbox(self._clients, dead_letters(self._flock)).depth()

    def name(self, run: str, agent: int) -> str:
        """What a reader's rule and queue are called."""
        return f"{self._flock}-{run}-agent-{agent}"

    def _wire(self, name: str, pattern: str) -> None:
        events = self._clients.events
        rule = events.put_rule(Name=name, EventBusName=self._bus, EventPattern=pattern, State="ENABLED")["RuleArn"]
        queue = ensure_queue(self._clients.sqs, name, queue_attributes(self._flock, name, rule))
        events.put_targets(Rule=name, EventBusName=self._bus, Targets=[{"Id": TARGET, "Arn": queue}])

    def _unwire(self, name: str) -> None:
        events, sqs = self._clients.events, self._clients.sqs
        _unless(_NO_RULE, lambda: events.remove_targets(Rule=name, EventBusName=self._bus, Ids=[TARGET]))
        _unless(_NO_RULE, lambda: events.delete_rule(Name=name, EventBusName=self._bus))
        _unless(GONE, lambda: sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]))

    def _rules(self, prefix: str) -> list[dict[str, Any]]:
        pages = self._clients.events.get_paginator("list_rules").paginate(EventBusName=self._bus, NamePrefix=prefix)
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
