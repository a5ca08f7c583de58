"""botocore's errors turned into murmur's, in one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's own
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
)

from murmur.errors import InvalidInput, MurmurError, NotFound, ObjectChanged, ObjectMissing, Refused, Unavailable

NO_ANSWER: Final = (ConnectionError, HTTPClientError)
"""botocore's errors after which nobody knows whether the request was carried out."""

_MISSING_OBJECT: Final = frozenset({"NoSuchKey", "404"})
_MISSING: Final = frozenset(
    {
        "NoSuchBucket",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ResourceNotFoundException",
    }
)
_CHANGED: Final = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "OperationAborted"})
_BUSY: Final = frozenset(
    {
        "SlowDown",
        "RequestTimeout",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TooManyRequestsException",
        "LimitExceededException",
        "ConcurrentModificationException",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "QueueDeletedRecently",
        "AWS.SimpleQueueService.PurgeQueueInProgress",
        "PurgeQueueInProgress",
    }
)
_FORBIDDEN: Final = frozenset(
    {
        "403",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "ExpiredTokenException",
        "UnrecognizedClientException",
    }
)


@contextmanager
def murmur_errors(what: str) -> Iterator[None]:
    """Raise murmur's error in place of botocore's. ``what`` is the key, queue or rule it was about."""
    try:
        yield
    except ClientError as error:
        raise of_client_error(error, what) from error
    except (NoCredentialsError, PartialCredentialsError, NoRegionError) as error:
        raise Refused(f"AWS was not asked about {what!r}: {error}.", "Set AWS credentials and a region.") from error
    except ParamValidationError as error:
        raise InvalidInput(f"{what!r} was not sent to AWS: {error}.", "Correct it and try again.") from error
    except BotoCoreError as error:
        raise Unavailable(
            f"AWS did not answer about {what!r}: {error}",
            "Check the network, or that the endpoint runs; then try again.",
        ) from error


def of_client_error(error: ClientError, what: str) -> MurmurError:
    """murmur's error for an answer that is an error."""
    code, status, message = code_of(error), status_of(error), error.response.get("Error", {}).get("Message", "")
    where = f"{error.operation_name} of {what!r}"
    if code in _MISSING_OBJECT:
        return ObjectMissing(what)
    if code in _MISSING:
        return NotFound(f"{where}: it does not exist ({code}).", "Start the flock, or deploy it, so that it is made.")
    if code in _CHANGED:
        return ObjectChanged(what)
    if code in _BUSY or "Throttl" in code or status >= 500:
        return Unavailable(f"{where}: AWS is busy ({code}).", "Try again in a moment.")
    if code in _FORBIDDEN or "AccessDenied" in code or status == 403:
        return Refused(f"{where} is not allowed ({code}): {message}.", "Check the credentials and the role's policy.")
    return InvalidInput(f"{where} was refused ({code}): {message}.", "Correct it and try again.")


def code_of(error: ClientError) -> str:
    """The error's code, such as ``NoSuchKey``."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: ClientError) -> int:
    """The HTTP status of the answer; 0 if it carries none."""
    return int(_metadata(error).get("HTTPStatusCode", 0))


def was_retried(error: ClientError) -> bool:
    """Whether botocore had sent the request before, so that an earlier attempt may be what this one ran into."""
    return int(_metadata(error).get("RetryAttempts", 0)) > 0


def _metadata(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("ResponseMetadata", {}))
