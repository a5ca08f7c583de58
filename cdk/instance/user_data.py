"""The user data of the launch template: settings, and where the bundle is. It does nothing else; bootstrap.sh does the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from murmur.errors import InvalidInput

TEMPLATE: Final = Path(__file__).parent / "files" / "user-data.sh"
LIMIT_BYTES: Final = 16_384
"""What EC2 takes, before base64."""
_SAFE: Final = re.compile(r"[A-Za-z0-9 _./:,=@*+-]*")
_TOKEN: Final = re.compile(r"\$\{Token\[[^\]]*\]\}")
"""A value CDK fills in when it synthesises."""
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


def user_data(
    *,
    region: str,
    bucket: str,
    flock: str,
    bus: str,
    bundle_key: str,
    bundle_sha256: str,
    runners: Sequence[str],
    concurrency_cap: int,
    log_group: str,
    key_parameter: str,
    key_variable: str = "",
    more: Mapping[str, str] | None = None,
) -> str:
    """The script, as plain text. Values may be CDK tokens. Raises InvalidInput for one a shell could take for more than text.

    ``key_variable``: the environment variable that the runner's API key belongs in; empty: no key is fetched. ``more``: further
    variables for the loop, such as MURMUR_CUSTOM_COMMAND.
    """
    settings = {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "MURMUR_FLOCK": flock,
        "MURMUR_BUCKET": bucket,
        "MURMUR_BUS": bus,
        "MURMUR_RUNNERS": ",".join(runners),
        "MURMUR_CONCURRENCY_CAP": str(concurrency_cap),
        "MURMUR_LOG_GROUP": log_group,
        "MURMUR_KEY_PARAMETER": key_parameter,
        "MURMUR_KEY_VARIABLE": key_variable,
        **(more or {}),
    }
    if "MURMUR_CUSTOM_COMMAND" in settings and key_variable:
        settings.setdefault("MURMUR_CUSTOM_PASSES", key_variable)  # the loop hands its agent this variable and no other
    if not _SHA256.fullmatch(bundle_sha256) and not _TOKEN.fullmatch(bundle_sha256):
        raise InvalidInput(f"{bundle_sha256[:70]!r} is no SHA-256.", "Give 64 hexadecimal digits.")
    place = {"FLOCK": flock, "REGION": region, "BUCKET": bucket, "KEY": bundle_key, "SHA256": bundle_sha256}
    return _filled(place, settings)


def _filled(place: Mapping[str, str], settings: Mapping[str, str]) -> str:
    for name, value in {**settings, **place}.items():
        if not _SAFE.fullmatch(_TOKEN.sub("", value)):
            raise InvalidInput(f"{name} = {value[:80]!r} has signs that a shell would act on.", "Use plain characters.")
    text = TEMPLATE.read_text("utf-8")
    lines = "\n".join(f"{name}={value}" for name, value in settings.items())
    for name, value in {**place, "SETTINGS": lines}.items():
        text = text.replace(f"@{name}@", value)
    if len(text.encode()) > LIMIT_BYTES:
        raise InvalidInput(
            f"The user data has {len(text.encode())} bytes; EC2 takes {LIMIT_BYTES}.", "Shorten the names."
        )
    return text
