"""A queue that messages are sent to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from .errors import OutsideError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_BATCH = 10


class Queue:
    """One SQS queue."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def send(self, messages: Sequence[dict[str, Any]]) -> None:
        """Sends JSON messages, ten at a time. OutsideError if any of them was not taken."""
        for start in range(0, len(messages), _BATCH):
            entries: list[Any] = [
                {"Id": str(number), "MessageBody": json.dumps(message)}
                for number, message in enumerate(messages[start : start + _BATCH])
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            except ClientError as error:
                raise OutsideError("messages could not be sent") from error
            if answer.get("Failed"):
                raise OutsideError(f"{len(answer['Failed'])} of {len(entries)} messages were not taken")
