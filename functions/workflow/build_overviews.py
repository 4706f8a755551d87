"""Building what is made of many schools' files: a trust's report, and the operators' summary.

As the data set does (docs/decisions/0052), a run looks at what a document would be made of now and builds it anew where
that has changed. So a freeze, a straggler that is let in, a deletion, a school that joins or leaves the trust and a
newer template each lead to a new document, and no other use case need tell of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from adapters import report_pdf
from adapters.lookups import Place, amended, calendar_now, standings, window_states
from adapters.objects import written_once
from adapters.stores import Stores
from adapters.summary_workbook import build_summary_workbook
from adapters.trust_workbook import build_trust_workbook
from early_results import keys, object_keys
from early_results.canonical import canonical, sha256, sha256_of
from early_results.counting.freeze import State, WindowState
from early_results.counting.registers import register_from_item
from early_results.counting.standing import Standing
from early_results.counting.uploads import ReportState
from early_results.ids import authority_of
from early_results.media import MEDIA_TYPES
from early_results.object_keys import (
    OVERVIEW_FORMS,
    counted_key,
    national_key,
    overview_folder,
    overview_key,
    summary_key,
)
from early_results.reporting.operators import Counted, Participation, SummaryInput, count_once
from early_results.reporting.summary import EMPTY, Summary
from early_results.reporting.taking import National
from early_results.reporting.trusts import Member, TrustInput
from early_results.service import Service, Window
from early_results.writes import Item, Key, Put

FORM = 1  # goes up with every change of the code that shows in a document; a template's change is seen by itself
AT_ONCE = 100  # summaries that are read together and kept no longer
SPARE_SECONDS = 30.0  # with less time left a run stops, and the next one goes on; a trust of 100 schools takes 2 s


class SummaryMissingError(RuntimeError):
    """A file that counts has no summary: it is being deleted at this moment, or the table is being rebuilt."""


@dataclass(slots=True)
class Told:
    """What a run came to: how many documents it built, could not build, and left to the next run."""

    built: int = 0
    failed: list[tuple[str, Exception]] = field(default_factory=list)
    behind: int = 0


class _Trust(NamedTuple):
    """A trust as it is now: its name, and the names of its schools by number."""

    trust: str
    name: str
    schools: dict[str, str]


class _Season(NamedTuple):
    """One frozen window of a service, and the schools and the trusts as they are now."""

    service: Service
    window: Window
    state: WindowState
    schools: tuple[str, ...]
    trusts: tuple[_Trust, ...]


def build_overviews(stores: Stores, service: Service, seconds_left: Callable[[], float]) -> Told:
    """One run for one service: every document of every frozen window that is not of what counts now.

    `seconds_left` says how long it may still take. Safe to repeat and to die in.
    """
    told = Told()
    if any(True for _ in stores.records.list(object_keys.season_key(service.name))):
        _remove(stores, (listed.key for listed in stores.results.list(overview_folder(service.name))))
        return told
    calendar = calendar_now(stores, service)
    frozen = {n: state for n, state in window_states(stores, calendar).items() if state.state is State.FROZEN}
    if not frozen:
        return told
    if stores.table.get(keys.rebuild()) is not None:
        told.behind += 1  # nobody knows yet what stragglers came to
        return told
    schools, trusts = _listed(stores)
    for window in calendar.windows:
        if window.number in frozen:
            _window(stores, _Season(service, window, frozen[window.number], schools, trusts), told, seconds_left)
    return told


def _listed(stores: Stores) -> tuple[tuple[str, ...], tuple[_Trust, ...]]:
    schools: dict[str, dict[str, str]] = {}
    rows = list(stores.table.query(keys.SCHOOLS))
    for row in rows:
        if row.get("trust"):
            schools.setdefault(str(row["trust"]), {})[str(row["school"])] = str(row.get("name", ""))
    names = stores.table.get_many(map(keys.trust, schools))
    trusts = [
        _Trust(trust, str(names.get(keys.trust(trust), {}).get("name", "")), dict(sorted(schools[trust].items())))
        for trust in sorted(schools)
    ]
    return tuple(sorted(str(row["school"]) for row in rows)), tuple(trusts)


def _window(stores: Stores, season: _Season, told: Told, seconds_left: Callable[[], float]) -> None:
    service, number = season.service.name, season.window.number
    looked = _looked_at(stores, season)
    key = keys.overviews(service, number)
    if (stores.table.get(key) or {}).get("looked_at") == looked:
        return
    before = len(told.failed) + told.behind
    national = National.from_json(json.loads(stores.records.get(national_key(service, number))))
    kept = _summary(stores, season, national, told) | {counted_key(service, number)}
    for trust in season.trusts:
        if seconds_left() < SPARE_SECONDS:
            told.behind += 1
            return
        kept |= _trust(stores, season, national, trust, told)
    if len(told.failed) + told.behind > before:
        return  # the next run tries again
    listed = [found.key for found in stores.results.list(overview_folder(service, number))]
    _remove(stores, (name for name in listed if name not in kept))
    stores.table.write(Put(key, {"looked_at": looked}))


def _looked_at(stores: Stores, season: _Season) -> str:
    """All that can lead to another document, without reading a file: if it is as it was, there is nothing to do."""
    return sha256_of(
        {
            "form": _form(),
            "manifest": season.state.manifest_sha256,
            "amended": amended(stores, season.service.name, season.window.number),
            "trusts": season.trusts,
            "schools": season.schools,
            "reports": season.window.reports.isoformat(),
        }
    )


@cache
def _form() -> str:
    """What the documents look like: the templates and fonts as they are deployed, and FORM."""
    parts = [FORM, *(sha256(path.read_bytes()) for path in sorted(Path(report_pdf.ASSETS).iterdir()))]
    return sha256_of(parts)


def _trust(stores: Stores, season: _Season, national: National, trust: _Trust, told: Told) -> set[str]:
    """Builds a trust's report unless it is of what counts now. Gives the keys of its objects."""
    service, number = season.service.name, season.window.number
    key = keys.trust_report(service, number, trust.trust)
    counts: dict[str, str] = {}
    try:
        stands = standings(stores, [Place(service, number, school) for school in trust.schools])
        counts = {place.school: one.upload or "" for place, one in stands.items()}
        if not any(counts.values()):
            stores.table.delete(key)
            return set()
        schools = [[*place, one.upload, one.carried_from, one.deleted] for place, one in sorted(stands.items())]
        made_of = sha256_of(
            [_form(), national.sha256, season.service.ruleset, season.window.reports.isoformat(), trust, schools]
        )
        files = {form: overview_key(service, number, trust.trust, made_of, form) for form in OVERVIEW_FORMS}
        item = stores.table.get(key) or {}
        if item.get("made_of") == made_of and item.get("state") == ReportState.READY.value:
            return set(files.values())
        report = TrustInput(
            season.service,
            trust.trust,
            trust.name,
            number,
            season.state.closes or season.window.closes,
            season.window.reports,
            _members(stores, stands, trust.schools),
            national,
        )
        made = {"pdf": report_pdf.build_trust_pdf(report), "xlsx": build_trust_workbook(report)}
        _store(stores, key, files, made, made_of, {"schools": counts})
    except SummaryMissingError:
        told.behind += 1
        return set()
    except Exception as error:
        stores.table.write(Put(key, {"state": ReportState.FAILED.value, "schools": counts}))
        told.failed.append((f"TRUST#{trust.trust}", error))
        return set()
    told.built += 1
    return set(files.values())


