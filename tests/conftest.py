"""The stacks that tests share: the real template on MiniStack with AUTH=true. And in which order tests run.

Tests run in a random order (pytest-randomly prints its seed), and on several workers at once (pytest-xdist). What waits
and what computes go side by side: the tests of one stack make one group, which one worker runs from its beginning; the
other workers run everything else meanwhile, a file each.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from adapters.queue import Queue
from adapters.stores import Stores
from infra.local import demonstration
from infra.local import stack as local
from infra.local.client import PortalClient
from infra.local.demonstration import Seeded
from infra.local.stack import Stack
from infra.operator.operating import OperatorSession, stores_of
from tests import effort

__all__ = ["Deployed", "deploy", "effort"]  # effort: for its profiles

TESTS = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Deployed:
    """The stack under test, with its demonstration schools and a client for each of its users."""

    stack: Stack
    seeded: Seeded

    def user(self, organisation: str) -> dict[str, str]:
        """The demonstration user of an organisation: `SCHOOL#1231234`, `TRUST#ABC` or `OPERATOR`."""
        return next(user for user in self.seeded.users if user["organisation"] == organisation)

    def sign_in(self, organisation: str) -> PortalClient:
        """That user, signed in."""
        user = self.user(organisation)
        return PortalClient.of(self.stack, user["email"], user["password"])

    @property
    def stores(self) -> Stores:
        """The stack's table and buckets with the rights of its owner, for what a test cannot see as a user."""
        return stores_of(self.stack.outputs, self.stack.client("dynamodb"), self.stack.client("s3"))

    def queue(self, output: str) -> Queue:
        """A queue of the stack by the name of its output."""
        return Queue(self.stack.client("sqs"), self.stack.outputs[output])

    @property
    def operated(self) -> OperatorSession:
        """The stack as the operator's commands see it."""
        return OperatorSession(
            self.stores,
            self.queue("UploadQueueUrl"),
            self.queue("ReportQueueUrl"),
            "an operator",
            self.stack.client("cognito-idp"),
            self.stack.outputs["UserPoolId"],
            local=True,
        )


@pytest.fixture(scope="session")
def built() -> None:
    """The functions, built for this machine: once a run, by the worker that comes first."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex())
    local.LOCAL.mkdir(exist_ok=True)
    with (local.LOCAL / "test-build.run").open("a+") as stamp:
        fcntl.flock(stamp, fcntl.LOCK_EX)  # the other workers wait here
        stamp.seek(0)
        if stamp.read() != run:
            local.build()
            stamp.truncate(0)
            stamp.write(run)


@contextmanager
def deploy(
    name: str,
    samples: Path,
    closes_in: timedelta = timedelta(hours=2),
    *beside: tuple[str, timedelta],
    **parameters: str,
) -> Iterator[Deployed]:
    """A stack under `.local/<name>`, seeded, with these parameters of the template; when its first window closes.
    `beside` are services beside the first, with the time until each one's first close."""
    folder = local.LOCAL / name
    shutil.rmtree(folder, ignore_errors=True)
    with local.running(folder, **parameters) as stack:
        yield Deployed(stack, demonstration.seed(stack, datetime.now(UTC), closes_in, samples, dict(beside)))


@pytest.fixture(scope="session")
def deployed(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack that many tests share. Each of them uses schools and uploads of its own, and never counts what others
    made."""
    with deploy("test", tmp_path_factory.mktemp("samples")) as stack:
        yield stack


def pytest_configure() -> None:
    """A run that gets SIGTERM ends its tests tidily, as it does on Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


# Which stack a file's tests use, by the name of its fixture. The stacks whose tests take longest are first, and begin
# first.
STACKS = {
    "stack/test_noon.py": "noon",
    "stack/test_flood.py": "closing",
    "stack/test_late.py": "closing",
    "stack/test_operate.py": "closing",
    "stack/": "deployed",
    "browser/": "deployed",
    "browser/test_collections.py": "several",
    "stack/test_lost.py": "spare",
    "stack/test_dataset.py": "spare",
    "stack/test_told.py": "spare",
    "stack/test_wiring.py": "spare",
}


@cache
def group(path: str) -> str:
    """The group of a file's tests, which one worker runs: all that use the same stack, or those of the file alone."""
    found = max((start for start in STACKS if path.startswith(start)), key=len, default=None)
    return f"{path.split('/', maxsplit=1)[0]} {STACKS[found]}" if found else path


@cache
def rank(path: str) -> int:
    """How early a file's tests begin."""
    order = list(dict.fromkeys(group(start) for start in STACKS))
    return order.index(group(path)) if group(path) in order else len(order)


class Together(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Gives each worker a group at a time, in the order in which they were collected.

    pytest-xdist's own `loadgroup` writes the group into the ids of tests, which pytest 9.2 does not let it do.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid.partition("::")[0].removeprefix("tests/"))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """Under `--dist loadgroup`, groups as above."""
    config.option.loadscopereorder = False
    return Together(config, log) if config.option.dist == "loadgroup" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Function]) -> None:
    """On one worker, unit tests come first: a slip shows in seconds. On several, the tests of a stack do: they wait."""

    paths = {path: path.relative_to(TESTS).as_posix() for path in {item.path for item in items}}

    def place(item: pytest.Function) -> tuple[int, int]:
        path = paths[item.path]
        used = {name for name in STACKS.values() if name in item.fixturenames}
        if used and group(path) != f"{path.split('/')[0]} {used.pop()}":
            raise pytest.UsageError(f"{path} uses another stack than STACKS in tests/conftest.py says")
        if hasattr(config, "workerinput"):
            return (rank(path), 0)
        return (
            {"template": 1, "integration": 2, "operate": 2, "stack": 3, "browser": 4}.get(path.split("/")[0], 0),
            rank(path),
        )

    items.sort(key=place)
