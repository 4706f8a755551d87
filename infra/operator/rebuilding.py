"""Writes the table again from the buckets, after a total loss (DESIGN 5 "Evidence", 6).

The order matters, because the functions may be running. Users are put back near the end: until then nobody can sign in
and upload. Uploads without a verdict are put back last, so that none is judged before its user and roster are there. A
mark in the table keeps the freeze and the sweep away until all is done, and lets an interrupted rebuild be run again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from adapters.errors import Conflict, NotThere
from adapters.lookups import rely_on_calendar
from adapters.objects import Version
from adapters.settings import deployed_service
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import canonical, sha256
from early_results.checking.roster import BadRoster, parse_rosters, roster_from_json
from early_results.counting import verdicts
from early_results.counting.calendar import FORM_LIFETIME
from early_results.counting.freeze import State, manifest_lines
from early_results.counting.registers import Mark, counting, register_from_item
from early_results.counting.uploads import SHOWN_FINDINGS, Held, ReportState, Status, Upload
from early_results.counting.verdict_record import VerdictRecord
from early_results.findings import Code
from early_results.ids import ulid_time
from early_results.object_keys import (
    REPORT_FORMS,
    extract_key,
    findings_key,
    manifest_key,
    report_key,
    roster_key,
    season_key,
    user_key,
)
from early_results.reporting.summary import summarise
from early_results.results import Pupil, PupilResults, extract_json, results_from_extract
from early_results.service import service_names, with_ruleset
from early_results.times import from_text, to_text
from early_results.writes import ABSENT, Item, Key, Put
from workflow.adopt_object import forget_unattributed
from workflow.check_upload import judge_again
from workflow.import_extract import (
    Stamp,
    import_extract,
    list_school,
    named_version,
    note_begun,
    note_first_school,
    put_stamped,
)

from .evidence import Evidence, EvidenceUnclear, Record, each, first_school, gather
from .operating import OperatorSession, pinned_for_report


class Joined(NamedTuple):
    """A good file that was joined to a register, by its mark."""

    mark: Mark
    verdict: VerdictRecord


WAITING = (Status.AWAITING_UPLOAD.value, Status.CHECKING.value)


class CannotRebuild(Exception):
    """The table is not lost: there are schools in it. The message says so."""


@dataclass(slots=True)
class Rebuilt:
    """How many items of each kind were written, and the reports that are built again."""

    items: Counter[str] = field(default_factory=Counter)
    reports: int = 0


def rebuild(session: OperatorSession, now: datetime) -> Rebuilt:
    """Rebuilds the table. CannotRebuild if it is not lost, EvidenceUnclear if a calendar cannot be told: then nothing
    is written, until `decide_calendar` has said which one was in force."""
    stores = session.stores
    if stores.table.get(keys.rebuild()) is None:
        if _in_use(stores):
            raise CannotRebuild("the table has its users or schools in it: it is not lost, and nothing was changed")
        _told_calendars(stores)
        stores.table.write(Put(keys.rebuild(), {"begun": to_text(now), "by": session.who}))
    names = _names(session)
    parts = [_Service(stores, evidence, names) for evidence in _told_calendars(stores)]
    told = Rebuilt()
    told.items.update(_organisations(stores))
    for part in parts:
        told.items.update(part.settled())
    told.items["users"] = _users(stores, names)
    for part in parts:
        told.items["uploads without a verdict"] += part.unjudged()
    messages = [message for part in parts for message in part.reports]
    session.report_queue.send(messages)
    told.reports = len(messages)
    for part in parts:
        # while the records were missing, a sweep may have recorded objects as unattributed
        forget_unattributed(stores, part.name)
    stores.table.delete(keys.rebuild())
    return told


def _in_use(stores: Stores) -> bool:
    """Whether the table is not lost: it has most of the users that evidence names, or, before there are any, schools.

    An extract that comes between the loss and the rebuild puts its schools into the empty table. Only a rebuild brings
    the users back.
    """
    subs = [listed.key.removeprefix("users/").removesuffix(".json") for listed in stores.records.list("users/")]
    if subs:
        return 2 * len(stores.table.get_many(keys.user(sub) for sub in subs)) > len(subs)
    return any(True for _ in stores.table.query(keys.SCHOOLS, limit=1))


def _told_calendars(stores: Stores) -> list[Evidence]:
    """The evidence of every service. EvidenceUnclear where an old calendar might be taken for the one in force."""
    found = [gather(stores, deployed_service(name)) for name in service_names()]
    for evidence in found:
        if evidence.undecided:
            name, last = evidence.service.name, evidence.calendar.version
            raise EvidenceUnclear(
                f"the calendar of {name} was to be changed after version {last}, and nothing says whether that came "
                f"into force: {', '.join(evidence.undecided)}. Say which record was in force, for example "
                f"--calendar {name}={evidence.undecided[-1]}"
            )
    return found


def describe(told: Rebuilt) -> str:
    """What was rebuilt, for a terminal."""
    lines = [f"{number:8,}  {what}" for what, number in sorted(told.items.items())]
    return "\n".join([*lines, f"{told.reports:8,}  reports are built again", "The table is rebuilt."])


class _Service:
    """One service's part of the table."""

    def __init__(self, stores: Stores, evidence: Evidence, names: dict[str, str]) -> None:
        self.stores = stores
        self.evidence = evidence
        self.names = names
        self.name = evidence.service.name
        self.reports: list[dict[str, Any]] = []
        self.built: dict[tuple[int, str], Item] = {}  # by window and upload: the report's item
        # by the second in which S3 received them
        self.extracts: dict[str, list[tuple[Stamp, dict[str, tuple[Pupil, ...]]]]] = {}
        self.manifests = {
            number: {line["school"]: line for line in manifest_lines(data)}
            for number, data in evidence.manifests.items()
        }
        self.pending = self._pending()
        self.rows: dict[tuple[int, str], Item] = {}  # the registers of the windows, by window and school
        self.added: dict[tuple[int, str], Item] = {}  # the latest straggler that was let in beside them
        self.current: dict[str, Joined] = {}
        self.joined: dict[str, list[Mark]] = {}  # the marks of all files that ever joined a school's registers

    def settled(self) -> Counter[str]:
        """Everything but unjudged uploads; gives the numbers of items by kind."""
        made: Counter[str] = Counter()
        calendar = self.evidence.calendar
        if calendar.version:
            record = {"calendar": calendar.to_json(), "version": calendar.version}
            made["calendars"] = self._put([(keys.calendar(self.name), record)])
        judged = [verdict.received for verdict in self.evidence.verdicts.values()]
        if judged:
            # a command that changes the calendar may have hung while the table was lost
            rely_on_calendar(self.stores.table, self.name, max(judged))
        made["window states"] = self._put((keys.state(self.name, n), i) for n, i in self._states())
        rosters = list(self._rosters())
        for key, item in rosters:
            # An older extract may have come again, and been taken into the empty table.
            put_stamped(self.stores, key, item)
        made["rosters"] = len(rosters)
        made["registers of windows"] = self._put(self._window_registers())
        if self.stores.records.has(season_key(self.name)):
            # the season is closed: its files, results and reports are removed, and only what was frozen is left
            return made
        made["registers of services"] = self._put(self._current_registers())
        made["stragglers let in"] = self._put(self._added())
        self._reports()
        made["reports"] = self._put(
            (keys.report(self.name, number, school), item) for (number, school), item in self._report_items()
        )
        made["uploads"] = self._put(
            entry for made_of in each(self._judged, sorted(self.evidence.verdicts)) for entry in made_of
        )
        made["uploads"] += self._put(self._deleted(upload) for upload in self._deleted_unjudged())
        return made

    def _put(self, entries: Iterable[tuple[Key, Item]]) -> int:
        """Writes items where there are none: an earlier, interrupted run may have come further."""

        def put(entry: tuple[Key, Item]) -> None:
            key, item = entry
            kept = {name: value for name, value in item.items() if value is not None}
            if key.sk in ("CALENDAR", "STATE"):
                self.stores.table.write(Put(key, kept))  # a freeze may have begun on the empty table
                return
            _put_new(self.stores, key, kept)

        return len(each(put, list(entries)))

    # Windows and registers.

    def _states(self) -> Iterable[tuple[int, Item]]:
        for number, terms in self.evidence.closings.items():
            item: Item = {
                "state": State.CLOSING.value,
                "closes": terms["closes"],
                "calendar_version": int(terms["calendar_version"]),
                "service": self.name,
                "window": number,
                "sealing": "yes",
            }
            # otherwise the freeze must still finish the window
            if number in self.manifests and number in self.evidence.figures:
                first = self.stores.records.oldest(manifest_key(self.name, number))
                item |= {
                    "state": State.FROZEN.value,
                    "manifest_key": manifest_key(self.name, number),
                    "manifest_version": first.version if first else "",
                    "manifest_sha256": sha256(self.evidence.manifests[number]),
                    "national_sha256": sha256(self.evidence.figures[number]),
                    "reports_queued": "yes",
                }
            yield number, item

    def _accepted(self, number: int) -> dict[str, list[Joined]]:
        """The good files of a window that were joined to its registers, by school."""
        found: dict[str, list[Joined]] = {}
        for upload, verdict in self.evidence.verdicts.items():
            if not verdict.accepted or verdict.window != number or upload in self.pending:
                continue
            if self.evidence.offered(upload):
                found.setdefault(str(verdict.school), []).append(Joined(self._mark(verdict), verdict))
        return found

    def _mark(self, verdict: VerdictRecord) -> Mark:
        return Mark(verdict.received, verdict.upload_id, verdict.upload_id in self.evidence.tombstones)

    def _pending(self) -> set[str]:
        """Good files that are still to be offered.

        Of a window that was frozen without them: the sweep finds them stragglers. And those judged since an earlier run
        of this rebuild, which died, had put their records back: they are in no register yet.
        """
        good = [upload for upload, verdict in self.evidence.verdicts.items() if verdict.accepted]
        records = self.stores.table.get_many(keys.upload(upload) for upload in good)
        pending = {str(item["upload_id"]) for item in records.values() if item["status"] in WAITING}
        for upload, verdict in self.evidence.verdicts.items():
            line = self.manifests.get(verdict.window or 0)
            unknown = upload in self.evidence.tombstones or not self.evidence.offered(upload)
            if line is None or not verdict.accepted or unknown:
                continue
            frozen = line.get(str(verdict.school), {"upload": None, "carried_from": None})
            own = self.evidence.verdicts.get(str(frozen["upload"])) if frozen["carried_from"] is None else None
            stands = self._mark(own) if own else self._greatest_deleted(verdict)
            if stands is None or (stands.received, stands.upload_id) < (verdict.received, upload):
                pending.add(upload)
        return pending

    def _greatest_deleted(self, verdict: VerdictRecord) -> Mark | None:
        """The greatest mark of a school's deleted files of a window: where the manifest has nothing, it stood there."""
        marks = [
            self._mark(other)
            for upload, other in self.evidence.verdicts.items()
            if upload in self.evidence.tombstones
            and self.evidence.offered(upload)
            and other.accepted
            and (other.school, other.window) == (verdict.school, verdict.window)
        ]
        return max(marks, default=None)

    def _window_registers(self) -> Iterable[tuple[Key, Item]]:
        rows = self.rows
        for upload, verdict in sorted(self.evidence.verdicts.items()):
            if not verdict.accepted and verdict.school_allowed and verdict.window:
                rows[verdict.window, verdict.school_allowed] = {"school": verdict.school_allowed, "tried": upload}
        for window in self.evidence.calendar.windows:
            number = window.number
            for school, joined in self._accepted(number).items():
                row = rows.setdefault((number, school), {})
                row |= self._register(max(joined, key=lambda one: one.mark))
            for school, line in self.manifests.get(number, {}).items():
                row = rows.setdefault((number, school), {})
                self._seal(row, number, school, line["upload"], line["carried_from"])
            if number in self.evidence.closings and number not in self.manifests:
                # The freeze died half way. An amendment shows that this school's register had been sealed.
                for record in self.evidence.amendments.get(number, ()):
                    row = rows.setdefault((number, record["school"]), {})
                    of = self.evidence.verdicts[record["upload"]].window
                    self._seal(row, number, record["school"], record["upload"], of if of != number else None)
        for (number, school), row in rows.items():
            yield keys.window_register(self.name, number, school), row

    def _seal(self, row: Item, number: int, school: str, upload: str | None, carried_from: int | None) -> None:
        row["school"] = school
        row["frozen_at"] = self.evidence.closings[number]["closes"]  # the evidence does not say when exactly
        if upload is None:
            return
        verdict = self.evidence.verdicts[upload]
        row |= _facts(verdict)
        if carried_from is None:
            row["mark"] = Mark(verdict.received, upload, deleted=False).to_text()
        else:
            row |= {"carried_from": carried_from, "carried_upload": upload}

    def _register(self, joined: Joined) -> Item:
        return {"mark": joined.mark.to_text(), **({} if joined.mark.deleted else _facts(joined.verdict))}

    def _current_registers(self) -> Iterable[tuple[Key, Item]]:
        for window in self.evidence.calendar.windows:
            accepted = self._accepted(window.number)
            for record in self.evidence.amendments.get(window.number, ()):
                verdict = self.evidence.verdicts[record["upload"]]
                if record["kind"] == "added" and verdict.window == window.number:
                    accepted.setdefault(record["school"], []).append(Joined(self._mark(verdict), verdict))
            for school, joined in accepted.items():
                before = [self.current[school]] if school in self.current else []
                self.current[school] = max([*joined, *before], key=lambda one: one.mark)
                self.joined.setdefault(school, []).extend(one.mark for one in joined)
        for school, stands in self.current.items():
            yield keys.current_register(self.name, school), self._register(stands)

    def _added(self) -> Iterable[tuple[Key, Item]]:
        latest: dict[tuple[int, str], Mark] = {}
        for number, record in self._additions():
            place, mark = (number, str(record["school"])), self._mark(self.evidence.verdicts[record["upload"]])
            latest[place] = max(latest.get(place, mark), mark)
        for (number, school), mark in latest.items():
            verdict = self.evidence.verdicts[mark.upload_id]
            item = _facts(verdict) | {"school": school}
            if verdict.window != number:
                item["carried_from"] = verdict.window
            self.added[number, school] = item
            yield keys.added(self.name, number, school), item

    def _additions(self) -> Iterable[tuple[int, Record]]:
        for number, records in self.evidence.amendments.items():
            yield from ((number, record) for record in records if record["kind"] == "added")

    # Rosters and reports.

    def _rosters(self) -> Iterable[tuple[Key, Item]]:
        found: dict[str, dict[str, list[str]]] = {}
        for listed in self.stores.uploads.list(f"school-rosters/{self.name}/"):
            _, _, school, name = listed.key.split("/")
            # A version begins with the time at which its extract was received.
            found.setdefault(school, {}).setdefault(name.partition("-")[0], []).append(name.removesuffix(".json"))
        latest = {school: self._in_force(school, max(of), of[max(of)]) for school, of in found.items()}

        def read(entry: tuple[str, tuple[str, str]]) -> tuple[Key, Item]:
            school, (version, stamp) = entry
            roster = roster_from_json(self.stores.uploads.get(roster_key(self.name, school, version)))
            item = {"version": version, "pupils": len(roster.pupils), "school": school, "made": to_text(roster.made)}
            return keys.roster(self.name, school), item | {"stamp": stamp or f"{to_text(roster.made)}#~"}

        return each(read, sorted(latest.items()))

    def _in_force(self, school: str, second: str, names: list[str]) -> tuple[str, str]:
        """Which of the rosters whose extracts S3 received in that second is in force, and the stamp of its extract.

        It is the stamp that the import gave. So another extract of that second, whose message comes after the rebuild,
        replaces it or not just as it would have done before. "" if the extract is gone.
        """
        stamps = {}
        for stamp, pupils in self._extracts(second):  # in order of stamps
            if school in pupils and named_version(stamp.received, pupils[school]) in names:
                stamps[named_version(stamp.received, pupils[school])] = stamp.text
        last = max(stamps, key=lambda name: stamps[name], default=max(names))
        return last, stamps.get(last, "")

    def _extracts(self, second: str) -> list[tuple[Stamp, dict[str, tuple[Pupil, ...]]]]:
        """The pupil lists that S3 received in a second, each read once."""
        if second not in self.extracts:
            self.extracts[second] = []
            for listed in self.stores.uploads.list(f"rosters/{self.name}/"):
                for place, version in enumerate(self.stores.uploads.versions(listed.key)):
                    if f"{version.received:%Y%m%dT%H%M%SZ}" == second:
                        stamp = Stamp(version.received, version.key, place)
                        source = self.stores.uploads.get(version.key, version.version)
                        with suppress(BadRoster):  # refused when it came
                            self.extracts[second].append((stamp, parse_rosters(source, self.evidence.service)))
        return self.extracts[second]

    def _reports(self) -> None:
        """Finds the reports that are built; what is missing is built again."""
        wanted: list[tuple[int, str, str]] = []
        for number, lines in self.manifests.items():
            if number not in self.evidence.figures:
                continue  # reports are queued once the window is frozen
            for school in lines.keys() | {of for at, of in self.added if at == number}:
                key, place = keys.window_register(self.name, number, school), (number, school)
                row = self.rows.get(place)
                counts = counting(register_from_item(key, row), row, self.added.get(place))
                if counts.upload and counts.upload not in self.evidence.tombstones:
                    wanted.append((number, school, counts.upload))
        for place, item in each(self._report, wanted):
            self.built[place] = item

    def _report(self, wanted: tuple[int, str, str]) -> tuple[tuple[int, str], Item]:
        number, school, upload = wanted
        item: Item = {"upload_id": upload, "service": self.name, "window": number, "school": school}
        item |= pinned_for_report(self.stores, self.evidence.calendar, number, school)
        try:
            hashes = {
                form: sha256(self.stores.results.get(report_key(self.name, number, school, upload, form)))
                for form in REPORT_FORMS
            }
        except NotThere:
            self.reports.append({"service": self.name, "window": number, "school": school})
            return (number, upload), {**item, "state": ReportState.PROCESSING.value}
        return (number, upload), {**item, "state": ReportState.READY.value, "sha256": hashes}

    def _report_items(self) -> Iterable[tuple[tuple[int, str], Item]]:
        for (number, _), item in self.built.items():
            yield (number, str(item["school"])), {n: v for n, v in item.items() if n != "school"}

    # Uploads.

    def _judged(self, upload_id: str) -> list[tuple[Key, Item]]:
        """The record of an upload that has a verdict, and the summary of a good one."""
        verdict = self.evidence.verdicts[upload_id]
        if upload_id in self.evidence.tombstones:
            return [self._deleted(upload_id)]
        upload = self._upload(
            upload_id,
            verdict.user,
            verdict.organisation,
            school=verdict.school_allowed or _own_school(verdict.organisation),
            received=verdict.received,
            version=verdict.version,
            sha256=verdict.sha256,
            window=verdict.window,
            ruleset=verdict.ruleset,
            roster_version=verdict.roster_version,
            figures_sha256=verdict.figures_sha256,
            replays=frozenset(v.version for v in self._versions(upload_id) if v.version != verdict.version),
            reports={str(n): str(item["state"]) for (n, of), item in self.built.items() if of == upload_id},
            **{
                "findings": self._findings(upload_id, verdict),
                "counts": verdict.counts,
                **self._standing(upload_id, verdict),
            },
        )
        made = [(upload.key, upload.to_item())]
        if verdict.accepted:
            results = self._results(upload)
            # By the rules that judged the file, as its figures were. Others may be in force by now.
            rules = with_ruleset(self.evidence.service, verdict.ruleset)
            text = canonical(summarise(rules, results).to_json()).decode()
            made.append((keys.summary(upload_id), {"summary": text, "service": self.name}))
        return made

    def _results(self, upload: Upload) -> tuple[PupilResults, ...]:
        """The results of a good file: its extract; judged once more where the check died before it wrote one."""
        key = extract_key(self.name, upload.upload_id)
        try:
            return results_from_extract(self.stores.results.get(key))
        except NotThere:
            again = judge_again(self.stores, upload)
            if again is None:
                raise
            self.stores.results.put(key, extract_json(again.verdict.results).encode(), "application/json")
            return again.verdict.results

    def _standing(self, upload_id: str, verdict: VerdictRecord) -> dict[str, Any]:
        """Where a judged upload stands: in or below a register, refused, or waiting for somebody."""
        if not verdict.accepted:
            return {"status": Status.UPLOAD_ERROR}
        if upload_id in self.pending:
            return {"status": Status.CHECKING, "offer_pending": True, "unsettled": True}
        if upload_id in self.evidence.stragglers and not self.evidence.let_in(upload_id):
            refusal = self.evidence.operation(upload_id, "refuse")
            if refusal is None:
                return {"status": Status.CHECKING, "held": Held.STRAGGLER}
            finding = verdicts.refused_late(self.evidence.calendar, verdict.received, str(refusal["reason"]))
            counts = {**verdict.counts, "errors": 1, "warnings": 0}
            return {"status": Status.UPLOAD_ERROR, "findings": (finding.to_json(),), "counts": counts}
        stands = self.current.get(str(verdict.school))
        if stands is not None and stands.mark.upload_id == upload_id:
            return {"status": Status.SUCCESSFUL}
        # The evidence does not say in which order they joined, so it is the next one in the register's order.
        mine, marks = self._mark(verdict), self.joined.get(str(verdict.school), [])
        later = [mark for mark in marks if (mark.received, mark.upload_id) > (mine.received, mine.upload_id)]
        return {"status": Status.OVERWRITTEN, "overwritten_by": min(later).upload_id if later else None}

    def _upload(self, upload_id: str, user: str, organisation: str, **more: Any) -> Upload:
        """A record with what every upload has. The name of the file was signed with its form."""
        issued = ulid_time(upload_id)
        expires_at = self.evidence.calendar.form_expiry(issued) or issued + FORM_LIFETIME
        versions = self._versions(upload_id)
        oldest = next((v for v in versions if v.version == more.get("version")), versions[0] if versions else None)
        signed = self.stores.uploads.metadata(oldest.key, oldest.version) if oldest else {}
        return Upload(
            upload_id=upload_id,
            service=self.name,
            user=user,
            user_name=self.names.get(user, ""),
            organisation=organisation,
            name=signed.get("name", ""),
            size=oldest.size if oldest else 0,
            issued=issued,
            expires_at=expires_at,
            trust=organisation.removeprefix("TRUST#") if organisation.startswith("TRUST#") else None,
            **more,
        )

    def _versions(self, upload_id: str) -> list[Version]:
        return self.evidence.files.get(upload_id, [])

    def _findings(self, upload_id: str, verdict: VerdictRecord) -> tuple[dict[str, Any], ...]:
        if Code.COULD_NOT_PROCESS in verdict.findings:
            return (verdicts.could_not_process(self.evidence.service).to_json(),)  # an operator closed it
        try:
            data = self.stores.results.get(findings_key(self.name, upload_id, "json"))
        except NotThere:
            return ()
        return tuple(json.loads(data)[:SHOWN_FINDINGS])

    def _deleted_unjudged(self) -> list[str]:
        return sorted(self.evidence.tombstones.keys() - self.evidence.verdicts.keys())

    def _deleted(self, upload_id: str) -> tuple[Key, Item]:
        """The tombstone of a deletion; the sweep finishes it once more, in case it was not."""
        verdict, tombstone = self.evidence.verdicts.get(upload_id), self.evidence.tombstones[upload_id]
        judged: dict[str, Any] = {}
        if verdict:
            judged = {
                "version": verdict.version,
                "sha256": verdict.sha256,
                "ruleset": verdict.ruleset,
                "roster_version": verdict.roster_version,
                "counts": verdict.counts,
                "figures_sha256": verdict.figures_sha256,
            }
        upload = self._upload(
            upload_id,
            str(tombstone["user"]),
            verdict.organisation if verdict else "",
            **judged,
            status=Status.DELETED,
            school=tombstone["school"],
            received=from_text(tombstone["received"]) if tombstone["received"] else None,
            window=tombstone["window"],
            held=Held(tombstone["held"]) if tombstone.get("held") else None,
            purge_pending=True,
        )
        return upload.key, upload.to_item()

    def unjudged(self) -> int:
        """Uploads whose file is there and has no verdict: the sweep queues them again. Gives their number."""
        waiting = self.evidence.files.keys() - self.evidence.verdicts.keys() - self.evidence.tombstones.keys()
        made = [entry for entry in each(self._unjudged, sorted(waiting)) if entry]
        return self._put(made)

    def _unjudged(self, upload_id: str) -> tuple[Key, Item] | None:
        oldest = self._versions(upload_id)[0]
        signed = self.stores.uploads.metadata(oldest.key, oldest.version)
        user, organisation = signed.get("user", ""), signed.get("organisation", "")
        # The user who sent it may have been removed since. It is enough that there was such a user.
        if signed.get("service") != self.name or not user or not self.stores.records.has(user_key(user)):
            return None  # no form of ours put it there: the sweep records it as unattributed
        upload = self._upload(
            upload_id,
            user,
            organisation,
            status=Status.AWAITING_UPLOAD,
            school=_own_school(organisation),
            unsettled=True,
        )
        return upload.key, upload.to_item()


