"""The boundary to the clock, PDFs, threads, randomness and the machine: all that is replaced while a history is played.

Files are real workbooks, read, judged and summarised by the project's own code (`docs/simulation.md` lists what is
modelled). Reading one is remembered by its bytes, because reading is a function of them.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools.utilities.batch import BatchProcessor, process_partial_response

from adapters import lookups, settings
from early_results import service as services
from early_results.canonical import canonical
from early_results.checking import submission
from early_results.checking.roster import british_date
from early_results.checking.submission import Submission
from early_results.counting import uploads
from early_results.reporting.figures import Copy, ReportInput
from early_results.results import Pupil
from early_results.service import Service
from infra.operator import evidence, rebuilding, verifying
from portal import history, uploading
from report import build as report_build
from report import freeze as report_freeze
from roster import app as roster_app
from supersede import app as supersede_app
from validate import app as validate_app
from workflow import build_report, check_upload, freeze_window, import_extract, sweep_bucket

from .scheduler import Crash, Pool
from .workbooks import tag_of

SERVICE = "ks1-2023"
REPORT_DEAD_LETTERS = "arn:aws:sqs:eu-west-2:111122223333:report-dead"

if TYPE_CHECKING:
    from .world import World

_REAL_RULES = services.with_ruleset
_REAL_SERVICE: Callable[[str], Service] = services.load_service
_REAL_DEPLOYED: Callable[[str], Service] = settings.deployed_service
# Whose modules see the service as it is deployed in the history.
PLAYED = {"adapters", "infra", "portal", "report", "roster", "supersede", "tests", "validate", "workflow"}
HANDLERS = (validate_app, supersede_app, report_build, report_freeze, roster_app)


class Present:
    """The history being played: what the replaced boundary functions need to know of it."""

    world: World | None = None
    rules_of_the_day = False  # a fault: earlier rules are not kept


def present() -> World:
    """The history being played."""
    if Present.world is None:
        raise LookupError("no history is being played")
    return Present.world


@lru_cache(maxsize=512)
def _read(data: bytes, _: str, real: Callable[..., Submission]) -> Submission:
    return real(data, _REAL_SERVICE(SERVICE))


_REAL_READ = submission.read_submission


def read_submission(data: bytes, service: Service) -> Submission:
    """Reads a file as the project does. Some files kill the machine that reads them."""
    world = Present.world
    tag = tag_of(data)
    if world is not None and world.kills.get(tag, 0) > 0 and world.scheduler.current is not None:
        world.kills[tag] -= 1
        world.scheduler.story(f"file {tag} kills its function")
        raise Crash("killed by a file")
    return _read(data, service.name, _REAL_READ)


def load_service(name: str) -> Service:
    """The service as it is deployed at this moment of the history."""
    world = Present.world
    return world.deployed() if world is not None and name == SERVICE else _REAL_SERVICE(name)


def with_ruleset(service: Service, ruleset: str) -> Service:
    """The service under earlier rules: a deployment that changes them keeps the file that it replaces."""
    return service if Present.rules_of_the_day else service._replace(ruleset=ruleset)


_PLAYED = ((_REAL_SERVICE, load_service), (_REAL_DEPLOYED, load_service), (_REAL_RULES, with_ruleset))


def _figures(_: Service, own: Any, beside: Any) -> Any:
    """Replaces a report's figures by what they are made of: they take 7 ms each and have tests of their own."""
    return (own, beside.national)


def render(report: ReportInput, form: str) -> bytes:
    """A report's bytes: everything that a report is made from, and nothing else."""
    own, national = cast(tuple[Any, Any], report.figures)
    said = {
        "form": form,
        "service": report.service.name,
        "school": report.school,
        "name": report.school_name,
        "window": report.window,
        "closes": report.closes.isoformat(),
        "reports": report.reports.isoformat(),
        "upload": report.upload_id,
        "received": report.received.isoformat(),
        "sha256": report.sha256,
        "carried_from": report.carried_from,
        "own": own.to_json(),
        "national": national.to_json(),
    }
    return canonical(said)


def build_pdf(report: ReportInput, copy: Copy) -> bytes:
    """Builds a report, which takes a while. Some fail every time, until an operator mends the cause."""
    world = Present.world
    if world is not None:
        world.scheduler.linger(int(world.scheduler.random.random() * 3_000))
        place = (report.window, report.school)
        if world.stumbles.get(place, 0) > 0:
            world.stumbles[place] -= 1
            world.scheduler.story(f"the report of {report.school} in window {report.window} cannot be built")
            raise RuntimeError("a report that cannot be built")
    return render(report, "pdf" if copy is Copy.SHOWN else "staff")


def pupil(school: str, upn: str) -> Pupil:
    """A pupil of the simulation's schools."""
    return Pupil(school, upn, "F", "S", "F", _BORN, "2")


_BORN = datetime(2015, 12, 1).date()  # noqa: DTZ001
assert british_date(_BORN)


