"""Machines over EC2 and Service Quotas: the newest Graviton types there are, and how many vCPUs the account may run.

Quotas are in vCPUs, one for all standard families together. Source: EC2 User Guide, "Amazon EC2 service quotas".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.failures import code_of
from murmur.aws.threads import call
from murmur.errors import MurmurError
from murmur.machines import Machine, Stock
from murmur.ports import Clock

REMEMBERED_SECONDS: Final = 300.0
_ON_DEMAND: Final = "L-1216C47A"
_SPOT: Final = "L-34B43A08"
_TYPE: Final = re.compile(r"([tcmr])(\d+)g\.(small|medium|large|xlarge)")
_SIZES: Final = ("small", "medium", "large", "xlarge")
_STANDARD: Final = re.compile(r"[acdhimrtz]\d")
"""Families that share the quota (types such as inf1, mac1, trn1 have their own: their first letters are followed by more)."""
_NO_QUOTA: Final = "NoSuchResourceException"
_log = logging.getLogger(__name__)


class Ec2Machines:
    """What EC2 offers in this region."""

    def __init__(self, clients: Clients, clock: Clock, *, spot: bool) -> None:
        self._clients = clients
        self._clock = clock
        self._spot = spot
        self._stock: Stock | None = None
        self._read_at = float("-inf")

    async def stock(self) -> Stock:
        """See ``Machines.stock``. Remembered for five minutes."""
        now = self._clock.monotonic()
        if self._stock is None or now - self._read_at >= REMEMBERED_SECONDS:
            self._stock, self._read_at = await self._read(), now
        return self._stock

    async def _read(self) -> Stock:
        machines = await call("instance types", self._types)
        note, quota, used = "", None, None
        try:
            quota = await call("the vCPU quota", self._quota)
            used = await call("instances in use", self._used)
        except MurmurError as error:  # the types are worth showing without it
            _log.warning("the vCPU quota is not known: %s", error)
            note = f"The vCPU quota is not known: {error.message}"
        return Stock(machines, vcpu_quota=quota, vcpus_in_use=used, spot=self._spot, note=note)

    def _types(self) -> list[Machine]:
        patterns = [f"{family}*g.{size}" for family in "tcmr" for size in _SIZES]
        pages = self._clients.ec2.get_paginator("describe_instance_types").paginate(
            Filters=[
                {"Name": "processor-info.supported-architecture", "Values": ["arm64"]},
                {"Name": "instance-type", "Values": patterns},
            ],
            PaginationConfig={"PageSize": 100},
        )
        return newest(
            Machine(found["InstanceType"], found["VCpuInfo"]["DefaultVCpus"], found["MemoryInfo"]["SizeInMiB"])
            for page in pages
            for found in page["InstanceTypes"]
        )

    def _quota(self) -> int:
        asked = {"ServiceCode": "ec2", "QuotaCode": _SPOT if self._spot else _ON_DEMAND}
        try:
            answer = self._clients.quotas.get_service_quota(**asked)
        except ClientError as error:
            if code_of(error) != _NO_QUOTA:
                raise
            return int(self._clients.quotas.get_aws_default_service_quota(**asked)["Quota"]["Value"])
        return int(answer["Quota"]["Value"])

    def _used(self) -> int:
        """vCPUs of the account's instances that count against the quota."""
        pages = self._clients.ec2.get_paginator("describe_instances").paginate(
            Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}],
            PaginationConfig={"PageSize": 1000},
        )
        found = (
            instance
            for page in pages
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
            if _STANDARD.match(instance["InstanceType"]) and (instance.get("InstanceLifecycle") == "spot") == self._spot
        )
        cores = (instance.get("CpuOptions", {}) for instance in found)
        return sum(core.get("CoreCount", 0) * core.get("ThreadsPerCore", 1) for core in cores)


def newest(machines: Iterable[Machine]) -> list[Machine]:
    """Of each family the newest plain Graviton generation, small to xlarge, in that order."""
    matched = [(match, machine) for machine in machines if (match := _TYPE.fullmatch(machine.name))]
    latest: dict[str, int] = {}
    for match, _ in matched:
        latest[match[1]] = max(latest.get(match[1], 0), int(match[2]))
    kept = [(match, machine) for match, machine in matched if int(match[2]) == latest[match[1]]]
    kept.sort(key=lambda found: ("tcmr".index(found[0][1]), _SIZES.index(found[0][3])))
    return [machine for _, machine in kept]
