"""Put in front of the functions' handlers by a test: every now and then one is killed in the middle of its work."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

_SHARE = 0.12  # this share of invocations dies
_LONGEST = 0.8  # after this many seconds; a quick invocation may have ended by then


def _armed(share: float = _SHARE) -> None:
    if random.random() < share:  # noqa: S311 - a die, not a secret
        killer = threading.Timer(random.random() * _LONGEST, os._exit, (9,))  # noqa: S311
        killer.daemon = True
        killer.start()


def validate(event: dict[str, Any], context: Any) -> Any:
    """The validate function, which may die."""
    from validate import app

    _armed()
    return app.handler(event, context)


def rescue(event: dict[str, Any], context: Any) -> Any:
    """The rescue function, which lives: what is parked needs an operator, and this test has none."""
    from validate import app

    return app.rescue(event, context)


def supersede(event: dict[str, Any], context: Any) -> Any:
    """The supersede function, which may die."""
    from supersede import app

    _armed()
    return app.handler(event, context)


def freeze(event: dict[str, Any], context: Any) -> Any:
    """The freeze function, which dies one time in three."""
    from report import freeze as app

    _armed(0.33)
    return app.handler(event, context)
