"""Put in front of the validate function's handlers by a test: some files kill the function that checks them.

It runs in the function, beside the shipped code, and strikes where the file is read, by the file's own name: `kill`
ends every process that reads it, `sleep` lets every one time out, `rescuable` ends the validate function alone.
"""

from __future__ import annotations

import os
import time
from typing import Any

from adapters.stores import open_stores
from early_results import keys
from early_results.object_keys import parse_upload_key
from validate import app
from workflow import check_upload

_judging: Any = check_upload
_read_submission = _judging.read_submission
_struck: dict[str, Any] = {"name": "", "rescuing": False}


def _read_or_die(*arguments: Any) -> Any:
    name, rescuing = _struck["name"], _struck["rescuing"]
    if name.startswith("kill") or (name.startswith("rescuable") and not rescuing):
        os._exit(9)
    if name.startswith("sleep"):
        time.sleep(600)
    return _read_submission(*arguments)


_judging.read_submission = _read_or_die


def _aim(event: dict[str, Any], *, rescuing: bool) -> None:
    for record in event["Records"]:
        for key, _ in app.objects_of(record["body"]):
            found = parse_upload_key(key)
            item = open_stores().table.get(keys.upload(found[1])) if found else None
            _struck.update(name=item["name"] if item else "", rescuing=rescuing)


def handler(event: dict[str, Any], context: Any) -> Any:
    """The validate function, armed."""
    _aim(event, rescuing=False)
    return app.handler(event, context)


def rescue(event: dict[str, Any], context: Any) -> Any:
    """The rescue function, armed."""
    _aim(event, rescuing=True)
    return app.rescue(event, context)
