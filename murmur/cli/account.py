"""The operator's AWS account, as the deploy verbs see it: who one is, the stack, its bucket, its secrets. The only boto3 of the command."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import NoCredentialsError, ProfileNotFound

from murmur.cli.aws_errors import NoAccess, told
from murmur.errors import MurmurError, NotFound

BOOTSTRAP: Final = "/cdk-bootstrap/hnb659fds/version"
"""Where CDK notes that an account and region are prepared for it."""
_CONFIG: Final = Config(retries={"mode": "standard", "total_max_attempts": 5}, user_agent_extra="murmur-deploy")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose credentials these are."""

    account: str
    arn: str
    region: str


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack in CloudFormation; ``status`` is empty where there is none."""

    name: str
    status: str = ""
    reason: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Whether there is one."""
        return self.status not in ("", "DELETE_COMPLETE")

    @property
    def busy(self) -> bool:
        """Whether CloudFormation is working on it."""
        return self.status.endswith("_IN_PROGRESS")


class Account:
    """One account and region. ``session`` is boto3's."""

    def __init__(self, session: boto3.Session) -> None:
        self.session = session

    @classmethod
    def of(cls, profile: str, region: str) -> Account:
        """The account of a profile (empty: what the environment says). Raises NoAccess."""
        try:
            session = boto3.Session(profile_name=profile or None, region_name=region or None)
        except ProfileNotFound as error:
            raise NoAccess(f"{error}.", "`aws configure list-profiles` shows those there are.") from error
        if not session.region_name:
            raise NoAccess("No AWS region is set.", "Give --region, or set AWS_REGION, such as eu-west-1.")
        return cls(session)

    def client(self, service: str) -> Any:
        """A client of ``service``, made once."""
        made: dict[str, Any] = self._clients
        if service not in made:
            made[service] = self.session.client(service, config=_CONFIG)  # type: ignore[call-overload]
        return made[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @property
    def region(self) -> str:
        """The region's name."""
        return str(self.session.region_name)

    def identity(self) -> Identity:
        """Who one is. Raises NoAccess."""
        with told("your identity (sts:GetCallerIdentity)", self.region):
            said = self.client("sts").get_caller_identity()
        return Identity(said["Account"], said["Arn"], self.region)

    def environment(self) -> dict[str, str]:
        """These credentials and this region for a child process, whatever they came from. Raises NoAccess."""
        with told("your credentials", self.region):
            found = self.session.get_credentials()
            if found is None:
                raise NoCredentialsError
            frozen = found.get_frozen_credentials()
        given = {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
        token = {"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}
        return {**given, **token, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region}

    # ── CloudFormation ──────────────────────────────────────────────────────────────────────────────────────────────

    def stack(self, name: str) -> StackState:
        """The stack as it is now."""
        try:
            with told(f"the stack {name}", self.region):
                found = self.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        except NotFound:
            return StackState(name)
        outputs = {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
        return StackState(found["StackName"], found["StackStatus"], found.get("StackStatusReason", ""), outputs)

    def bootstrapped(self) -> bool:
        """Whether CDK has been prepared in this account and region."""
        return self.parameter(BOOTSTRAP) is not None

    def delete_stack(self, name: str) -> None:
        """Ask CloudFormation to delete it; it takes a while."""
        with told(f"the stack {name}", self.region):
            self.client("cloudformation").delete_stack(StackName=name)

    def troubles(self, name: str) -> list[str]:
        """What failed in the stack lately, newest first, as CloudFormation tells it."""
        with told(f"the events of {name}", self.region):
            events = self.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
        return [
            f"{event['LogicalResourceId']}: {event['ResourceStatusReason']}"
            for event in events
            if event.get("ResourceStatus", "").endswith("_FAILED") and event.get("ResourceStatusReason")
        ][:5]

    # ── SSM ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def parameter(self, name: str) -> str | None:
        """The value of a plain parameter, or the cipher text of a secret one; None if there is none."""
        try:
            with told(f"the parameter {name}", self.region):
                found = self.client("ssm").get_parameter(Name=name)
        except NotFound:
            return None
        return str(found["Parameter"]["Value"])

    def put_parameter(self, name: str, value: str, *, secret: bool = False) -> None:
        """Write a parameter, encrypted if ``secret``."""
        kind = "SecureString" if secret else "String"
        with told(f"the parameter {name}", self.region):
            self.client("ssm").put_parameter(Name=name, Value=value, Type=kind, Overwrite=True)

    def delete_parameter(self, name: str) -> None:
        """Delete a parameter; it may be gone."""
        try:
            with told(f"the parameter {name}", self.region):
                self.client("ssm").delete_parameter(Name=name)
        except NotFound:
            return

    # ── S3 ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def has_bucket(self, bucket: str) -> bool:
        """Whether the bucket is there and this account's."""
        try:
            with told(f"the bucket {bucket}", self.region):
                self.client("s3").head_bucket(Bucket=bucket)
        except NotFound:
            return False
        return True

    def upload(self, bucket: str, key: str, body: bytes, content_type: str) -> bool:
        """Put an object unless the same bytes are there; True if it was sent."""
        digest = hashlib.sha256(body).hexdigest()
        client = self.client("s3")
        try:
            with told(f"s3://{bucket}/{key}", self.region):
                head = client.head_object(Bucket=bucket, Key=key)
            if head["Metadata"].get("sha256") == digest and head.get("ContentType") == content_type:
                return False
        except NotFound:
            pass
        with told(f"s3://{bucket}/{key}", self.region):
            client.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type, Metadata={"sha256": digest})
        return True

    def delete_object(self, bucket: str, key: str) -> None:
        """Delete an object; it may be gone."""
        with told(f"s3://{bucket}/{key}", self.region):
            self.client("s3").delete_object(Bucket=bucket, Key=key)

    def keys_under(self, bucket: str, prefix: str) -> list[str]:
        """The keys below a prefix."""
        with told(f"s3://{bucket}/{prefix}", self.region):
            pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def delete_bucket(self, bucket: str) -> int:
        """Delete a bucket with everything in it, every version; returns how many objects. It may be gone."""
        client, count = self.client("s3"), 0
        try:
            with told(f"the bucket {bucket}", self.region):
                for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
                    found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
                    doomed = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
                    if doomed:
                        client.delete_objects(Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
                        count += len(doomed)
                client.delete_bucket(Bucket=bucket)
        except NotFound:
            return count
        return count

    # ── the rest ────────────────────────────────────────────────────────────────────────────────────────────────────

    def allow(self, set_id: str, addresses: list[str]) -> None:
        """Let exactly these networks through the firewall's set ``set_id``. Raises NotFound."""
        client = self.client("wafv2")
        with told(f"the firewall's set {set_id}", self.region):
            listed = client.list_ip_sets(Scope="REGIONAL", Limit=100)["IPSets"]
            name = next((one["Name"] for one in listed if one["Id"] == set_id), "")
            if not name:
                raise NotFound(f"The firewall has no set {set_id}.", "Run `murmur deploy`; it makes it anew.")
            lock = client.get_ip_set(Name=name, Scope="REGIONAL", Id=set_id)["LockToken"]
            client.update_ip_set(Name=name, Scope="REGIONAL", Id=set_id, Addresses=addresses, LockToken=lock)

    def has_api_log_role(self) -> bool:
        """Whether API Gateway already has its one role for logs in this account and region."""
        with told("API Gateway's account settings", self.region):
            return bool(self.client("apigateway").get_account().get("cloudwatchRoleArn"))

    def invoke(self, function: str, event: Mapping[str, Any]) -> None:
        """Have a function run, without waiting for it."""
        with told(f"the function {function}", self.region):
            self.client("lambda").invoke(
                FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode()
            )

    def queues(self, prefix: str) -> list[str]:
        """URLs of the queues whose names begin so."""
        with told(f"the queues {prefix}…", self.region):
            pages = self.client("sqs").get_paginator("list_queues").paginate(QueueNamePrefix=prefix)
            return [url for page in pages for url in page.get("QueueUrls", ())]

    def delete_queue(self, url: str) -> None:
        """Delete a queue; it may be gone."""
        try:
            with told(f"the queue {url}", self.region):
                self.client("sqs").delete_queue(QueueUrl=url)
        except NotFound:
            return

    def instances(self, flock: str) -> list[str]:
        """Ids of the flock's instances that are not gone yet."""
        wanted = [
            {"Name": "tag:Project", "Values": ["murmur"]},
            {"Name": "tag:Flock", "Values": [flock]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "shutting-down"]},
        ]
        with told("the flock's instances", self.region):
            pages = self.client("ec2").get_paginator("describe_instances").paginate(Filters=wanted)
            return [i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]]

    def spot_price(self, kind: str) -> float | None:
        """Today's lowest Spot price of an instance type in this region; None if EC2 names none."""
        asked = {"InstanceTypes": [kind], "ProductDescriptions": ["Linux/UNIX"], "MaxResults": 20}
        with told(f"the Spot price of {kind}", self.region):
            found = self.client("ec2").describe_spot_price_history(**asked)["SpotPriceHistory"]
        prices = [float(one["SpotPrice"]) for one in found if one.get("InstanceType") == kind]
        return min(prices, default=None)

    def quota(self, service: str, code: str) -> float | None:
        """A service quota; None if it is not known here."""
        try:
            with told(f"the quota {code}", self.region):
                return float(
                    self.client("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"][
                        "Value"
                    ]
                )
        except MurmurError:
            return None