def _summary(stores: Stores, season: _Season, national: National, told: Told) -> set[str]:
    """Builds the operators' summary unless it is of what counts now. Gives the keys of its objects."""
    service, number = season.service.name, season.window.number
    key = keys.operators_summary(service, number)
    changes = amended(stores, service, number)
    try:
        counted = _counted(stores, season, national)
        authorities = _authorities(stores, season)
        made_of = sha256_of(
            [
                _form(),
                national.sha256,
                season.service.ruleset,
                season.window.reports.isoformat(),
                counted.to_json(),
                authorities,
            ]
        )
        files = {form: summary_key(service, number, made_of, form) for form in OVERVIEW_FORMS}
        item = stores.table.get(key) or {}
        now = {"changes": sha256_of(changes), "schools": sum(one.listed for one in authorities.values())}
        if (item.get("made_of"), item.get("state")) == (made_of, ReportState.READY.value):
            if item["changes"] != now["changes"]:
                stores.table.write(Put(key, {**item, **now}))
            return set(files.values())
        closes = season.state.closes or season.window.closes
        report = SummaryInput(season.service, number, closes, season.window.reports, national, authorities, counted)
        made = {"pdf": report_pdf.build_summary_pdf(report), "xlsx": build_summary_workbook(report)}
        _store(stores, key, files, made, made_of, now)
    except Exception as error:
        state = ReportState.FAILED.value
        stores.table.write(Put(key, {"state": state, "changes": sha256_of(changes), "schools": 0}))
        told.failed.append(("OPERATOR", error))
        return set()
    told.built += 1
    return set(files.values())


