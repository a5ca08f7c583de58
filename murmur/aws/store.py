"""Store over S3.

A conditional write whose answer was lost may have been carried out, and repeating it would then fail as if somebody else
had been there first. So each conditional write carries a random mark in its metadata; if it fails after an attempt that
got no answer, the object's mark tells whether that attempt was the one that wrote it.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from murmur.aws.clients import Clients
from murmur.aws.failures import NO_ANSWER, code_of, status_of, was_retried
from murmur.aws.threads import call
from murmur.errors import ObjectChanged
from murmur.ports import BINARY, Listing, ObjectInfo, StoredObject

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, HeadObjectOutputTypeDef

_MARK: Final = "murmur-write"
_DELETE_BATCH: Final = 1000
_RANGE: Final = re.compile(r"bytes (\d+)-\d+/(\d+)")


class S3Store:
    """The bucket named ``bucket``."""

    def __init__(self, clients: Clients, bucket: str) -> None:
        self._s3 = clients.s3
        self._bucket = bucket

    async def get(self, key: str, *, start: int = 0, length: int | None = None) -> StoredObject:
        """See ``Store.get``."""
        found = await call(key, self._read, key, start, length, None)
        assert found is not None  # noqa: S101 - only an ETag makes it None
        return found

    async def get_if_changed(self, key: str, etag: str, *, start: int = 0) -> StoredObject | None:
        """See ``Store.get_if_changed``."""
        return await call(key, self._read, key, start, None, etag)

    async def head(self, key: str) -> StoredObject:
        """See ``Store.head``."""
        return await call(key, self._head, key)

    async def put(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.put``."""
        return await call(key, self._put, key, body, content_type, dict(metadata or {}))

    async def create(
        self, key: str, body: bytes, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.create``."""
        return await call(key, self._put_if, key, body, content_type, dict(metadata or {}), {"IfNoneMatch": "*"})

    async def replace(
        self, key: str, body: bytes, etag: str, *, content_type: str = BINARY, metadata: Mapping[str, str] | None = None
    ) -> str:
        """See ``Store.replace``."""
        if not etag:
            raise ObjectChanged(key)
        return await call(key, self._put_if, key, body, content_type, dict(metadata or {}), {"IfMatch": _quoted(etag)})

    async def list(self, prefix: str, *, after: str = "", limit: int = 1000) -> Listing:
        """See ``Store.list``."""
        page = await call(
            prefix, self._s3.list_objects_v2, Bucket=self._bucket, Prefix=prefix, StartAfter=after, MaxKeys=limit
        )
        objects = (
            ObjectInfo(found["Key"], _plain(found["ETag"]), found["Size"], found["LastModified"])
            for found in page.get("Contents", ())
        )
        return Listing(tuple(objects), page["IsTruncated"])

    async def copy(self, source: str, target: str) -> None:
        """See ``Store.copy``."""
        await call(
            source,
            self._s3.copy_object,
            Bucket=self._bucket,
            Key=target,
            CopySource={"Bucket": self._bucket, "Key": source},
        )

    async def delete(self, keys: Sequence[str]) -> None:
        """See ``Store.delete``."""
        batches = [keys[i : i + _DELETE_BATCH] for i in range(0, len(keys), _DELETE_BATCH)]
        await asyncio.gather(*(call(batch[0], self._delete, batch) for batch in batches))

    def _read(self, key: str, start: int, length: int | None, unless: str | None) -> StoredObject | None:
        arguments: dict[str, Any] = {}
        if start or length is not None:
            arguments["Range"] = _range(start, length)
        if unless:
            arguments["IfNoneMatch"] = _quoted(unless)
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key, **arguments)
        except ClientError as error:
            if status_of(error) == 304:
                return None
            if status_of(error) == 416:
                return self._past_the_end(key)
            raise
        body = answer["Body"].read()
        # S3 knows no empty range, and none that counts from the end and is limited: such are cut here.
        return _stored(key, answer, body if length is None else body[:length])

    def _past_the_end(self, key: str) -> StoredObject:
        found = self._head(key)
        return StoredObject(
            key, b"", found.etag, found.size, found.modified, found.size, found.metadata, found.content_type
        )

    def _head(self, key: str) -> StoredObject:
        return _stored(key, self._s3.head_object(Bucket=self._bucket, Key=key), b"")

    def _put(self, key: str, body: bytes, content_type: str, metadata: dict[str, str], **condition: str) -> str:
        answer = self._s3.put_object(
            Bucket=self._bucket,
            Key=key,
            Body=body,
            ContentType=content_type,
            Metadata=metadata,
            **condition,  # type: ignore[arg-type]
        )
        return _plain(answer["ETag"])

    def _put_if(
        self, key: str, body: bytes, content_type: str, metadata: dict[str, str], condition: dict[str, str]
    ) -> str:
        mark = secrets.token_hex(8)
        try:
            return self._put(key, body, content_type, metadata | {_MARK: mark}, **condition)
        except NO_ANSWER:
            if etag := self._written_with(key, mark):
                return etag
            raise
        except ClientError as error:
            if was_retried(error) and (etag := self._written_with(key, mark)):
                return etag
            if code_of(error) == "NoSuchKey":  # IfMatch on what is gone
                raise ObjectChanged(key) from error
            raise

    def _written_with(self, key: str, mark: str) -> str:
        """The object's ETag if it is what the write with this mark put there, else an empty string."""
        try:
            found = self._s3.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if status_of(error) == 404:
                return ""
            raise
        return _plain(found["ETag"]) if found["Metadata"].get(_MARK) == mark else ""

    def _delete(self, keys: Sequence[str]) -> None:
        if len(keys) == 1:
            self._s3.delete_object(Bucket=self._bucket, Key=keys[0])
            return
        answer = self._s3.delete_objects(
            Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        for failure in answer.get("Errors", ()):
            raise ClientError(
                {"Error": {"Code": failure.get("Code", ""), "Message": failure.get("Key", "")}}, "DeleteObjects"
            )


def _range(start: int, length: int | None) -> str:
    if start < 0:
        return f"bytes={start}"
    return f"bytes={start}-" if length is None else f"bytes={start}-{start + max(length, 1) - 1}"


def _stored(key: str, answer: GetObjectOutputTypeDef | HeadObjectOutputTypeDef, body: bytes) -> StoredObject:
    part = _RANGE.fullmatch(answer.get("ContentRange", ""))
    return StoredObject(
        key=key,
        body=body,
        etag=_plain(answer["ETag"]),
        size=int(part[2]) if part else answer["ContentLength"],
        modified=answer["LastModified"],
        start=int(part[1]) if part else 0,
        metadata={name: value for name, value in answer["Metadata"].items() if name != _MARK},
        content_type=answer.get("ContentType", BINARY),
    )


def _plain(etag: str) -> str:
    return etag.strip('"')


def _quoted(etag: str) -> str:
    return f'"{etag}"'
