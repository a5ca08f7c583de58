"""What an instance knows of itself: its run and its place, from the instance metadata service (IMDSv2), without any permission.

The launch template must switch on ``InstanceMetadataTags``. Source: EC2 User Guide, "Use the Instance Metadata Service".
"""

from __future__ import annotations

import http.client
import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from murmur.aws.places import RUN_TAG, TAG, name_at
from murmur.errors import NotFound, Unavailable

_SERVICE: Final = "http://169.254.169.254"
_TIMEOUT_SECONDS: Final = 2.0
_TOKEN_SECONDS: Final = 300
_LIMIT: Final = 4096
_ATTEMPTS: Final = 4


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The run an instance was launched for, and the place in the roster it fills."""

    run: str
    host: str


def find_place(service: str | None = None) -> Whereabouts:
    """Ask the metadata service (``AWS_EC2_METADATA_SERVICE_ENDPOINT``, as in every AWS SDK). Raises Unavailable, NotFound."""
    url = urlsplit(service or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _SERVICE)
    for left in reversed(range(_ATTEMPTS)):
        try:
            return _found(url.hostname or "", url.port or 80)
        except (OSError, http.client.HTTPException) as error:
            if not left:
                raise Unavailable(
                    f"The instance metadata service did not answer: {error}.",
                    "Set MURMUR_RUN and MURMUR_HOST, or run this on an instance of the flock.",
                ) from error
    raise AssertionError("unreachable")


def _found(host: str, port: int) -> Whereabouts:
    service = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_SECONDS)
    try:
        token = _ask(service, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_SECONDS)})
        known = {"X-aws-ec2-metadata-token": token}
        run = _ask(service, "GET", f"/latest/meta-data/tags/instance/{RUN_TAG}", known)
        places = _ask(service, "GET", f"/latest/meta-data/tags/instance/{TAG}", known)
        index = _ask(service, "GET", "/latest/meta-data/ami-launch-index", known)
    finally:
        service.close()
    name = name_at(places, int(index)) if index.isdecimal() else ""
    if not run or not name:
        raise NotFound(
            f"This instance has no place: run {run!r}, places {places!r}, launch index {index!r}.",
            "It was not launched by the flock; terminate it.",
        )
    return Whereabouts(run, name)


def _ask(service: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]) -> str:
    """What the service says; "" if it knows of no such thing. Raises HTTPException if it will not say."""
    service.request(method, path, headers=headers)
    answer = service.getresponse()
    body = answer.read(_LIMIT)
    if answer.status == 404:
        return ""
    if answer.status != 200:
        raise http.client.HTTPException(f"{method} {path}: {answer.status} {answer.reason}")
    return body.decode("utf-8", "replace").strip()
