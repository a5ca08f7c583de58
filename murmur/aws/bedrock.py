"""Bedrock's ConverseStream without a client: credentials, signature and event stream are botocore's, the connection is the caller's.

boto3's own client reads in a blocking thread that nobody can cancel, retries by itself, and costs each of 64 processes the model of the
service. What a request needs is one signed POST; what an answer is, botocore's event stream parser says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.eventstream import EventStreamBuffer, ParserError
from botocore.exceptions import BotoCoreError

from murmur.errors import InvalidInput, Unavailable


class MalformedFrame(Unavailable):
    """The event stream is damaged. Remedy: ask again; if it stays so, look for a proxy that changes what passes."""

    code = "malformed_frame"


class Frame(NamedTuple):
    """One message of an event stream. ``kind``: event, exception or error; ``name``: which."""

    kind: str
    name: str
    value: dict[str, Any]


class Frames:
    """Takes an event stream apart, in whatever pieces it comes."""

    def __init__(self) -> None:
        self._buffer: Any = EventStreamBuffer()

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The messages that are whole by now. Raises MalformedFrame."""
        try:
            self._buffer.add_data(chunk)
            for message in self._buffer:
                yield _frame(message.headers, message.payload)
        except ParserError as error:
            raise MalformedFrame(f"Bedrock's event stream is damaged: {error}.", "Ask again.") from error


class Bedrock:
    """Signed requests to Bedrock in one region."""

    def __init__(self, region: str = "", token: str = "") -> None:
        """``token``: a Bedrock API key, instead of AWS credentials. Raises InvalidInput where no region is known."""
        self._session: Any = botocore.session.get_session()
        try:
            self._region = region or str(self._session.get_config_variable("region") or "")
        except BotoCoreError as error:
            raise InvalidInput(f"The AWS configuration cannot be used: {error}.", "Check AWS_PROFILE.") from error
        if not self._region:
            raise InvalidInput("No AWS region is set for Bedrock.", "Set AWS_REGION, or write bedrock:eu-west-1/MODEL.")
        self._token = token
        self._credentials: Any = None
        self._base = self._endpoint()

    def converse_stream(self, model: str, body: Mapping[str, Any]) -> tuple[str, dict[str, str], bytes]:
        """Address, headers and content of the request. Raises Unavailable where no credentials are found."""
        url = f"{self._base}/model/{quote(model, safe='')}/converse-stream"
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/vnd.amazon.eventstream"}
        if self._token:
            return url, {**headers, "Authorization": f"Bearer {self._token}"}, content
        request = AWSRequest("POST", url, headers=headers, data=content)
        try:
            SigV4Auth(self._frozen(), "bedrock", self._region).add_auth(request)
        except BotoCoreError as error:
            raise Unavailable(f"The AWS credentials cannot be used: {error}.", "Sign in again.") from error
        return url, dict(request.headers.items()), content

    def _frozen(self) -> Any:
        self._credentials = self._credentials or self._session.get_credentials()
        if self._credentials is None:
            raise Unavailable("No AWS credentials were found.", "Set AWS_PROFILE, or sign in.")
        return self._credentials.get_frozen_credentials()

    def _endpoint(self) -> str:
        """Where Bedrock is: as botocore knows it for the region and its partition, or where the operator says."""
        given = os.environ.get("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "")
        if given:
            return given.rstrip("/")
        found = self._session.get_component("endpoint_resolver").construct_endpoint("bedrock-runtime", self._region)
        return f"https://{found['hostname'] if found else f'bedrock-runtime.{self._region}.amazonaws.com'}"


def _frame(headers: Mapping[str, Any], payload: bytes) -> Frame:
    kind = str(headers.get(":message-type", "event"))
    name = str(headers.get(f":{kind}-type") or headers.get(":error-code") or "")
    try:
        value = json.loads(payload) if payload else {}
    except ValueError as error:
        raise MalformedFrame(f"Bedrock sent an event that is no JSON: {error}.", "Ask again.") from error
    if kind == "error":
        value = {"message": f"{name}: {headers.get(':error-message', '')}"}
    return Frame(kind, name, value if isinstance(value, dict) else {})
