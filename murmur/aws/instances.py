"""EC2's instances of one flock: listing, launching, ending, labelling. What it means for a run is ``murmur.aws.fleet``'s."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from murmur.aws import places
from murmur.aws.clients import Clients
from murmur.aws.cloud import CloudSettings
from murmur.aws.failures import code_of
from murmur.ports import HostInfo, HostState

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef

PAGE: Final = 1000
"""Instances asked for at once, the most that EC2 gives."""
_STATES: Final[Mapping[str, HostState]] = {
    "pending": "starting",
    "running": "running",
    "stopping": "stopping",
    "stopped": "stopping",
    "shutting-down": "stopping",
}
_LEFT: Final = ("pending", "running", "stopping", "stopped")
_ENDED: Final = frozenset({"shutting-down", "terminated"})
_ELSEWHERE: Final = frozenset(
    {
        "InsufficientInstanceCapacity",
        "InsufficientHostCapacity",
        "InsufficientFreeAddressesInSubnet",
        "InsufficientAddressCapacity",
        "SpotMaxPriceTooLow",
        "Unsupported",
    }
)
_NOWHERE: Final = frozenset(
    {"VcpuLimitExceeded", "InstanceLimitExceeded", "MaxSpotInstanceCountExceeded", "PendingVerification"}
)
_UNKNOWN: Final = "InvalidInstanceID.NotFound"
_TERMINATED_AT_ONCE: Final = 500


class NoCapacity(Exception):
    """EC2 has none. ``anywhere``: no other subnet has either, for a quota is used up."""

    def __init__(self, code: str, message: str, *, anywhere: bool) -> None:
        super().__init__(f"{code}: {message}")
        self.anywhere = anywhere


class Mismatch(Exception):
    """This client token stood for another request before."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One instance of the flock, as EC2 describes it."""

    id: str
    run: str
    name: str
    """Its place in the roster; "" if it has none."""
    state: str
    """EC2's own name."""
    launched: datetime
    why: str
    agents: str
    """What its tag AgentIndex says."""

    @property
    def ended(self) -> bool:
        """Whether it is gone, or going for good."""
        return self.state in _ENDED

    @property
    def up(self) -> bool:
        """Whether it runs, or is about to."""
        return self.state in ("pending", "running")

    def info(self) -> HostInfo:
        """The same in the port's terms."""
        return HostInfo(self.id, self.name, _STATES.get(self.state, "gone"), self.launched, self.why)


class Instances:
    """The instances that carry the flock's tag. Blocking: for threads."""

    def __init__(self, clients: Clients, flock: str, cloud: CloudSettings) -> None:
        self._clients = clients
        self._flock = flock
        self._cloud = cloud

    def all(self, run: str = "") -> list[Instance]:
        """Every instance of the run, those terminated within the last hour included; of no run: all of the flock's that are left."""
        filters: list[dict[str, Any]] = [{"Name": "tag:Flock", "Values": [self._flock]}]
        if run:
            filters.append({"Name": f"tag:{places.RUN_TAG}", "Values": [run]})
        else:
            filters.append({"Name": "instance-state-name", "Values": [*_LEFT]})
        pages = self._clients.ec2.get_paginator("describe_instances").paginate(
            Filters=filters,  # type: ignore[arg-type]
            PaginationConfig={"PageSize": PAGE},
        )
        return [
            instance_of(found)
            for page in pages
            for reservation in page["Reservations"]
            for found in reservation["Instances"]
        ]

    def run(self, run: str, names: Sequence[str], attempt: str, kind: str, subnet: str) -> list[Instance]:
        """Launch one for each name, or as many as there are; asked again with the same words, the same ones. Raises NoCapacity, Mismatch."""
        listed = places.ranges(places.number_of(name) for name in names)
        tags = [
            {"Key": "Name", "Value": f"{self._flock} {run}"},
            {"Key": "Project", "Value": self._cloud.project},
            {"Key": "Flock", "Value": self._flock},
            {"Key": places.RUN_TAG, "Value": run},
            {"Key": places.TAG, "Value": listed},
        ]
        kinds = ("instance", "volume", *(("spot-instances-request",) if self._cloud.spot else ()))
        arguments: dict[str, Any] = {
            "LaunchTemplate": {"LaunchTemplateId": self._cloud.launch_template, "Version": "$Latest"},
            "InstanceType": kind,
            "SubnetId": subnet,
            "MinCount": 1,
            "MaxCount": len(names),
            "ClientToken": _digest(self._flock, run, listed, attempt, kind, subnet, str(self._cloud.spot)),
            "TagSpecifications": [{"ResourceType": resource, "Tags": tags} for resource in kinds],
        }
        if self._cloud.spot:
            options = {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"}
            arguments["InstanceMarketOptions"] = {"MarketType": "spot", "SpotOptions": options}
        try:
            answer = self._clients.ec2.run_instances(**arguments)
        except ClientError as error:
            if (told := _told(error)) is None:
                raise
            raise told from error
        return [instance_of(found) for found in answer["Instances"]]

    def terminate(self, ids: Sequence[str]) -> None:
        """End them. One that EC2 does not know (no longer, or not yet) is left out: a look afterwards tells."""
        for part in _parts(ids, _TERMINATED_AT_ONCE):
            try:
                self._clients.ec2.terminate_instances(InstanceIds=list(part))
            except ClientError as error:
                if code_of(error) != _UNKNOWN:
                    raise
                for one in part if len(part) > 1 else ():
                    self.terminate([one])

    def label(self, instance: str, agents: str) -> None:
        """Note on the instance which agents live there, for people to read."""
        self._clients.ec2.create_tags(Resources=[instance], Tags=[{"Key": places.AGENTS_TAG, "Value": agents}])


def instance_of(found: InstanceTypeDef) -> Instance:
    """Read EC2's description."""
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}
    reason = found.get("StateReason", {}).get("Message", "") or found.get("StateTransitionReason", "")
    return Instance(
        id=found["InstanceId"],
        run=tags.get(places.RUN_TAG, ""),
        name=places.name_at(tags.get(places.TAG, ""), found.get("AmiLaunchIndex", 0)),
        state=found["State"]["Name"],
        launched=found["LaunchTime"],
        why=reason,
        agents=tags.get(places.AGENTS_TAG, ""),
    )


def _told(error: ClientError) -> NoCapacity | Mismatch | None:
    """What a refused launch means; None if it is no matter of capacity."""
    code, message = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    if code in _ELSEWHERE or code in _NOWHERE:
        return NoCapacity(code, message, anywhere=code in _NOWHERE)
    return Mismatch(message) if code == "IdempotentParameterMismatch" else None


def _digest(*words: str) -> str:
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def _parts(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (ids[i : i + size] for i in range(0, len(ids), size))
