"""Objects in a bucket: versions, times cut to whole seconds, writing once, and forms and links that expire."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from early_results.times import cut

from .errors import AlreadyThere, NotThere, OutsideError, WriteUnderWay

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


# What S3 answers a conditional write: 412 where the object is there, 409 where another write of it is under way (API
# reference of PutObject, If-None-Match: "On a 409 failure you should retry the upload"). The SDK does not retry a 409.
_WRITTEN = ("PreconditionFailed", "412")
_UNDER_WAY = ("ConditionalRequestConflict", "OperationAborted", "409")
_WAITS = (0.05, 0.1, 0.2, 0.4)  # how many seconds to wait before each further try


@dataclass(frozen=True, slots=True)
class Version:
    """One version of an object. `received` is S3's own time, UTC, cut to whole seconds; `size` in bytes."""

    key: str
    version: str
    received: datetime
    size: int


class Bucket:
    """One bucket."""

    def __init__(self, client: S3Client, name: str) -> None:
        self._client = client
        self.name = name

    def oldest(self, key: str) -> Version | None:
        """The oldest version under exactly this key, or None: the one that counts. Ties go to the first S3 wrote."""
        found = self.versions(key)
        return found[0] if found else None

    def versions(self, key: str) -> list[Version]:
        """The versions under exactly this key, oldest first (S3 lists the newest first)."""
        found = [version for version in self.all_versions(key) if version.key == key]
        found.reverse()
        found.sort(key=lambda version: version.received)
        return found

    def all_versions(self, prefix: str) -> Iterator[Version]:
        """Every version of every key under a prefix, as S3 lists them: in order of key, the newest first."""
        arguments: dict[str, Any] = {"Bucket": self.name, "Prefix": prefix}
        while True:
            try:
                answer = self._client.list_object_versions(**arguments)
            except ClientError as error:
                raise OutsideError("the versions of an object could not be listed") from error
            for entry in answer.get("Versions", []):
                yield Version(entry["Key"], entry["VersionId"], cut(entry["LastModified"]), entry["Size"])
            if not answer.get("IsTruncated"):
                return
            arguments["KeyMarker"] = answer["NextKeyMarker"]
            arguments["VersionIdMarker"] = answer["NextVersionIdMarker"]

    def list(self, prefix: str, start_after: str = "") -> Iterator[Version]:
        """The newest version of every key under a prefix, in order of key, after `start_after`."""
        arguments: dict[str, Any] = {"Bucket": self.name, "Prefix": prefix}
        if start_after:
            arguments["StartAfter"] = start_after
        while True:
            try:
                answer = self._client.list_objects_v2(**arguments)
            except ClientError as error:
                raise OutsideError("the bucket could not be listed") from error
            for entry in answer.get("Contents", []):
                yield Version(entry["Key"], "", cut(entry["LastModified"]), entry["Size"])
            if not answer.get("IsTruncated"):
                return
            arguments["ContinuationToken"] = answer["NextContinuationToken"]

    def get(self, key: str, version: str | None = None, limit: int | None = None) -> bytes:
        """The bytes of an object, of a version where one is named, at most `limit` of them. NotThere if it is gone."""
        arguments: dict[str, Any] = {"Bucket": self.name, "Key": key}
        if version:
            arguments["VersionId"] = version
        try:
            body = self._client.get_object(**arguments)["Body"]
            with body:
                return body.read(limit) if limit is not None else body.read()
        except ClientError as error:
            if _code(error) in ("NoSuchKey", "NoSuchVersion", "404"):
                raise NotThere("an object is not there") from error
            raise OutsideError("an object could not be read") from error

    def has(self, key: str) -> bool:
        """Whether there is an object under this key."""
        try:
            self._client.head_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound"):
                return False
            raise OutsideError("an object could not be looked for") from error
        return True

    def metadata(self, key: str, version: str | None = None) -> dict[str, str]:
        """What was signed into the form that an object came by (`form`), decoded. NotThere if it is gone."""
        arguments: dict[str, Any] = {"Bucket": self.name, "Key": key}
        if version:
            arguments["VersionId"] = version
        try:
            found = self._client.head_object(**arguments)["Metadata"]
        except ClientError as error:
            if _code(error) in ("404", "NoSuchKey", "NotFound", "NoSuchVersion"):
                raise NotThere("an object is not there") from error
            raise OutsideError("an object could not be looked for") from error
        return {name: unquote(value) for name, value in found.items()}

    def put(self, key: str, body: bytes, content_type: str) -> str:
        """Writes an object and gives its version id ("" in a bucket without versions)."""
        return self._put(Key=key, Body=body, ContentType=content_type)

    def put_once(self, key: str, body: bytes, content_type: str) -> str:
        """Writes an object that may be written once (`If-None-Match: *`).

        AlreadyThere if it is there. WriteUnderWay if S3 said at every try that another write is under way. A caller
        that relies on what is there uses `written_once`, which reads it.
        """
        for wait in (*_WAITS, None):
            try:
                return self._put(Key=key, Body=body, ContentType=content_type, IfNoneMatch="*")
            except WriteUnderWay:
                if wait is None:
                    raise
                time.sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _put(self, **arguments: Any) -> str:
        try:
            return self._client.put_object(Bucket=self.name, **arguments).get("VersionId", "")
        except ClientError as error:
            if _code(error) in _WRITTEN:
                raise AlreadyThere("an object that may be written once is there already") from error
            if _code(error) in _UNDER_WAY:
                raise WriteUnderWay("another write of an object is under way") from error
            raise OutsideError("an object could not be written") from error

    def remove_versions(self, key: str, keep: str | None = None) -> int:
        """Removes every version under exactly this key but one; gives how many were removed."""
        removed = 0
        for version in self.versions(key):
            if version.version == keep:
                continue
            try:
                self._client.delete_object(Bucket=self.name, Key=key, VersionId=version.version)
            except ClientError as error:
                raise OutsideError("a version of an object could not be removed") from error
            removed += 1
        return removed

    def remove(self, key: str) -> None:
        """Removes an object of a bucket without versions; nothing happens if it is not there."""
        try:
            self._client.delete_object(Bucket=self.name, Key=key)
        except ClientError as error:
            raise OutsideError("an object could not be removed") from error

    def form(
        self, key: str, *, content_type: str, metadata: dict[str, str], max_bytes: int, seconds: int
    ) -> dict[str, Any]:
        """A presigned POST for exactly this key, content type and metadata, of 0 to `max_bytes` bytes, for a time."""
        fields = {"Content-Type": content_type}
        fields |= {f"x-amz-meta-{name}": quote(value, safe=" @.,()-_") for name, value in metadata.items()}
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions.append(["content-length-range", 0, max_bytes])
        try:
            return self._client.generate_presigned_post(
                self.name, key, Fields=fields, Conditions=conditions, ExpiresIn=seconds
            )
        except ClientError as error:
            raise OutsideError("a form could not be signed") from error

    def link(self, key: str, *, filename: str, content_type: str, seconds: int, version: str | None = None) -> str:
        """A presigned GET of an object, for a time, that a browser saves under `filename`."""
        arguments: dict[str, Any] = {
            "Bucket": self.name,
            "Key": key,
            "ResponseContentType": content_type,
            "ResponseCacheControl": "no-store",  # no browser or proxy keeps pupils' results
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(filename, safe='')}",
        }
        if version:
            arguments["VersionId"] = version
        try:
            return self._client.generate_presigned_url("get_object", Params=arguments, ExpiresIn=seconds)
        except ClientError as error:
            raise OutsideError("a link could not be signed") from error


def written_once(bucket: Bucket, key: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Writes an object that may be written once, unless it is there; gives what is there, read back if it was.

    S3's answer that there is such an object is not enough: the object is read. WriteUnderWay if the object could not be
    written and is not there either, as after another write that S3 gave up half way.
    """
    try:
        bucket.put_once(key, body, content_type)
    except AlreadyThere:
        try:
            return bucket.get(key)
        except NotThere as gone:
            raise WriteUnderWay("an object is said to be there and is not") from gone
    return body


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
