"""Filled-in workbooks for the stack's tests, made from the templates that the portal hands out."""

from __future__ import annotations

from functools import cache

from adapters.templates import template_workbook
from early_results.checking.roster import Roster
from early_results.results import Pupil
from early_results.service import load_service
from infra.local.demonstration import SERVICE, fill, results_of, with_errors
from tests.conftest import Deployed

__all__ = ["bad", "good", "template_of"]


def good(deployed: Deployed, school: str, seed: int = 1) -> bytes:
    """A good file of a school; another seed, other results."""
    return _filled(deployed.seeded.pupils[school], school, seed, False)


def bad(deployed: Deployed, school: str, seed: int = 1) -> bytes:
    """A file of a school with four errors."""
    return _filled(deployed.seeded.pupils[school], school, seed, True)


def template_of(deployed: Deployed, school: str) -> bytes:
    """A school's empty template."""
    return _template(deployed.seeded.pupils[school], school)


@cache
def _template(pupils: tuple[Pupil, ...], school: str) -> bytes:
    from datetime import UTC, datetime

    moment = datetime(2023, 6, 5, 8, tzinfo=UTC)
    return template_workbook(load_service(SERVICE), Roster(school, "test", moment, pupils), moment)


@cache
def _filled(pupils: tuple[Pupil, ...], school: str, seed: int, wrong: bool) -> bytes:
    service = load_service(SERVICE)
    results = {pupil.upn: results_of(service, pupil, seed) for pupil in pupils}
    return fill(_template(pupils, school), service, with_errors(service, results) if wrong else results)
