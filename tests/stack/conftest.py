"""A stack of its own for the tests that let windows close: four windows, one after the other."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.lookups import calendar_now
from early_results.counting.calendar import Calendar
from early_results.service import Window, load_service
from infra.local import stack as local
from infra.local.client import Answer, PortalClient
from infra.local.demonstration import SERVICE
from infra.local.stack import wait_for
from infra.operator.operations import store_calendar
from portal.contract import document
from tests.conftest import Deployed, deploy
from tests.openapi import Contract

HANDLERS = {
    "ValidateFunction": "validate",
    "RescueFunction": "rescue",
    "SupersedeFunction": "supersede",
    "FreezeFunction": "freeze",
}


@pytest.fixture(scope="session")
def contract() -> Contract:
    """The API's contract, and what of it this run has seen."""
    return Contract(document())


@pytest.fixture(autouse=True)
def _by_the_contract(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fails a test in which the API answered, whoever asked and whatever for, other than its contract says."""
    slips: list[str] = []
    request = PortalClient.request

    def checked(client: PortalClient, method: str, path: str, body: Any = None, **query: Any) -> Answer:
        answer = request(client, method, path, body, **query)
        slips.extend(contract.slips(method, path, answer))
        return answer

    monkeypatch.setattr(PortalClient, "request", checked)
    yield
    assert slips == []


@pytest.fixture(scope="session")
def spare(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A second stack to share, for tests that take something away for a while, or that wait for the schedule.

    Its people are told by e-mail.
    """
    with deploy("test-spare", tmp_path_factory.mktemp("samples"), timedelta(hours=2), **local.MAIL) as stack:
        yield stack


SUPPORT_EMAIL = "help@example.org"  # of the stack whose windows close


@pytest.fixture(scope="session")
def closing(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack whose windows close when a test says so. Its tests run one after the other, and each uses up a window.

    Its support is its own.
    """
    samples, bounds = tmp_path_factory.mktemp("samples"), {"ValidateTimeout": "10", "UploadVisibility": "10"}
    own = {"SupportEmail": SUPPORT_EMAIL, "RescueTimeout": "20"}
    with deploy("test-closing", samples, timedelta(hours=6), **bounds, **own) as deployed:
        now = datetime.now(UTC).replace(microsecond=0)
        first = now - timedelta(days=1)
        ends = [first, *(now + timedelta(hours=6 * number) for number in range(1, 5))]
        windows = tuple(Window(n, ends[n - 1], ends[n], now.date()) for n in range(1, 5))
        store_calendar(deployed.stores.table, deployed.stores.records, Calendar(SERVICE, 2, windows), "test", "four")
        yield deployed


def open_window(deployed: Deployed) -> int:
    """The number of the window that is open."""
    window = calendar_now(deployed.stores, load_service(SERVICE)).window_of(datetime.now(UTC))
    assert window is not None
    return window.number


def call_noon(deployed: Deployed, moment: datetime) -> datetime:
    """Lets the open window close at a moment, and the next one open then."""
    stores = deployed.stores
    calendar = calendar_now(stores, load_service(SERVICE))
    number, closes = open_window(deployed), moment.replace(microsecond=0)
    windows = tuple(
        w._replace(closes=closes) if w.number == number else w._replace(opens=closes) if w.number == number + 1 else w
        for w in calendar.windows
    )
    changed = Calendar(SERVICE, calendar.version + 1, windows)
    store_calendar(stores.table, stores.records, changed, "test", "noon")
    return closes


def unhurried(least: float, act: Callable[[], object]) -> timedelta:
    """How far ahead a close must be so that something can be done before it: tenfold what the like of it takes now."""
    began = time.monotonic()
    act()
    return timedelta(seconds=max(least, 10 * (time.monotonic() - began)))


def run_freeze(deployed: Deployed, run: str = "noon") -> bool:
    """Runs the freeze function, beside the schedule's own runs. False if it died."""
    answer = deployed.stack.client("lambda").invoke(
        FunctionName=deployed.stack.outputs["FreezeFunctionName"], Payload=json.dumps({"run": run}).encode()
    )
    answer["Payload"].read()
    return "FunctionError" not in answer


def freeze(deployed: Deployed, number: int, seconds: float = 90) -> dict[str, str | None]:
    """Runs the freeze until a window is frozen; gives the manifest's uploads by school."""
    operator = deployed.sign_in("OPERATOR")

    def frozen() -> bool:
        run_freeze(deployed)
        return bool(operator.get(f"/windows/{SERVICE}/{number}")["state"] == "FROZEN")

    wait_for(f"window {number} to be frozen", frozen, seconds, every=1)
    manifest = deployed.stores.records.get(f"manifests/{SERVICE}/{number}/manifest.jsonl")
    return {line["school"]: line["upload"] for line in map(json.loads, manifest.splitlines())}


def physical(deployed: Deployed, logical: str) -> str:
    """The deployed name of a resource of the template."""
    resource = deployed.stack.client("cloudformation").describe_stack_resource(
        StackName=deployed.stack.name, LogicalResourceId=logical
    )
    return str(resource["StackResourceDetail"]["PhysicalResourceId"])


@contextmanager
def chaos(deployed: Deployed) -> Iterator[None]:
    """For a while, functions die in the middle of their work (`chaos.py`)."""
    functions = deployed.stack.client("lambda")
    before: dict[str, Any] = {}
    code = packed_with("chaos.py")
    for logical, handler in HANDLERS.items():
        name = physical(deployed, logical)
        before[name] = functions.get_function_configuration(FunctionName=name)["Handler"]
        functions.update_function_code(FunctionName=name, ZipFile=code)
        functions.update_function_configuration(FunctionName=name, Handler=f"chaos.{handler}")
    try:
        yield
    finally:
        for name, handler in before.items():
            functions.update_function_configuration(FunctionName=name, Handler=handler)


def packed_with(wrapper: str) -> bytes:
    """The shipped code of the functions, with a module of this folder that stands in front of it."""
    packed = io.BytesIO((local.BUILD / f"{local.FUNCTIONS}.zip").read_bytes())
    with zipfile.ZipFile(packed, "a") as archive:
        archive.write(Path(__file__).with_name(wrapper), wrapper)
    return packed.getvalue()
