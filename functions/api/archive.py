"""output/ as one zip file."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import Sequence

from functions.api.errors import TooLarge
from murmur import keys
from murmur.errors import ObjectMissing
from murmur.gather import gather
from murmur.listing import everything
from murmur.ports import ObjectInfo, StoredObject
from murmur.services import Services

_OLDEST = (1980, 1, 1, 0, 0, 0)
_ODD = re.compile(r'[\\:*?"<>|\x00-\x1f]')


async def zip_output(services: Services, prefix: str = keys.OUTPUT) -> bytes:
    """Every file under ``prefix``, named without it. Raises TooLarge."""
    listed = await everything(services.store, prefix)
    total, limit = sum(item.size for item in listed), services.limits.response
    if total > limit:
        raise TooLarge(
            f"The {len(listed)} files have {total:,} bytes together; at most {limit:,} fit into one archive.",
            "Fetch the files one by one, or use `murmur files pull FOLDER`.",
        )

    async def fetch(item: ObjectInfo) -> StoredObject | None:
        try:
            return await services.store.get(item.key)
        except ObjectMissing:
            return None  # deleted since it was listed

    found = [item for item in await gather(fetch, listed, at_once=8) if item is not None]
    return await asyncio.to_thread(_packed, found, prefix)


def _packed(files: Sequence[StoredObject], prefix: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            when = max(file.modified.timetuple()[:6], _OLDEST)
            info = zipfile.ZipInfo(safe_name(file.key[len(prefix) :]), when)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, file.body)
    return target.getvalue()


def safe_name(name: str) -> str:
    """A member name that stays below the folder it is unpacked to, on every system."""
    parts = [_ODD.sub("_", part) for part in name.split("/")]
    return "/".join("_" * len(part) if part in (".", "..") else part for part in parts if part) or "_"
