"""Metrics over CloudWatch: processor, network and status checks of the instances, asked for seldom and in bulk.

Source: EC2 User Guide, "List the available CloudWatch metrics"; GetMetricData takes 500 queries a call. Basic monitoring has one value in five minutes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from murmur.aws.clients import Clients
from murmur.aws.threads import call
from murmur.errors import MurmurError
from murmur.ports import Clock, HostMetrics

QUERIES_AT_ONCE: Final = 500
REMEMBERED_SECONDS: Final = 60.0
_PERIOD_SECONDS: Final = 300
_BACK: Final = timedelta(minutes=20)
"""How far back a value still says something; metrics arrive some minutes late."""
_ASKED: Final = (
    ("cpu", "CPUUtilization", "Average"),
    ("in", "NetworkIn", "Sum"),
    ("out", "NetworkOut", "Sum"),
    ("failed", "StatusCheckFailed", "Maximum"),
)
_UNKNOWN: Final = HostMetrics(None, None, None, None, None)
_log = logging.getLogger(__name__)


class CloudWatchMetrics:
    """Load by instance id, at most a minute old as far as CloudWatch knows. Network: bytes in the last five minutes it has."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._known: dict[str, HostMetrics] = {}
        self._asked: dict[str, float] = {}

    async def hosts(self, hosts: Sequence[str]) -> Mapping[str, HostMetrics]:
        """See ``Metrics.hosts``."""
        now = self._clock.monotonic()
        due = [host for host in hosts if now - self._asked.get(host, float("-inf")) >= REMEMBERED_SECONDS]
        if due:
            self._asked = {host: now if host in due else self._asked[host] for host in hosts}
            self._known = {host: load for host, load in self._known.items() if host in self._asked}
            try:
                self._known |= await self._read(due)
            except MurmurError as error:  # what was known stays; it is asked for again in a minute
                _log.warning("CloudWatch did not tell the hosts' load: %s", error)
        return {host: self._known[host] for host in hosts if host in self._known}

    async def _read(self, hosts: Sequence[str]) -> dict[str, HostMetrics]:
        now = self._clock.now()
        values: dict[str, float] = {}
        for queries in _batches(_queries(hosts)):
            values |= await call("CloudWatch", self._ask, queries, now - _BACK, now)
        return {host: load for at, host in enumerate(hosts) if (load := _load(values, at)) != _UNKNOWN}

    def _ask(self, queries: Sequence[Any], start: Any, end: Any) -> dict[str, float]:
        pages = self._clients.cloudwatch.get_paginator("get_metric_data").paginate(
            MetricDataQueries=queries, StartTime=start, EndTime=end, ScanBy="TimestampDescending"
        )
        found: dict[str, float] = {}
        for page in pages:
            for result in page["MetricDataResults"]:
                if result["Values"]:
                    found.setdefault(result["Id"], result["Values"][0])
        return found


def _queries(hosts: Iterable[str]) -> Iterator[dict[str, Any]]:
    for at, host in enumerate(hosts):
        for short, name, statistic in _ASKED:
            metric = {
                "Namespace": "AWS/EC2",
                "MetricName": name,
                "Dimensions": [{"Name": "InstanceId", "Value": host}],
            }
            stat = {"Metric": metric, "Period": _PERIOD_SECONDS, "Stat": statistic}
            yield {"Id": f"{short}_{at}", "MetricStat": stat, "ReturnData": True}


def _batches(queries: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    everything = list(queries)
    return (everything[i : i + QUERIES_AT_ONCE] for i in range(0, len(everything), QUERIES_AT_ONCE))


def _load(values: Mapping[str, float], at: int) -> HostMetrics:
    cpu, failed = values.get(f"cpu_{at}"), values.get(f"failed_{at}")
    received, sent = values.get(f"in_{at}"), values.get(f"out_{at}")
    return HostMetrics(
        cpu_percent=None if cpu is None else round(cpu, 1),
        memory_bytes=None,
        network_in_bytes=None if received is None else int(received),
        network_out_bytes=None if sent is None else int(sent),
        healthy=None if failed is None else failed == 0,
    )
