"""AWS clients: one session, each service's client made once and shared by all threads (clients are thread-safe).

They are botocore's own: boto3 adds nothing to a client but a third to the time that its import takes.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self

from botocore.config import Config
from botocore.session import Session
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_service_quotas import ServiceQuotasClient
    from mypy_boto3_sqs import SQSClient

LONG_POLL_SECONDS: Final = 20
_COMMON: Final[dict[str, Any]] = {
    "connect_timeout": 3,
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
    "tcp_keepalive": True,
    "user_agent": "murmur",  # fixed: botocore otherwise makes it anew, half a millisecond for every call
    "parameter_validation": False,  # what we send is typed; the service checks it all the same
}
_QUICK: Final = Config(
    **_COMMON, read_timeout=10, max_pool_connections=64, retries={"mode": "standard", "total_max_attempts": 3}
)
# A poll is repeated by whoever polls, so botocore need not; and its answer may take as long as the poll.
_POLL: Final = Config(
    **_COMMON,
    read_timeout=LONG_POLL_SECONDS + 10,
    max_pool_connections=256,
    retries={"mode": "standard", "total_max_attempts": 1},
)
# Without the user's own AWS files and profile: what is given is all that counts.
_ONLY_WHAT_IS_GIVEN: Final[dict[str, Any]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}
_making = threading.Lock()


def _timestamp(value: Any) -> datetime:
    """A response's time. The two forms that nearly all answers use are read five times faster than by botocore's own parser."""
    if isinstance(value, str) and value.endswith(" GMT"):
        return parsedate_to_datetime(value)
    if isinstance(value, str) and value.endswith("Z"):
        return datetime.fromisoformat(value)
    return parse_timestamp(value)


class Clients:
    """The clients of one account and region. With no ``environment`` botocore looks where it always does."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.session = Session(session_vars=None if environment is None else _ONLY_WHAT_IS_GIVEN)
        """botocore's session: its events can be listened to."""
        self._endpoint: str | None = None
        if environment is not None:
            self._endpoint = environment.get("AWS_ENDPOINT_URL")
            if region := environment.get("AWS_DEFAULT_REGION"):
                self.session.set_config_variable("region", region)
            if key := environment.get("AWS_ACCESS_KEY_ID"):
                self.session.set_credentials(key, environment.get("AWS_SECRET_ACCESS_KEY", ""))
        parsers = self.session.get_component("response_parser_factory")
        parsers.set_parser_defaults(timestamp_parser=_timestamp)
        self._made: list[Any] = []

    def _make(self, service: str, config: Config, endpoint: str | None = None) -> Any:
        with _making:  # making a client is the one thing a session may not do in two threads at once
            client = self.session.create_client(service, config=config, endpoint_url=endpoint or self._endpoint)
        self._made.append(client)
        return client

    @cached_property
    def s3(self) -> S3Client:
        """S3."""
        client: S3Client = self._make("s3", _QUICK)
        return client

    @cached_property
    def sqs(self) -> SQSClient:
        """SQS for quick calls."""
        client: SQSClient = self._make("sqs", _QUICK)
        return client

    @cached_property
    def sqs_poll(self) -> SQSClient:
        """SQS for long polls."""
        client: SQSClient = self._make("sqs", _POLL)
        return client

    @cached_property
    def events(self) -> EventBridgeClient:
        """EventBridge."""
        client: EventBridgeClient = self._make("events", _QUICK)
        return client

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """DynamoDB."""
        client: DynamoDBClient = self._make("dynamodb", _QUICK)
        return client

    @cached_property
    def lambda_(self) -> LambdaClient:
        """Lambda."""
        client: LambdaClient = self._make("lambda", _QUICK)
        return client

    @cached_property
    def ec2(self) -> EC2Client:
        """EC2."""
        client: EC2Client = self._make("ec2", _QUICK)
        return client

    @cached_property
    def cloudwatch(self) -> CloudWatchClient:
        """CloudWatch."""
        client: CloudWatchClient = self._make("cloudwatch", _QUICK)
        return client

    @cached_property
    def quotas(self) -> ServiceQuotasClient:
        """Service Quotas."""
        client: ServiceQuotasClient = self._make("service-quotas", _QUICK)
        return client

    def websockets(self, url: str) -> ApiGatewayManagementApiClient:
        """@connections of the WebSocket API at ``url`` (``https://…/stage``)."""
        client: ApiGatewayManagementApiClient = self._make("apigatewaymanagementapi", _QUICK, url)
        return client

    def close(self) -> None:
        """Close all connections."""
        while self._made:
            self._made.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