class SmallPool:
    """The user pool, with only what operators' commands ask of it: the users and their names."""

    def __init__(self, world: World) -> None:
        self.world = world

    class exceptions:  # noqa: N801 (a client's own name)
        """What the client raises."""

        class UsernameExistsException(Exception):
            """There is such a user."""

    def get_paginator(self, _: str) -> SmallPool:
        return self

    def paginate(self, **_: str) -> Iterator[dict[str, Any]]:
        yield {"Users": [self._told(sub) for sub in sorted(self.world.in_pool)]}

    def admin_create_user(self, *, Username: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        self.world.scheduler.before("create user", Username, write=True)
        if Username in self.world.in_pool:
            raise self.exceptions.UsernameExistsException
        self.world.in_pool.add(Username)
        self.world.scheduler.after("create user", Username)
        return {"User": self._told(Username)}

    def admin_set_user_password(self, **_: Any) -> None:
        return None

    def admin_get_user(self, *, Username: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"UserAttributes": self._told(Username)["Attributes"]}

    def _told(self, sub: str) -> dict[str, Any]:
        return {"Attributes": [{"Name": "sub", "Value": sub}, {"Name": "email", "Value": sub}]}


class _InTurn:
    """Replaces a pool of threads that only read. The actor itself does their work, one item after another."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> _InTurn:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def map(self, act: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """What comes of each."""
        return [act(item) for item in items]


class _Silent:
    """Replaces a handler's logger and metrics, and ignores what it is told."""

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


class _Clock(datetime):
    """Replaces a handler's `datetime` by the clock of its machine."""

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        world = present()
        return world.scheduler.local(world.scheduler.current)


def _partial_response(event: Any, record_handler: Any, processor: Any, context: Any) -> Any:
    """Each machine has a processor of its own; here they share a process."""
    return process_partial_response(event, record_handler, BatchProcessor(event_type=processor.event_type), context)


def handler(module: Any, name: str = "handler") -> Callable[[dict[str, Any], Any], Any]:
    """A handler without what Powertools wraps around it for logs and metrics."""
    return cast(Callable[[dict[str, Any], Any], Any], inspect.unwrap(getattr(module, name)))


@cache
def _holders() -> tuple[tuple[Any, str, Any], ...]:
    """The modules that hold what gives a service, under which name, and what is put in its place."""
    found: list[tuple[Any, str, Any]] = []
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PLAYED and name not in (__name__, services.__name__):
            for known, value in list(vars(module).items()):
                # By identity: not everything that a module holds can be compared.
                played = next((played for real, played in _PLAYED if value is real), None)
                if played is not None:
                    found.append((module, known, played))
    return tuple(found)


@cache
def _replaced() -> tuple[tuple[Any, str, Any], ...]:
    def randomness(count: int) -> bytes:
        return Present.world.plan.randbytes(count) if Present.world else bytes(count)

    found: list[tuple[Any, str, Any]] = list(_holders())
    for module in HANDLERS:
        found += [(module, "open_stores", lambda: present().stores)]
        found += [(module, name, _Silent()) for name in ("logger", "metrics")]
        if hasattr(module, "process_partial_response"):
            found.append((module, "process_partial_response", _partial_response))
        if hasattr(module, "datetime"):
            found.append((module, "datetime", _Clock))
    found += [
        (report_freeze, "open_queue", lambda name: present().queue(name)),
        *((module, "service_names", lambda: (SERVICE,)) for module in (report_freeze, rebuilding)),
        (report_freeze, "single_metric", lambda *_, **__: nullcontext(_Silent())),
        (report_build, "setting", lambda _: REPORT_DEAD_LETTERS),
        (check_upload, "read_submission", read_submission),
        (build_report, "school_figures", _figures),
        (build_report, "build_pdf", build_pdf),
        (build_report, "build_workbook", lambda report: render(report, "xlsx")),
        (freeze_window, "ThreadPoolExecutor", Pool),
        (sweep_bucket, "ThreadPoolExecutor", Pool),
        (lookups, "ThreadPoolExecutor", _InTurn),  # eight reads, of which the order makes no difference
        (import_extract, "ThreadPoolExecutor", Pool),
        (evidence, "ThreadPoolExecutor", Pool),
        (history, "ThreadPoolExecutor", Pool),
        (verifying, "read_submission", read_submission),
        (uploading, "token_bytes", randomness),
        (uploads, "UNSETTLED_PARTITIONS", 2),  # eight take a third of a sweep's calls, and are read one after another
    ]
    return tuple(found)


@contextmanager
def small_boundaries() -> Iterator[None]:
    """What is replaced, for as long as histories are played."""
    replaced: Iterable[tuple[Any, str, Any]] = _replaced()
    before = [(module, name, getattr(module, name)) for module, name, _ in replaced]
    for module, name, value in replaced:
        setattr(module, name, value)
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)
