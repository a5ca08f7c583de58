"""How MiniStack's S3 puts an object on disk, with ``disk.write`` in the place of two writes one after the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from murmur.local.endpoint import disk


def persist_with(s3: Any) -> Callable[[str, str, Any], None]:
    """A function for ``s3._persist_object``. Unlike that, it fails the request if the disk does not take the object."""
    original = s3._persist_object  # noqa: SLF001 - checked by changes.py, like all of these

    def persist(bucket: str, key: str, obj: Any) -> None:
        place = s3._object_disk_path(bucket, key)  # noqa: SLF001
        if place is None or not isinstance(obj, dict):
            original(bucket, key, obj)
            return
        path = Path(place)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        meta = s3._object_meta_from_record(obj) | s3._key_history_meta(bucket, key) | {"key": key}  # noqa: SLF001
        disk.write(path, obj.get("body"), meta)
        obj["body"] = None
        base = str(Path(s3.DATA_DIR, s3.get_account_id(), bucket))
        s3._remove_key_files(s3._other_key_disk_path(base, key, place))  # noqa: SLF001

    return persist
