"""What changed: a school's new file against its last good one, by pupil and column.

Each file replaces the one before it completely, so the commonest costly mistake is a file that leaves something out.
Pupils are matched by UPN. The public form holds columns, counts and cells of the new file. The private form, for the
results bucket, also holds UPNs. Neither holds a value of a cell.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from early_results.results import PupilResults
    from early_results.service import Service


class Kind(StrEnum):
    """What happened to a result between the two files."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Change(NamedTuple):
    """One result that differs. `row` is the new file's, None if the pupil is not in it; `column` is a column key."""

    upn: str
    row: int | None
    column: str
    kind: Kind


class _Given(NamedTuple):
    """The results of one pupil in one file: codes and numbers by column key."""

    assessments: Mapping[str, str]
    scores: Mapping[str, int]

    def result(self, key: str) -> str | int | None:
        """What a column holds. In one that takes codes and numbers, a number may have become a code."""
        return self.assessments.get(key) or self.scores.get(key)


class Changes(NamedTuple):
    """Every result that differs, in the order of the new file (pupils who are not in it last) and of the columns."""

    cells: tuple[Change, ...]

    def count(self, kind: Kind, column: str | None = None) -> int:
        """How many results were added, changed or removed, in all or in one column (by key)."""
        return sum(1 for c in self.cells if c.kind is kind and column in (None, c.column))

    @property
    def pupils(self) -> int:
        """How many pupils have at least one result that differs."""
        return len({c.upn for c in self.cells})

    def to_json(self, service: Service) -> dict[str, Any]:
        """For the API and the record: counts in all and by column heading, and the rows concerned; no UPN, no value."""
        columns = []
        for column in service.results:
            counts = {kind.value: self.count(kind, column.key) for kind in Kind}
            if any(counts.values()):
                columns.append({"column": column.heading, **counts})
        rows = sorted({c.row for c in self.cells if c.row is not None})
        totals: dict[str, Any] = {kind.value: self.count(kind) for kind in Kind}
        return {**totals, "pupils": self.pupils, "columns": columns, "rows": rows}

    def to_private_json(self) -> list[list[str | int | None]]:
        """Everything, with UPNs, for the results bucket: `from_private_json` reads it back."""
        return [[c.upn, c.row, c.column, c.kind.value] for c in self.cells]

    @staticmethod
    def from_private_json(data: Iterable[Sequence[Any]]) -> Changes:
        """The changes that `to_private_json` wrote. ValueError if it did not."""
        return Changes(tuple(Change(upn, row, column, Kind(kind)) for upn, row, column, kind in data))


def what_changed(previous: Sequence[PupilResults], current: Sequence[PupilResults], service: Service) -> Changes:
    """What differs between two files: results that are new or other in `current`, or gone from `previous`."""
    cells: list[Change] = []
    keys = [column.key for column in service.results]
    before = {entry.pupil.upn: entry for entry in previous}
    for entry in current:
        old = before.pop(entry.pupil.upn, None)
        if old is None:
            if entry.assessments or entry.scores:
                cells += _compared(
                    entry.pupil.upn, entry.row, _Given({}, {}), _Given(entry.assessments, entry.scores), keys
                )
        elif old.assessments != entry.assessments or old.scores != entry.scores:
            cells += _compared(
                entry.pupil.upn,
                entry.row,
                _Given(old.assessments, old.scores),
                _Given(entry.assessments, entry.scores),
                keys,
            )
    for upn, gone in before.items():
        cells += _compared(upn, None, _Given(gone.assessments, gone.scores), _Given({}, {}), keys)
    return Changes(tuple(cells))


def _compared(
    upn: str,
    row: int | None,
    old: _Given,
    new: _Given,
    keys: Sequence[str],
) -> list[Change]:
    found = []
    for key in keys:
        was, now = old.result(key), new.result(key)
        if was != now:
            kind = Kind.ADDED if was is None else Kind.REMOVED if now is None else Kind.CHANGED
            found.append(Change(upn, row, key, kind))
    return found
