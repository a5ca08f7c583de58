"""What AWS says when it does not do what it was asked, in the operator's words: what, to what, and what next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from murmur.aws.failures import code_of, murmur_errors, status_of
from murmur.errors import MurmurError, NotFound, Refused, Unavailable

_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_GONE: Final = frozenset(
    {
        "NoSuchBucket",
        "404",
        "NoSuchKey",
        "ParameterNotFound",
        "ResourceNotFoundException",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
    }
)


class NoAccess(Refused):
    """AWS does not know who asks, or does not let them. Remedy: sign in to AWS again, or take a profile that may."""

    code = "no_access"


@contextmanager
def told(what: str, region: str) -> Iterator[None]:
    """botocore's errors in the operator's words. Raises NoAccess, NotFound, or what murmur_errors makes of it."""
    try:
        yield
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise NoAccess(
            f"There are no AWS credentials ({error}).",
            "Sign in (`aws sso login`, `aws configure`), or name a profile with --profile.",
        ) from error
    except (SSOTokenLoadError, UnauthorizedSSOTokenError, TokenRetrievalError) as error:
        raise NoAccess(f"The AWS sign-in has expired ({error}).", "Run `aws sso login`, then try again.") from error
    except NoRegionError as error:
        raise NoAccess("No AWS region is set.", "Give --region, or set AWS_REGION, such as eu-west-1.") from error
    except ClientError as error:
        raise _of(error, what, region) from error
    except BotoCoreError as error:
        raise Unavailable(
            f"AWS did not answer about {what} in {region}: {error}.", "Check --region and the network, then try again."
        ) from error


def _of(error: ClientError, what: str, region: str) -> MurmurError:
    code, message = code_of(error), error.response.get("Error", {}).get("Message", "")
    if code in _EXPIRED:
        return NoAccess(
            f"The AWS credentials have expired ({code}).", "Sign in again (`aws sso login`), then try again."
        )
    if code in ("InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "AuthFailure"):
        return NoAccess(
            f"AWS does not know these credentials ({code}).",
            "Check AWS_PROFILE and the keys; sign in again if need be.",
        )
    if code in _GONE or (code == "ValidationError" and "does not exist" in message):
        return NotFound(f"There is no {what.removeprefix('the ')} in {region}.", "Check --flock and --region.")
    if code in ("301", "PermanentRedirect", "IllegalLocationConstraintException"):
        return Refused(f"{what} is in another region than {region}.", "Give --region with the one it was deployed to.")
    if code in _DENIED or status_of(error) == 403:
        return NoAccess(
            f"You may not {error.operation_name} {what} ({code}): {message}",
            "Take a profile that may, or have this permission added; docs/how-to/deploy.md lists what deploying needs.",
        )
    try:
        with murmur_errors(what):
            raise error
    except MurmurError as made:
        return made
