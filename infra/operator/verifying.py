"""Works out from the buckets alone what a window must have frozen, and compares (DESIGN 5, "Evidence").

The files are read again: their hashes, S3's own times, and the verdict on their contents, with the roster it was
reached with. From that follows the maximum of each school, which is compared with the manifest and its amendments, the
national figures, and the registers of the table. It uses nothing of the code that joins and freezes, so that a fault
there shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from adapters.objects import Version
from adapters.rosters import roster_of_version
from adapters.stores import Stores
from early_results import keys
from early_results.canonical import canonical, sha256
from early_results.checking.check import judge
from early_results.checking.submission import read_submission
from early_results.counting.verdict_record import VerdictRecord
from early_results.findings import Code
from early_results.ids import authority_of
from early_results.reporting.summary import Summary, summarise
from early_results.reporting.taking import National, national
from early_results.service import Service, UnknownRuleset, with_ruleset
from early_results.times import from_text, moment_words, to_text

from .evidence import Evidence, Record, each, first_school, gather, memberships

NOT_JUDGED_ON_CONTENTS = frozenset({Code.COULD_NOT_PROCESS, Code.WINDOW_CLOSED})
LINE_FACTS = ("key", "version", "sha256", "received", "ruleset", "figures")


class Came(NamedTuple):
    """An upload by its place in the order of its school's uploads: the greatest counts."""

    received: datetime
    upload: str


class Rank(NamedTuple):
    """The same across windows: a file of a later window comes before any of an earlier one."""

    window: int
    came: Came


class Span(NamedTuple):
    """When a window opened and closed."""

    opens: datetime
    closes: datetime


class CannotVerify(Exception):
    """The window was not frozen, so that there is nothing to verify. The message says so."""


@dataclass(slots=True)
class Verification:
    """The outcome. `differences` has a line for each, none if all agrees; `notes` says what is still to be decided.

    `trusted` says what was taken as it is, without a proof: the outcome is as true as that.
    """

    window: int
    schools: int = 0
    files: int = 0
    frozen: int = 0
    differences: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    trusted: list[str] = field(default_factory=list)

    def wrong(self, text: str) -> None:
        """Notes a difference."""
        self.differences.append(text)


def verify_window(stores: Stores, service: Service, number: int) -> Verification:
    """Verifies a frozen window. CannotVerify if it was not frozen."""
    return Verifier(stores, gather(stores, service), number).run()


