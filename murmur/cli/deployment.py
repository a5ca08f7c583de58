"""One deployed flock: what was chosen for it, where its parts are called what, and what goes into its bucket.

The choices are kept in the account (SSM, ``/murmur/<flock>/deployment``), so that `murmur deploy` without options means "as before, but of
this version", from whatever machine.
"""

from __future__ import annotations

import ipaddress
import json
import mimetypes
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx

from murmur import keys
from murmur.cli.text import clean
from murmur.errors import InvalidInput, Unavailable

if TYPE_CHECKING:
    from murmur.cli.account import Account

ROOT: Final = Path(__file__).resolve().parents[2]
WEB: Final = ROOT / "web"
CHECK_IP: Final = "https://checkip.amazonaws.com"
"""Amazon's own service that answers with the address one comes from."""
_KEY: Final = re.compile(r"[A-Za-z0-9._:/+=@~-]{8,4096}")
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"}
_TEXT: Final = ("text/", "image/svg", "application/json")


def stack_name(flock: str) -> str:
    """What the flock's stack is called (cdk/app.py)."""
    return f"murmur-{flock}"


def bucket_name(flock: str, account: str, region: str) -> str:
    """The flock's bucket (cdk/names.py)."""
    return f"{flock}-{account}-{region}"


def key_parameter(flock: str) -> str:
    """The SSM parameter with the model's API key."""
    return f"/murmur/{flock}/api-key"


def _choices_parameter(flock: str) -> str:
    return f"/murmur/{flock}/deployment"


def read_choices(account: Account, flock: str) -> dict[str, str]:
    """What was chosen when the flock was last deployed; empty before the first time. Raises NoAccess, InvalidInput."""
    found = account.parameter(_choices_parameter(flock))
    if found is None:
        return {}
    try:
        value = json.loads(found)
        return {str(name): str(text) for name, text in value.items()}
    except (ValueError, AttributeError) as error:
        raise InvalidInput(
            f"The parameter {_choices_parameter(flock)} is damaged.", "Delete it, and deploy with all options again."
        ) from error


def write_choices(account: Account, flock: str, choices: Mapping[str, str]) -> None:
    """Keep what was chosen."""
    account.put_parameter(_choices_parameter(flock), json.dumps(dict(choices), sort_keys=True))


def forget_choices(account: Account, flock: str) -> None:
    """Forget what was chosen."""
    account.delete_parameter(_choices_parameter(flock))


def networks(words: list[str], look: Callable[[], str] | None = None) -> list[str]:
    """Networks as the firewall takes them: ``auto`` is the address one comes from, a bare address is that one alone. Raises InvalidInput."""
    found: list[str] = []
    for word in words:
        text = (look or my_address)() if word == "auto" else word
        try:
            network = ipaddress.ip_network(text, strict=True)
        except ValueError as error:
            raise InvalidInput(
                f"{text[:60]!r} is no network: {error}.", "Write it as 203.0.113.7, 203.0.113.0/24, or auto."
            ) from error
        if network.prefixlen == 0:
            raise InvalidInput(f"{text!r} is the whole internet.", "Name the networks you use, or auto.")
        found.append(str(network))
    return list(dict.fromkeys(found))


def my_address() -> str:
    """The address this machine is seen with, as checkip.amazonaws.com says. Raises Unavailable."""
    try:
        said = httpx.get(CHECK_IP, timeout=10).raise_for_status().text.strip()
        return str(ipaddress.ip_address(said))
    except (httpx.HTTPError, ValueError) as error:
        raise Unavailable(
            f"{CHECK_IP} did not say which address you come from: {clean(error, 200)}.",
            "Name it: --allow-ip 203.0.113.7.",
        ) from error


def checked_key(text: str) -> str:
    """An API key as it may be stored. Raises InvalidInput, which does not show it."""
    key = text.strip()
    if not _KEY.fullmatch(key):
        raise InvalidInput(
            f"That is no API key: it has {len(key)} characters, and a key has 8 to 4096 letters, digits or ._:/+=@~-.",
            "Copy it again, without quotes.",
        )
    return key


def pages(folder: Path) -> Iterator[tuple[str, bytes, str]]:
    """The dashboard's files: key, content, content type. The page itself comes last, when all it refers to is there."""
    files = [path for path in folder.rglob("*") if path.is_file() and not _hidden(path.relative_to(folder))]
    for path in sorted(files, key=lambda path: (path.name == "index.html", path.as_posix())):
        kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        charset = "; charset=utf-8" if kind.startswith(_TEXT) else ""
        yield keys.WEB + path.relative_to(folder).as_posix(), path.read_bytes(), kind + charset


def upload_pages(account: Account, bucket: str, folder: Path) -> int:
    """Bring the dashboard in the bucket up to date; returns how many files changed."""
    wanted = list(pages(folder))
    changed = sum(account.upload(bucket, key, body, kind) for key, body, kind in wanted)
    stale = set(account.keys_under(bucket, keys.WEB)) - {key for key, _, _ in wanted}
    for key in sorted(stale):
        account.delete_object(bucket, key)
    return changed + len(stale)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