def _counted(stores: Stores, season: _Season, national: National) -> Counted:
    """What is told of authorities and of the spread of schools: counted once, and kept."""
    service, number = season.service.name, season.window.number
    key = counted_key(service, number)
    if stores.results.has(key):
        return Counted.from_json(json.loads(stores.results.get(key)))
    rows = stores.table.get_many(keys.window_register(service, number, school) for school in season.schools)
    sealed = {
        school: upload
        for school in season.schools
        if (where := keys.window_register(service, number, school)) in rows
        and (upload := register_from_item(where, rows[where]).frozen_upload)
    }
    trusts = (
        {school: trust for trust, schools in national.taking.trusts.items() for school in schools}
        if (national.taking)
        else {}
    )

    def files() -> Iterator[tuple[str, Summary | None]]:
        schools = list(sealed)
        for start in range(0, len(schools), AT_ONCE):
            some = schools[start : start + AT_ONCE]
            items = stores.table.get_many(keys.summary(sealed[school]) for school in some)
            for school in some:
                item = items.get(keys.summary(sealed[school]))
                yield school, Summary.from_json(json.loads(item["summary"])) if item else None

    found = count_once(season.service, files(), national, trusts)
    return Counted.from_json(json.loads(written_once(stores.results, key, canonical(found.to_json()))))


def _authorities(stores: Stores, season: _Season) -> dict[str, Participation]:
    """Who took part, by local authority, as it is now."""
    service, number = season.service.name, season.window.number
    stands = standings(stores, [Place(service, number, school) for school in season.schools])
    found: dict[str, Participation] = {}
    for place, one in stands.items():
        sent, late = bool(one.upload), bool(one.upload and one.let_in)
        carried = sent and not late and one.carried_from is not None
        add = Participation(1, int(sent and not late and not carried), int(carried), int(late), int(one.deleted))
        before = found.get(authority_of(place.school), Participation())
        found[authority_of(place.school)] = Participation(*map(sum, zip(before, add, strict=True)))
    return found


def _store(stores: Stores, key: Key, files: dict[str, str], made: dict[str, bytes], made_of: str, more: Item) -> None:
    for form, data in made.items():
        stores.results.put(files[form], data, MEDIA_TYPES[form])
    hashes = {form: sha256(data) for form, data in made.items()}
    state = ReportState.READY.value
    stores.table.write(Put(key, {"state": state, "made_of": made_of, "sha256": hashes, **more}))


def _members(stores: Stores, stands: dict[Place, Standing], names: dict[str, str]) -> tuple[Member, ...]:
    """The schools of a trust with the summaries of what counts, and those by which they are in all schools' sum."""
    late = {place: keys.window_register(*place) for place, one in stands.items() if one.let_in or one.deleted}
    rows = stores.table.get_many(late.values())
    sealed = {
        place: register_from_item(late[place], rows.get(late[place])).frozen_upload if place in late else one.upload
        for place, one in stands.items()
    }
    wanted = {upload for upload in sealed.values() if upload} | {one.upload for one in stands.values() if one.upload}
    items = stores.table.get_many(keys.summary(upload) for upload in sorted(wanted))
    found = {
        upload: Summary.from_json(json.loads(items[keys.summary(upload)]["summary"]))
        for upload in wanted
        if keys.summary(upload) in items
    }
    members = []
    for place, one in sorted(stands.items()):
        if one.upload and one.upload not in found:
            raise SummaryMissingError("a file that counts has no summary")
        was = sealed[place]
        inside = EMPTY if was is None else found.get(was)
        summary = found[one.upload] if one.upload else None
        members.append(Member(place.school, names[place.school], summary, inside, one.carried_from, one.deleted))
    return tuple(members)


def _remove(stores: Stores, names: Iterable[str]) -> None:
    for name in list(names):
        stores.results.remove(name)
