"""Which parts of the bucket a role reads, lists and writes, as statements; the keys are ``murmur.keys``'."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from aws_cdk import aws_iam as iam

from cdk.function import allow
from cdk.names import Names
from murmur import keys

DOCUMENTS: Final = (keys.CONFIG, keys.DIRECTION, keys.CONTROL, keys.ROSTER)
"""What says how the flock is meant to be, and how it is."""


def read(names: Names, *patterns: str) -> list[iam.PolicyStatement]:
    """Get these objects, and be told of one that is not there that it is not.

    For a missing key S3 asks for ListBucket with the key as prefix, and answers 403 without it.
    """
    return [
        allow("Read", ["s3:GetObject"], names.objects(*patterns)),
        listing(names, patterns),
    ]


def listing(names: Names, patterns: Iterable[str], sid: str = "List") -> iam.PolicyStatement:
    """List keys that match, and no others: a listing of the whole bucket has no such prefix."""
    return allow(sid, ["s3:ListBucket"], [names.bucket_arn], StringLike={"s3:prefix": list(patterns)})


def write(names: Names, *patterns: str) -> iam.PolicyStatement:
    """Put these objects."""
    return allow("Write", ["s3:PutObject"], names.objects(*patterns))


def delete(names: Names, *patterns: str) -> iam.PolicyStatement:
    """Delete these objects."""
    return allow("Delete", ["s3:DeleteObject"], names.objects(*patterns))


def under(*prefixes: str) -> list[str]:
    """Everything below each prefix, as a pattern."""
    return [f"{prefix}*" for prefix in prefixes]