class Verifier:
    """One verification."""

    def __init__(self, stores: Stores, evidence: Evidence, number: int) -> None:
        window, since = evidence.calendar.window(number), first_school(stores)
        if window and number not in evidence.closings and since is not None and window.closes <= since:
            raise CannotVerify(
                f"window {number} of {evidence.service.name} is not-held: it had closed before there was a first "
                f"school, at {moment_words(since)}"
            )
        if number not in evidence.manifests or number not in evidence.closings:
            raise CannotVerify(f"window {number} of {evidence.service.name} is not frozen: there is no manifest")
        self.stores = stores
        self.evidence = evidence
        self.number = number
        self.told = Verification(number)
        self.summaries: dict[str, Summary] = {}

    def run(self) -> Verification:
        """Checks everything, in an order in which an earlier difference may explain later ones."""
        self._calendar()
        due = self._files()
        must = self._must(self.number)
        lines = self._manifest()
        self._amendments(lines)
        effective = self._effective(lines)
        self._compare(must, lines, effective)
        self._figures(lines)
        self._registers(lines)
        self._current()
        self._undecided()
        self.told.trusted = list(self._trusted(due))
        return self.told

    # When the window closed.

    def _span(self, number: int) -> Span:
        """When a window opened and closed: by its pinned close if it is frozen, otherwise by the calendar in force."""
        window = self.evidence.calendar.window(number)
        if window is None:
            raise CannotVerify(f"{self.evidence.service.name} has no window {number}")
        terms = self.evidence.closings.get(number)
        return Span(window.opens, from_text(terms["closes"]) if terms else window.closes)

    def _calendar(self) -> None:
        if self.evidence.undecided:
            self.told.notes.append(
                f"nothing says whether a change of the calendar came into force: {', '.join(self.evidence.undecided)}; "
                "`early-results windows` puts it right if the table has it"
            )
        terms = self.evidence.closings[self.number]
        version = int(terms["calendar_version"])
        if version not in self.evidence.in_force:
            self.told.wrong(f"it was closed by version {version} of the calendar, which never came into force")
        for later in sorted(v for v in self.evidence.in_force if v >= version):
            window = self.evidence.in_force[later].window(self.number)
            if window is None or to_text(window.closes) != terms["closes"]:
                said = to_text(window.closes) if window else "nothing"
                self.told.wrong(f"it was closed at {terms['closes']}; version {later} of the calendar says {said}")

    # The files, and the verdicts on them.

    def _files(self) -> list[VerdictRecord]:
        opens, closes = self._span(self.number)
        trusts = memberships(self.stores)
        due = []
        for upload, verdict in sorted(self.evidence.verdicts.items()):
            received = self._received(upload, verdict)
            inside = opens <= received < closes
            if inside is not (verdict.window == self.number):
                said = f"window {verdict.window}" if verdict.window else "no window"
                self.told.wrong(f"{upload} was received at {to_text(received)}, and its verdict says {said}")
            if inside:
                due.append((upload, verdict))
                self._authority(upload, verdict, trusts)
        for text in each(lambda entry: self._judge(*entry), due):
            self.told.differences += text
        self.told.files = len(due)
        self._never_judged(opens, closes)
        return [verdict for _, verdict in due]

    def _version(self, upload: str, verdict: VerdictRecord) -> Version | None:
        versions = self.evidence.files.get(upload, ())
        return next((version for version in versions if version.version == verdict.version), None)

    def _received(self, upload: str, verdict: VerdictRecord) -> datetime:
        """When S3 received the version that was judged; if the file was deleted since, what the verdict says."""
        version = self._version(upload, verdict)
        return version.received if version else verdict.received

    def _judge(self, upload: str, verdict: VerdictRecord) -> list[str]:
        """Reads a file again and judges it as it was judged; what differs."""
        version = self._version(upload, verdict)
        if version is None:
            return [] if upload in self.evidence.tombstones else [f"the file of {upload} is gone, without a tombstone"]
        wrong = []
        if (came := to_text(version.received)) != (said := to_text(verdict.received)):
            wrong.append(f"S3 received {upload} at {came}, its verdict says {said}")
        older = [other for other in self.evidence.files[upload] if other.received < version.received]
        stored = self.evidence.stored[upload]
        if any(stored.index(other.version) < stored.index(version.version) for other in older):
            wrong.append(f"{upload} was judged by version {version.version}, which is not its oldest")
        elif older:
            self.told.notes.append(f"an older version of {upload} surfaced after {version.version} had come")
        data = self.stores.uploads.get(version.key, version.version)
        if sha256(data) != verdict.sha256:
            wrong.append(f"the file of {upload} is not the one that was judged: its hash differs")
        too_large = len(data) > self.stores.settings.max_upload_bytes
        if too_large or NOT_JUDGED_ON_CONTENTS & verdict.findings.keys():
            if verdict.accepted:
                wrong.append(f"{upload} was accepted and its contents were never judged")
            return wrong
        try:
            service = with_ruleset(self.evidence.service, verdict.ruleset)
        except UnknownRuleset:
            name = verdict.ruleset
            self.told.notes.append(f"{upload} was judged by rules that are not kept, {name}: not judged again")
            return wrong
        submission = read_submission(data, service)
        school = str(verdict.school)
        roster, template = (
            roster_of_version(self.stores, service.name, school, name) if name else None
            for name in (verdict.roster_version, verdict.template_roster_version)
        )
        allowed = {verdict.school_allowed} if verdict.school_allowed else set()
        again = judge(submission, service, allowed_schools=allowed, roster=roster, template_roster=template)
        if (again.accepted, again.school) != (verdict.accepted, verdict.school):
            wrong.append(f"judged again, {upload} is {'good' if again.accepted else 'not good'} for {again.school}")
        elif again.accepted:
            self.summaries[upload] = summarise(service, again.results)
            if self.summaries[upload].sha256 != verdict.figures_sha256:
                wrong.append(f"judged again, {upload} has other results than its verdict")
        return wrong

    def _authority(self, upload: str, verdict: VerdictRecord, trusts: dict[str, set[str]]) -> None:
        if not verdict.accepted:
            return
        kind, _, name = str(verdict.allowed_by).partition("#")
        school = str(verdict.school)
        if (kind, name) != ("SCHOOL", school) and not (kind == "TRUST" and school in trusts.get(name, ())):
            self.told.wrong(f"{upload} was accepted for {school} by the authority of {verdict.allowed_by}")

    def _never_judged(self, opens: datetime, closes: datetime) -> None:
        for upload, versions in sorted(self.evidence.files.items()):
            if upload in self.evidence.verdicts or upload in self.evidence.tombstones:
                continue
            if opens <= versions[0].received < closes:
                known = self.stores.table.get(keys.unattributed(versions[0].key, versions[0].version))
                if known is None:
                    self.told.wrong(f"{upload} was received in time and has no verdict")
                else:
                    self.told.notes.append(f"nothing is known of {versions[0].key}; it is kept as unattributed")

    # What must be frozen.

    def _must(self, number: int) -> dict[str, str | None]:
        """The upload that counts for each school in a window: the latest good one, or that of the window before."""
        before = self._must(number - 1) if self.evidence.calendar.window(number - 1) else {}
        latest = self._latest(number)
        listed = {str(school) for school in self.evidence.closings.get(number, {}).get("schools", ())}
        must: dict[str, str | None] = {}
        for school in listed | set(latest) | set(before):
            if school in latest:
                upload = latest[school].upload
                must[school] = None if upload in self.evidence.tombstones else upload
            else:
                must[school] = before.get(school)
        return must

    def _latest(self, number: int) -> dict[str, Came]:
        """The greatest (received, upload) of each school among the good files of a window that were let in."""
        opens, closes = self._span(number)
        added = self._added(number)
        latest: dict[str, Came] = {}
        for upload, verdict in self.evidence.verdicts.items():
            received = self._received(upload, verdict)
            counts = self.evidence.offered(upload) or upload in added
            if verdict.accepted and opens <= received < closes and counts:
                pair = Came(received, upload)
                school = str(verdict.school)
                latest[school] = max(latest.get(school, pair), pair)
        return latest

    def _added(self, number: int) -> set[str]:
        return {a["upload"] for a in self.evidence.amendments.get(number, ()) if a["kind"] == "added"}

    # The manifest, and what was changed beside it.

    def _manifest(self) -> dict[str, Record]:
        data = self.evidence.manifests[self.number]
        lines: dict[str, Record] = {line["school"]: line for line in map(json.loads, data.splitlines())}
        if len(lines) != len(data.splitlines()) or list(lines) != sorted(lines):
            self.told.wrong("the manifest is not sorted, or lists a school twice")
        listed = {str(school) for school in self.evidence.closings[self.number]["schools"]}
        for school in sorted(listed ^ set(lines)):
            self.told.wrong(f"{school} is in the manifest or in the terms of the freeze, not in both")
        state = self.stores.table.get(keys.state(self.evidence.service.name, self.number)) or {}
        if state.get("manifest_sha256") != sha256(data):
            self.told.wrong("the table's state of the window does not name this manifest")
        for school, line in lines.items():
            self._line(school, line)
        self.told.schools, self.told.frozen = len(lines), sum(1 for line in lines.values() if line["upload"])
        return lines

    def _line(self, school: str, line: Record) -> None:
        upload = line["upload"]
        if upload is None:
            return
        verdict = self.evidence.verdicts.get(upload)
        if verdict is None or not verdict.accepted or verdict.school != school:
            self.told.wrong(f"{upload} is frozen for {school} without a verdict that accepts it for that school")
            return
        facts = verdict.to_json()
        for name in LINE_FACTS:
            if line[name] != facts[name]:
                self.told.wrong(f"the manifest's {name} of {upload} is not its verdict's")
        carried = verdict.window if verdict.window != self.number else None
        if line["carried_from"] != carried:
            self.told.wrong(f"{upload} is marked as carried from {line['carried_from']}, and is of {verdict.window}")

    def _amendments(self, lines: dict[str, Record]) -> None:
        frozen = {line["upload"] for line in lines.values() if line["upload"]}
        added = self._added(self.number)
        removed = {a["upload"] for a in self.evidence.amendments.get(self.number, ()) if a["kind"] == "removed"}
        for upload in sorted(removed - frozen - added):
            self.told.wrong(f"an amendment removes {upload}, which the window did not freeze")
        for upload in sorted(removed - self.evidence.tombstones.keys()):
            self.told.wrong(f"an amendment removes {upload}, and there is no tombstone")
        for upload in sorted(frozen & self.evidence.tombstones.keys() - removed):
            self.told.wrong(f"{upload} was deleted after it was frozen, and no amendment says so")
        for upload in sorted(added):
            if upload not in self.evidence.stragglers:
                self.told.wrong(f"an amendment adds {upload}, which was no straggler")
            if self.evidence.operation(upload, "admit") is None:
                self.told.wrong(f"an amendment adds {upload}, and no operator's decision is recorded")

    def _effective(self, lines: dict[str, Record]) -> dict[str, str | None]:
        """The manifest with its amendments: what counts now. Where a file was removed, no older one counts instead."""
        effective: dict[str, str | None] = {}
        late = {a["school"] for a in self.evidence.amendments.get(self.number, ()) if a["kind"] == "added"}
        before = self._deleted_before()
        for school in late | set(lines):
            line = lines.get(school, {"upload": None})
            # Any file of this window counts before a file that was carried from an earlier window.
            pairs = [self._rank(upload) for upload in (line["upload"], *before.get(school, ())) if upload]
            pairs += [
                self._rank(a["upload"])
                for a in self.evidence.amendments.get(self.number, ())
                if a["kind"] == "added" and a["school"] == school
            ]
            greatest = max(pairs).came.upload if pairs else None
            effective[school] = None if greatest in self.evidence.tombstones else greatest
        return effective

    def _deleted_before(self) -> dict[str, list[str]]:
        """The deleted files of the window by school.

        The manifest need not name them, and still no older file counts.
        """
        found: dict[str, list[str]] = {}
        for upload in self.evidence.tombstones:
            verdict = self.evidence.verdicts.get(upload)
            mine = verdict and verdict.accepted and verdict.window == self.number
            if verdict and mine and self.evidence.offered(upload):
                found.setdefault(str(verdict.school), []).append(upload)
        return found

    def _rank(self, upload: str) -> Rank:
        verdict = self.evidence.verdicts.get(upload)
        if verdict is None:
            return Rank(0, Came(datetime.min.replace(tzinfo=UTC), upload))
        return Rank(verdict.window or 0, Came(self._received(upload, verdict), upload))

    def _compare(self, must: dict[str, str | None], lines: dict[str, Record], effective: dict[str, str | None]) -> None:
        for school in sorted(must.keys() | effective.keys()):
            if school not in effective:
                if must.get(school) is not None:
                    self.told.wrong(f"{school} has {must[school]} and is not in the manifest")
            elif effective[school] != must.get(school):
                self.told.wrong(
                    f"for {school}, manifest and amendments say {effective[school] or 'nothing'}; "
                    f"the buckets say {must.get(school) or 'nothing'}"
                )

    def _figures(self, lines: dict[str, Record]) -> None:
        data = self.evidence.figures.get(self.number)
        state = self.stores.table.get(keys.state(self.evidence.service.name, self.number)) or {}
        if data is None or state.get("national_sha256") != sha256(data):
            self.told.wrong("the national figures are missing, or not those that the table's state names")
            return
        frozen = [line["upload"] for line in lines.values() if line["upload"]]
        if self.evidence.tombstones.keys() & set(frozen):
            self.told.notes.append("frozen files were deleted since: the national figures cannot be added up again")
            return
        summaries = self._frozen_summaries(frozen)
        if summaries is not None and not self._adds_up(data, lines, dict(zip(frozen, summaries, strict=True))):
            self.told.wrong("the national figures are not the sum of the frozen files")

    def _adds_up(self, data: bytes, lines: dict[str, Record], summaries: dict[str, Summary]) -> bool:
        """Whether the figures of all schools are the sum of these files, and count who took part as their trusts do."""
        stored = National.from_json(json.loads(data))
        of = stored.taking.trusts if stored.taking else {}
        trusts = {school: trust for trust, schools in of.items() for school in schools}
        files = [(school, summaries[line["upload"]]) for school, line in lines.items() if line["upload"]]
        again = national(self.evidence.service, files, trusts)
        if stored.taking is None:  # frozen before it was counted
            again = replace(again, taking=None)
        return canonical(again.to_json()) == data

    def _frozen_summaries(self, frozen: Iterable[str]) -> list[Summary] | None:
        """The summaries of the frozen files. Those that were carried from an earlier window are judged here."""
        carried = [upload for upload in frozen if upload not in self.summaries and upload in self.evidence.verdicts]
        for wrong in each(lambda upload: self._judge(upload, self.evidence.verdicts[upload]), carried):
            self.told.differences += wrong
        return (
            [self.summaries[upload] for upload in frozen]
            if all(upload in self.summaries for upload in frozen)
            else None
        )

    # The table.

    def _registers(self, lines: dict[str, Record]) -> None:
        service = self.evidence.service.name
        rows: dict[str, dict[str, Any]] = {}
        for authority in sorted({authority_of(school) for school in lines}):
            partition = keys.window_partition(service, self.number, authority)
            rows |= {row["sk"].removeprefix("SCHOOL#"): row for row in self.stores.table.query(partition)}
        for school, line in lines.items():
            row = rows.get(school, {})
            stands = str(row.get("mark", "")).endswith("#0")
            holds = row.get("carried_upload") or (row.get("upload_id") if stands else None)
            if "frozen_at" not in row:
                self.told.wrong(f"the table's register of {school} is not sealed")
            elif holds != line["upload"]:
                self.told.wrong(f"the table's register of {school} has {holds}, the manifest {line['upload']}")

    def _current(self) -> None:
        """The registers of the service: the maximum over all windows."""
        latest: dict[str, Came] = {}
        for window in self.evidence.calendar.windows:
            for school, pair in self._latest(window.number).items():
                latest[school] = max(latest.get(school, pair), pair)
        service = self.evidence.service.name
        found = self.stores.table.get_many(keys.current_register(service, school) for school in latest)
        for school, (received, upload) in sorted(latest.items()):
            mark = f"{to_text(received)}#{upload}#{int(upload in self.evidence.tombstones)}"
            has = found.get(keys.current_register(service, school), {}).get("mark", "nothing")
            pending = has != mark and "offer_pending" in (self.stores.table.get(keys.upload(upload)) or {})
            if pending:
                self.told.notes.append(f"{upload} is accepted and waits to be offered to its registers")
            elif has != mark:
                self.told.wrong(f"the table's current register of {school} is {has}, the buckets say {mark}")

    def _undecided(self) -> None:
        for upload, note in sorted(self.evidence.stragglers.items()):
            if note["window"] != self.number or upload in self.evidence.tombstones:
                continue
            if not self.evidence.let_in(upload) and self.evidence.operation(upload, "refuse") is None:
                self.told.notes.append(f"{upload} came too late to be frozen and waits for an operator's decision")

    # What is believed.

    def _trusted(self, due: list[VerdictRecord]) -> Iterator[str]:
        """The sources that were believed, with how much of this window rests on each."""
        gone = sum(1 for verdict in due if self._version(verdict.upload_id, verdict) is None)
        unread = sum(1 for verdict in due if NOT_JUDGED_ON_CONTENTS & verdict.findings.keys())
        by_trust = sum(1 for verdict in due if verdict.accepted and str(verdict.allowed_by).startswith("TRUST#"))
        amended = self.evidence.amendments.get(self.number, ())
        let_in = sum(1 for record in amended if record["kind"] == "added")
        yield "S3's received times and its order of versions, and that nobody has removed a version since"
        yield "the rosters that the imports kept, as the schools' systems sent them"
        yield "the calendars and the close that operators' commands and the freeze put into evidence"
        yield "the reading, checking and adding up of this program, which the functions use too"
        for count, what in (
            (gone, "of files deleted since, of which only the verdict is left to tell what they were"),
            (unread, "that an operator settled because the file could not be processed, unread here too"),
            (by_trust, "by a trust's authority: that the school was in it is shown, not that it was so at that moment"),
        ):
            if count:
                yield f"{count:,} verdict{'s' if count > 1 else ''} {what}"
        if let_in:
            yield f"the operators who let {let_in:,} late file{'s' if let_in > 1 else ''} in, and their reasons"
        removed = len(amended) - let_in
        if removed:
            files, whose = ("files", "their uploaders") if removed > 1 else ("file", "its uploader")
            yield f"the tombstones of {removed:,} frozen {files}: that {whose} asked for the deletion"


def describe(told: Verification, service: Service) -> str:
    """What a verification came to, as lines for a terminal."""
    lines = [f"trusts: {what}" for what in told.trusted]
    lines += [f"note: {note}" for note in told.notes] + [f"DIFFERS: {text}" for text in told.differences]
    counted = f"{told.schools:,} schools, {told.frozen:,} frozen files, {told.files:,} files judged again"
    end = f"{len(told.differences):,} differences" if told.differences else "everything agrees"
    return "\n".join([*lines, f"{service.name} window {told.window}: {counted}; {end}."])
