"""The synthesised template as plain values: what it refers to is spelled out, as it would be in one account and region."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

ACCOUNT, REGION = "111122223333", "eu-central-1"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "murmur-murmur",
}
_NAME_OF = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SNS::Topic": "TopicName",
}
_ARN_OF: dict[str, Callable[[str], str]] = {
    "AWS::S3::Bucket": lambda name: f"arn:aws:s3:::{name}",
    "AWS::IAM::Role": lambda name: f"arn:aws:iam::{ACCOUNT}:role/{name}",
    "AWS::SQS::Queue": lambda name: f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}",
    "AWS::Lambda::Function": lambda name: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}",
    "AWS::SNS::Topic": lambda name: f"arn:aws:sns:{REGION}:{ACCOUNT}:{name}",
    "AWS::DynamoDB::Table": lambda name: f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}",
    "AWS::Events::EventBus": lambda name: f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/{name}",
    "AWS::Events::Rule": lambda name: f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}",
}


class Template:
    """A template, read. ``raw`` is what CloudFormation gets; the rest speaks in resolved values."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw

    @classmethod
    def read(cls, path: Path) -> Template:
        """From a file."""
        return cls(json.loads(path.read_text("utf-8")))

    def copy(self) -> Template:
        """One that may be changed."""
        return Template(copy.deepcopy(self.raw))

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """Resolved resources by logical id. Computed once: change ``raw`` before, or take a copy."""
        return {name: self.resolve(resource) for name, resource in self.raw["Resources"].items()}

    @cached_property
    def outputs(self) -> dict[str, Any]:
        """Resolved outputs by name."""
        return {name: self.resolve(output["Value"]) for name, output in self.raw.get("Outputs", {}).items()}

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Properties of every resource of this type, by logical id."""
        return {
            name: resource.get("Properties", {})
            for name, resource in self.resources.items()
            if resource["Type"] == f"AWS::{kind}"
        }

    def one(self, kind: str, **properties: Any) -> dict[str, Any]:
        """Properties of the one resource of this type that has these."""
        found = [found for found in self.of(kind).values() if all(found.get(k) == v for k, v in properties.items())]
        assert len(found) == 1, f"{len(found)} resources {kind} with {properties}"
        return found[0]

    def id(self, prefix: str, kind: str) -> str:
        """Logical id of the one resource of this type whose id begins so."""
        found = [name for name in self.of(kind) if name.startswith(prefix)]
        assert len(found) == 1, f"{prefix}*, {kind}: {found}"
        return found[0]

    def raw_properties(self, prefix: str, kind: str) -> dict[str, Any]:
        """Properties of that resource, to be changed in place."""
        properties: dict[str, Any] = self.raw["Resources"][self.id(prefix, kind)]["Properties"]
        return properties

    def statements(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every statement of every identity policy: the role's logical id, and the statement."""
        for policy in self.of("IAM::Policy").values():
            for role in policy["Roles"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    yield role, statement

    def resolve(self, value: Any) -> Any:
        """The value with its references and joins carried out."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref":
                return self._ref(argument)
            if function.startswith("Fn::"):
                return self._function(function, argument)
        return {key: self.resolve(item) for key, item in value.items()}

    def _function(self, function: str, argument: Any) -> Any:
        if function == "Fn::GetAtt":
            return self._attribute(*argument)
        if function == "Fn::Join":
            separator, parts = argument
            return separator.join(str(self.resolve(part)) for part in parts)
        if function == "Fn::Select":
            place, items = argument
            return self.resolve(items)[int(place)]
        if function == "Fn::GetAZs":
            return [f"{REGION}a", f"{REGION}b"]
        if function == "Fn::Base64":
            return self.resolve(argument)
        if function == "Fn::Sub" and isinstance(argument, str):
            for name, known in _PSEUDO.items():
                argument = argument.replace(f"${{{name}}}", known)
            return argument
        raise AssertionError(f"{function} is not understood here")

    def _ref(self, name: str) -> str:
        if name in _PSEUDO:
            return _PSEUDO[name]
        resource = self.raw["Resources"].get(name)
        if resource is None:
            return name
        physical = self.resolve(resource.get("Properties", {}).get(_NAME_OF.get(resource["Type"], ""), name))
        if resource["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}"
        return _ARN_OF["AWS::SNS::Topic"](physical) if resource["Type"] == "AWS::SNS::Topic" else str(physical)

    def _attribute(self, name: str, attribute: str) -> str:
        resource = self.raw["Resources"].get(name)
        if resource is None:
            return f"{name}.{attribute}"
        kind, properties = resource["Type"], resource.get("Properties", {})
        physical = str(self.resolve(properties.get(_NAME_OF.get(kind, "Name"), name)))
        if attribute == "Arn":
            return _ARN_OF.get(
                kind, lambda called: f"arn:aws:{kind.split('::')[1].lower()}:{REGION}:{ACCOUNT}:{called}"
            )(physical)
        return physical if attribute in ("QueueName", "Name") else f"{name}.{attribute}"