def _own_school(organisation: str) -> str | None:
    """The school of a school's own user, which their upload belongs to whatever its rows say."""
    return organisation.removeprefix("SCHOOL#") if organisation.startswith("SCHOOL#") else None


def _facts(verdict: VerdictRecord) -> Item:
    """What a register keeps of an upload, from its verdict."""
    facts = {
        "upload_id": verdict.upload_id,
        "object_key": verdict.object_key,
        "version": verdict.version,
        "sha256": verdict.sha256,
        "received": to_text(verdict.received),
        "ruleset": verdict.ruleset,
        "figures": verdict.figures_sha256,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _put_new(stores: Stores, key: Key, item: Item) -> None:
    """Writes an item unless one is there: a write that lost a race with nothing left behind is tried again."""
    while True:
        try:
            stores.table.write(Put(key, item, require={"pk": ABSENT}))
        except Conflict:
            if stores.table.get(key) is None:
                continue
        return


def _organisations(stores: Stores) -> Counter[str]:
    """Schools and trusts: every version of their extracts is taken in again, in the order in which they came."""
    since = first_school(stores)
    if since is not None:
        note_first_school(stores, since)
    for name in ("schools", "trusts"):
        for version in stores.uploads.versions(f"rosters/{name}.csv"):
            with suppress(BadRoster):  # refused when it came
                import_extract(stores, version.key, version.version)
    for listed in stores.uploads.list("school-rosters/"):
        _, service, school = listed.key.split("/")[:3]
        note_begun(stores, service)
        list_school(stores, school)
    return Counter(schools=sum(1 for _ in stores.table.query(keys.SCHOOLS)))


def _users(stores: Stores, names: dict[str, str]) -> int:
    """Users' rights from evidence; their names from the pool. Who was removed stays so, and who is shut out too."""
    known = 0
    listed = [entry.key for entry in stores.records.list("users/")]
    for key, data in zip(listed, each(stores.records.get, listed), strict=True):
        sub, rights = key.removeprefix("users/").removesuffix(".json"), json.loads(data)
        if rights.get("state") == "removed":
            continue
        item = {"name": names.get(sub, ""), "role": rights["role"], "organisation": rights["organisation"]}
        if rights.get("state") == "disabled":
            item["disabled"] = "yes"
        _put_new(stores, keys.user(sub), item)
        known += 1
    return known


def _names(session: OperatorSession) -> dict[str, str]:
    """The address of every user of the pool, which is the name people see, by `sub`."""
    found = {}
    for page in session.cognito.get_paginator("list_users").paginate(UserPoolId=session.user_pool):
        for user in page["Users"]:
            told = {attribute["Name"]: attribute["Value"] for attribute in user["Attributes"]}
            found[told["sub"]] = told.get("email", "")
    return found
