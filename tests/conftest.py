"""One deployed stack for all tests that need it: the real template on MiniStack with AUTH=true."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.queue import Queue
from adapters.stores import Stores
from infra.local import demonstration
from infra.local import stack as local
from infra.local.client import PortalClient
from infra.local.demonstration import Seeded
from infra.local.stack import Stack
from infra.operator.operating import OperatorSession, stores_of

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
        return PortalClient.sign_in(
            self.stack.api_url,
            self.stack.endpoint,
            self.stack.region,
            self.stack.outputs["UserPoolClientId"],
            user["email"],
            user["password"],
        )

    @property
    def stores(self) -> Stores:
        """The stack's table and buckets, as its owner sees them: for what a test must look at behind the doors."""
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
    """The functions, built once for this machine."""
    local.build()


@contextmanager
def deploy(
    name: str, samples: Path, closes_in: timedelta = timedelta(hours=2), **parameters: str
) -> Iterator[Deployed]:
    """A stack under `.local/<name>`, seeded, with these parameters of the template; when its first window closes."""
    folder = local.LOCAL / name
    shutil.rmtree(folder, ignore_errors=True)
    with local.running(folder, **parameters) as stack:
        yield Deployed(stack, demonstration.seed(stack, datetime.now(UTC), closes_in, samples))


@pytest.fixture(scope="session")
def deployed(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack of this run's own. Left as it is found by nobody: tests that share it use schools and uploads of their
    own, and never count what others made."""
    with deploy("test", tmp_path_factory.mktemp("samples")) as stack:
        yield stack


def pytest_configure() -> None:
    """Told to end, a run stops the stacks it started, as it does on Ctrl-C."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Unit tests first, the stack's and the browser's last: a slip shows in seconds."""
    order = {"unit": 0, "template": 1, "integration": 2, "stack": 3, "browser": 4}
    items.sort(key=lambda item: order.get(item.path.relative_to(TESTS).parts[0], 0))
