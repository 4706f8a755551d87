"""The operator's commands on a running stack: each is recorded, with its reason, in the records bucket."""

from __future__ import annotations

import getpass
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from adapters.errors import Conflict
from adapters.objects import Bucket
from adapters.queue import Queue
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import keys, verdicts
from early_results.freeze import canonical
from early_results.times import to_text
from early_results.uploads import Upload, upload_from_item
from validate.judging import close_upload

from .local import LOCAL


class CannotOperate(Exception):
    """The command cannot be carried out on this stack; the message says why."""


@dataclass(frozen=True, slots=True)
class Operated:
    """A stack that an operator works on: its stores, its upload queue, and who is working."""

    stores: Stores
    upload_queue: Queue
    who: str


def open_stack(stack: str | None, who: str | None = None) -> Operated:
    """The stack of that name in the AWS account of the environment, or, for None, the one `make run` started."""
    try:
        made: Any = boto3.client
        if stack is None:
            told = json.loads((LOCAL / "stack.json").read_text())
            local = {
                "endpoint_url": told["endpoint"],
                "region_name": told["region"],
                "aws_access_key_id": told["access_key"],
                "aws_secret_access_key": told["secret_key"],
            }
            name = told["stack"]
        else:
            local, name = {}, stack
        described = made("cloudformation", **local).describe_stacks(StackName=name)["Stacks"][0]
    except FileNotFoundError:
        raise CannotOperate("no local stack is running; name one on AWS with --stack") from None
    except (BotoCoreError, ClientError) as error:
        raise CannotOperate(f"the stack cannot be reached: {error}") from error
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    return Operated(
        stores_of(outputs, made("dynamodb", **local), made("s3", **local)),
        Queue(made("sqs", **local), outputs["UploadQueueUrl"]),
        who or getpass.getuser(),
    )


def stores_of(outputs: dict[str, str], dynamodb: Any, s3: Any) -> Stores:
    """The table and the buckets that a stack's outputs name."""
    names = (outputs["UploadsBucketName"], outputs["ResultsBucketName"], outputs["RecordsBucketName"])
    settings = Settings(
        outputs["TableName"],
        *names,
        timedelta(seconds=float(outputs["GraceSeconds"])),
        timedelta(seconds=float(outputs["SweepAgeSeconds"])),
        timedelta(seconds=float(outputs["StalledSeconds"])),
        int(outputs["MaxUploadBytes"]),
    )
    uploads, results, records = (Bucket(s3, name) for name in names)
    return Stores(Table(dynamodb, outputs["TableName"]), uploads, results, records, settings)


def retry(operated: Operated, upload_id: str, reason: str) -> str:
    """Takes a parked upload back to the queue. CannotOperate if it is not parked."""
    upload = _parked(operated, upload_id)
    _record(operated, upload, "retry", reason)
    _write(operated, verdicts.retry_parked(upload))
    message = {"s3": {"object": {"key": upload.object_key, "versionId": upload.version}}}
    operated.upload_queue.send([{"Records": [message]}])
    return f"{upload_id} is queued to be checked again."


def settle(operated: Operated, upload_id: str, reason: str) -> str:
    """Closes a parked upload as an upload error, so that its window no longer waits. CannotOperate if not parked."""
    upload = _parked(operated, upload_id)
    _record(operated, upload, "settle", reason)
    if not close_upload(operated.stores, upload_id):
        raise CannotOperate(f"{upload_id} had its verdict before its check died: use retry")
    return f"{upload_id} is closed as an upload error; no window waits for it any more."


def _parked(operated: Operated, upload_id: str) -> Upload:
    item = operated.stores.table.get(keys.upload(upload_id))
    if item is None:
        raise CannotOperate(f"there is no upload {upload_id}")
    upload = upload_from_item(item)
    if upload.held != "parked":
        raise CannotOperate(f"{upload_id} is not parked; its status is {upload.status.value}")
    return upload


def _record(operated: Operated, upload: Upload, did: str, reason: str) -> None:
    """Writes what an operator decides before it is done, so that nothing is done without a record."""
    moment = datetime.now(UTC)
    record = {
        "upload": upload.upload_id,
        "service": upload.service,
        "did": did,
        "reason": reason,
        "by": operated.who,
        "at": to_text(moment),
    }
    key = f"operations/{upload.service}/{upload.upload_id}/{moment:%Y%m%dT%H%M%S%fZ}-{did}.json"
    operated.stores.records.put_once(key, canonical(record), "application/json")


def _write(operated: Operated, write: Any) -> None:
    try:
        operated.stores.table.write(write)
    except Conflict:
        raise CannotOperate("the upload has changed meanwhile; look again") from None
