"""What a log says of an error: its kind, where it was raised, and AWS's own code and operation. Never its text.

The text of an error may hold what a user sent. Powertools' BatchProcessor logs the exception of a failed record with
its text (`logger=`, utilities/batch/base.py `failure_handler`). So this logger removes the text.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

from aws_lambda_powertools import Logger

PLACES = 4  # how many of the innermost calls that led to an error are logged


def told_of(error: BaseException) -> dict[str, Any]:
    """What a log may say of an error and of its causes: `error`, `at`, and `aws` if AWS had refused something."""
    kinds: list[str] = []
    aws: dict[str, Any] | None = None
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 10:
        kinds.append(type(cause).__name__)
        answer = getattr(cause, "response", None)  # botocore's ClientError, whose code is one of AWS's own words
        if isinstance(answer, dict) and "Error" in answer:
            aws = {"code": answer["Error"].get("Code"), "operation": getattr(cause, "operation_name", None)}
        cause = cause.__cause__
    frames = traceback.extract_tb(error.__traceback__)[-PLACES:]
    told: dict[str, Any] = {
        "error": " from ".join(kinds),
        "at": [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames],
    }
    return told | ({"aws": aws} if aws else {})


def _without_text(record: logging.LogRecord) -> bool:
    if record.exc_info and record.exc_info[1] is not None:
        vars(record).update(told_of(record.exc_info[1]))
        record.exc_info = None
    return True


def open_logger() -> Logger:
    """The function's logger, which says of an exception what may be said."""
    logger = Logger()
    logger.addFilter(_without_text)
    return logger
