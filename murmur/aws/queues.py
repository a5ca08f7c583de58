"""Making a queue so that it may be made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from murmur.aws.failures import code_of

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_EXISTS: Final = frozenset({"QueueAlreadyExists", "QueueNameExists"})
GONE: Final = frozenset({"QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue"})


def ensure_queue(sqs: SQSClient, name: str, attributes: Mapping[str, str]) -> str:
    """Make the queue, or give the existing one these attributes; its messages stay. Returns its ARN."""
    given: Any = dict(attributes)
    try:
        url = sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
    except ClientError as error:
        if code_of(error) not in _EXISTS:
            raise
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes=given)
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
