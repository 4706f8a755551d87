"""What must hold after a history, worked out from the buckets by a program of its own.

It imports nothing of the project. What must be frozen is computed from the files, the rosters, the verdicts, the
calendars, the tombstones and the notes of stragglers (DESIGN 5, "Evidence"), and compared with the manifests and their
amendments; the table is then held to the same. Each violation is one line that names the rule of DESIGN 5 it breaks.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


@dataclass(slots=True)
class Object:
    """A version of an object, as a bucket lists it."""

    version: str
    received: datetime
    data: bytes


@dataclass(slots=True)
class Posted:
    """A form that S3 took, as the person who posted it knows: which upload, which bytes, when it surfaced."""

    upload: str
    version: str
    received: datetime
    surfaced: datetime
    data: bytes


@dataclass(slots=True)
class Seen:
    """Somebody was shown an upload, or deleted it."""

    sub: str
    upload: str
    school: str | None
    owner: str
    began: datetime
    ended: datetime
    deleted: bool


@dataclass(slots=True)
class Case:
    """All that is left of a history."""

    service: str
    uploads: dict[str, list[Object]]
    records: dict[str, bytes]
    results: dict[str, bytes]
    table: list[dict[str, Any]]
    posts: list[Posted]
    seen: list[Seen]
    members: list[tuple[datetime, str, str, bool]]
    journal: list[str]
    dead_reports: set[str]
    skew: timedelta
    grace: timedelta
    violations: list[str] = field(default_factory=list)

    def wrong(self, rule: int, text: str) -> None:
        self.violations.append(f"rule {rule}: {text}")


def check(case: Case) -> list[str]:
    """Every rule that the history broke."""
    for line in case.journal:
        case.wrong(2, line)
    _Check(case).all()
    return case.violations


class _Check:
    def __init__(self, case: Case) -> None:
        self.case = case
        self.items = {(row["pk"], row["sk"]): row for row in case.table}
        self.records = {key: json.loads(data) for key, data in case.records.items() if key.endswith(".json")}
        self.verdicts = self._under("verdicts")
        self.tombstones = self._under("tombstones")
        self.stragglers = {
            key.split("/")[3].removesuffix(".json"): value
            for key, value in self.records.items()
            if key.startswith(f"stragglers/{case.service}/")
        }
        self.posts: dict[str, list[Posted]] = {}
        for post in case.posts:
            self.posts.setdefault(post.upload, []).append(post)
        calendars = [self.records[key] for key in sorted(self.records) if key.startswith(f"calendars/{case.service}/")]
        stored = self.items[f"SERVICE#{case.service}", "CALENDAR"]["calendar"]
        self.windows = {w["number"]: (_moment(w["opens"]), _moment(w["closes"])) for w in stored["windows"]}
        if stored not in [record["calendar"] for record in calendars]:
            case.wrong(3, "the calendar in force is not in evidence")
        self.accepted = {u: v for u, v in self.verdicts.items() if v["outcome"] == "accepted"}
        additions = [r for k, r in self.records.items() if _is_amendment(k, case.service) and r["kind"] == "added"]
        self.added = {record["upload"] for record in additions}
        self.decided = [r for k, r in self.records.items() if k.startswith(f"operations/{case.service}/")]
        never = {u for u, tombstone in self.tombstones.items() if tombstone["held"] is not None} | set(self.stragglers)
        never -= self.added
        self.offered = {u: v for u, v in self.accepted.items() if u not in never}

    def _under(self, folder: str) -> dict[str, dict[str, Any]]:
        start = f"{folder}/{self.case.service}/"
        return {k.removeprefix(start).removesuffix(".json"): v for k, v in self.records.items() if k.startswith(start)}

    def all(self) -> None:
        for _, closes in self.windows.values():
            if closes.astimezone(LONDON).strftime("%H%M%S") != "120000":
                self.case.wrong(3, f"a window closes at {closes}, which is not noon in London")
        for upload, verdict in self.verdicts.items():
            self._verdict(upload, verdict)
        frozen: dict[int, dict[str, str | None]] = {}
        for number in sorted(self.windows):
            frozen[number] = self._window(number, frozen.get(number - 1, {}))
        self._current()
        for upload in sorted({u["upload_id"] for u in self._uploads()}):
            self._upload(upload)
        self._objects()
        self._stragglers()
        self._access()

    def _uploads(self) -> list[dict[str, Any]]:
        return [row for row in self.case.table if row["sk"] == "UPLOAD"]

    # The verdicts against the files, the rosters and the calendar.

    def _verdict(self, upload: str, verdict: dict[str, Any]) -> None:
        wrong = self.case.wrong
        versions = sorted(self.posts.get(upload, ()), key=lambda p: p.received)
        judged = next((p for p in versions if p.version == verdict["version"]), None)
        if judged is None:
            wrong(4, f"the verdict of {upload} is on a version that nobody posted")
            return
        for older in versions:
            # An older version may surface after a younger one was judged: the verdict stands.
            if older.received < judged.received and older.surfaced <= judged.surfaced:
                wrong(3, f"the verdict of {upload} is not on its oldest version")
        if verdict["received"] != _text(judged.received):
            wrong(3, f"the verdict of {upload} has another received time than S3")
        if verdict["sha256"] != hashlib.sha256(judged.data).hexdigest():
            wrong(3, f"the verdict of {upload} has another hash than its file")
        window = next((n for n, (o, c) in self.windows.items() if o <= judged.received < c), None)
        if verdict["window"] != window:
            wrong(3, f"the verdict of {upload} says window {verdict['window']}, its received time {window}")
        if "could-not-process" in verdict["findings"]:
            if verdict["outcome"] != "refused":
                wrong(3, f"{upload} was closed by an operator and counts")
            return
        file = json.loads(judged.data)
        good = window is not None and file["good"] and verdict["allowed_by"] is not None
        if good:
            name = f"school-rosters/{self.case.service}/{file['school']}/{verdict['roster_version']}.json"
            held = self.case.uploads.get(name)
            listed = sorted(p["upn"] for p in json.loads(held[0].data)["pupils"]) if held else None
            good = listed == sorted(file["pupils"])
        if good is not (verdict["outcome"] == "accepted"):
            wrong(3, f"the verdict of {upload} is {verdict['outcome']}, the evidence says otherwise")
        if verdict["allowed_by"] is not None:
            self._allowed(upload, verdict, file["school"], judged)

    def _allowed(self, upload: str, verdict: dict[str, Any], school: str, judged: Posted) -> None:
        by = verdict["allowed_by"]
        if by == f"SCHOOL#{school}":
            return
        kind, _, name = by.partition("#")
        # From its surfacing on, the membership at some moment must have allowed it.
        if kind != "TRUST" or not self._member(name, school, judged.surfaced, None):
            self.case.wrong(5, f"{upload} was judged for {school} by the authority of {by}")

    def _member(self, trust: str, school: str, since: datetime, until: datetime | None) -> bool:
        """Whether the school was in the trust at some moment from `since` to `until`."""
        inside = False
        for moment, whose, which, joined in self.case.members:
            if whose != trust or which != school:
                continue
            if inside and moment >= since:
                return True
            if until is not None and moment > until:
                break
            inside = joined
        return inside

    # The windows: what must be frozen, and what was.

    def _window(self, number: int, before: dict[str, str | None]) -> dict[str, str | None]:
        wrong, service = self.case.wrong, self.case.service
        known = {row["pk"].removeprefix("SCHOOL#") for row in self.case.table if row["sk"] == f"ROSTER#{service}"}
        must: dict[str, str | None] = {}
        everyone = known | set(before) | {str(v["school"]) for v in self.offered.values() if v["window"] == number}
        for school in everyone:
            mine = [u for u, v in self.offered.items() if v["window"] == number and v["school"] == school]
            best = max(mine, key=lambda u: (self.offered[u]["received"], u), default=None)
            if best is None:
                must[school] = before.get(school)
            else:
                must[school] = None if best in self.tombstones else best
        state = self.items.get((f"WINDOW#{service}#{number}", "STATE"), {})
        key = f"manifests/{service}/{number}/manifest.jsonl"
        if self.windows[number][1] > self.last and not state:
            return {}  # still open when the history ends
        if state.get("state") != "FROZEN" or "reports_queued" not in state or key not in self.case.records:
            wrong(3, f"window {number} is closed and was not frozen")
            return must
        if state["closes"] != _text(self.windows[number][1]):
            wrong(3, f"window {number} was frozen for another close than the calendar's")
        data = self.case.records[key]
        if hashlib.sha256(data).hexdigest() != state["manifest_sha256"]:
            wrong(2, f"the manifest of window {number} has not the hash that its state keeps")
        national = self.case.records.get(f"figures/{service}/{number}/national.json", b"")
        if hashlib.sha256(national).hexdigest() != state["national_sha256"]:
            wrong(2, f"the national figures of window {number} have not the hash that its state keeps")
        lines = {line["school"]: line for line in map(json.loads, data.splitlines())}
        if list(lines) != sorted(lines) or len(lines) != len(data.splitlines()):
            wrong(3, f"the manifest of window {number} is not sorted, or lists a school twice")
        self._lines(number, lines)
        added = self._amendments(number, lines)
        counting: dict[str, str | None] = {}
        for school in sorted(must.keys() | lines.keys() | added.keys()):
            line = lines.get(school)
            if line is None and school not in added:
                # Only who came after the freeze, without a file, may be left out.
                if must.get(school) is not None:
                    wrong(3, f"{school} is missing in the manifest of window {number}")
                continue
            found = [line["upload"]] if line and line["upload"] else []
            # One that was deleted before the freeze is in no line, and still nothing older comes back.
            found += [u for u in self.offered if u in self.tombstones and self._is_of(u, number, school)]
            # A file carried from the window before is older than any of this window's own.
            latest = max(found + added.get(school, []), key=self._rank, default=None)
            counting[school] = None if latest in self.tombstones else latest
            if counting[school] != must.get(school):
                wrong(3, f"window {number} has {counting[school]} for {school}, the buckets say {must.get(school)}")
        self._reports(number, counting)
        return must

    def _is_of(self, upload: str, number: int, school: str) -> bool:
        return bool(self.verdicts[upload]["window"] == number and self.verdicts[upload]["school"] == school)

    def _rank(self, upload: str) -> tuple[str, str]:
        return self.verdicts[upload]["received"], upload

    @property
    def last(self) -> datetime:
        """The end of the history, as far as the evidence goes."""
        return max((p.surfaced for p in self.case.posts), default=datetime.min.replace(tzinfo=UTC)) + self.case.grace

    def _lines(self, number: int, lines: dict[str, dict[str, Any]]) -> None:
        for school, line in lines.items():
            row = self.items.get((f"WINDOW#{self.case.service}#{number}#LA#{school[:3]}", f"SCHOOL#{school}"), {})
            if "frozen_at" not in row:
                self.case.wrong(2, f"{school} is in the manifest of window {number} without a sealed row")
            if line["upload"] is None:
                continue
            verdict = self.verdicts.get(line["upload"])
            if verdict is None:
                self.case.wrong(3, f"{line['upload']} was frozen without a verdict")
                continue
            for name in ("key", "version", "sha256", "received", "ruleset", "figures"):
                if line[name] != verdict[name]:
                    self.case.wrong(3, f"the manifest's {name} of {line['upload']} is not the verdict's")
            carried = verdict["window"] if verdict["window"] != number else None
            if line["carried_from"] != carried:
                self.case.wrong(3, f"{line['upload']} is marked as carried from {line['carried_from']}, not {carried}")

    def _amendments(self, number: int, lines: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
        """Holds the amendments to the evidence; gives the uploads that were let into a frozen window, by school."""
        start = f"amendments/{self.case.service}/{number}/"
        amended = {v["upload"] for k, v in self.records.items() if k.startswith(start) and v["kind"] == "removed"}
        frozen = {line["upload"] for line in lines.values() if line["upload"]}
        added: dict[str, list[str]] = {}
        for key, record in self.records.items():
            if not key.startswith(start) or record["kind"] != "added":
                continue
            upload, verdict = record["upload"], self.verdicts.get(record["upload"])
            added.setdefault(record["school"], []).append(upload)
            if upload not in self.stragglers or not self._was_decided(upload, "admit"):
                self.case.wrong(3, f"{upload} was let into window {number}, and nobody may have done that")
            if verdict is None or verdict["outcome"] != "accepted" or verdict["school"] != record["school"]:
                self.case.wrong(3, f"{upload} was let into window {number} without a verdict that accepts it")
            elif verdict["window"] > number:
                self.case.wrong(3, f"{upload} was let into window {number}, which closed before it came")
        frozen |= {upload for uploads in added.values() for upload in uploads}
        # Of several that were let in, only the latest is known to have been removed.
        latest = {max(uploads, key=self._rank) for uploads in added.values()}
        frozen_lines = {line["upload"] for line in lines.values() if line["upload"]}
        for upload in amended - frozen:
            self.case.wrong(3, f"an amendment removes {upload}, which window {number} did not freeze")
        for upload in amended - self.tombstones.keys():
            self.case.wrong(3, f"an amendment removes {upload}, which was not deleted")
        for upload in (frozen_lines | latest) & self.tombstones.keys() - amended:
            self.case.wrong(2, f"{upload} was deleted after window {number} froze it, and no amendment says so")
        return added

    def _was_decided(self, upload: str, did: str) -> bool:
        return any(record["upload"] == upload and record["did"] == did for record in self.decided)

    def _reports(self, number: int, counting: dict[str, str | None]) -> None:
        for row in self._uploads():
            noted = row.get(f"report_{number}", "REPLACED")
            if noted != "REPLACED" and row["status"] != "DELETED" and counting.get(row["school"]) != row["upload_id"]:
                self.case.wrong(4, f"{row['upload_id']} says {noted} of window {number}, where it does not count")
        for school, upload in counting.items():
            item = self.items.get((f"SCHOOL#{school}", f"REPORT#{self.case.service}#{number}"))
            if upload is None:
                if item is not None:
                    self.case.wrong(4, f"{school} has a report of window {number} without a frozen file")
                continue
            if f"{number}#{school}" in self.case.dead_reports:
                continue
            objects = [f"reports/{self.case.service}/{number}/{school}/{upload}.{form}" for form in ("pdf", "xlsx")]
            built = item is not None and item["state"] == "READY" and item["upload_id"] == upload
            if not built or not all(name in self.case.results for name in objects):
                self.case.wrong(4, f"the report of {school} in window {number} was never built")

    # The registers of the service, and each upload's record.

    def _current(self) -> None:
        schools = {str(v["school"]) for v in self.accepted.values()}
        for school in schools:
            mine = [u for u, v in self.offered.items() if v["school"] == school]
            best = max(mine, key=lambda u: (self.offered[u]["received"], u), default=None)
            item = self.items.get((f"SCHOOL#{school}", f"CURRENT#{self.case.service}"), {})
            mark = f"{self.offered[best]['received']}#{best}#{int(best in self.tombstones)}" if best else None
            if item.get("mark") != mark:
                self.case.wrong(1, f"the register of {school} is {item.get('mark')}, the maximum {mark}")
            winners = [
                u["upload_id"] for u in self._uploads() if u["status"] == "SUCCESSFUL" and u.get("school") == school
            ]
            if winners != ([best] if best and best not in self.tombstones else []):
                self.case.wrong(1, f"successful for {school}: {winners}, the maximum {mark}")

    def _upload(self, upload: str) -> None:
        wrong = self.case.wrong
        item = self.items[f"UPLOAD#{upload}", "UPLOAD"]
        status, held = item["status"], item.get("held")
        verdict = self.verdicts.get(upload)
        deleted = status == "DELETED"
        if deleted is not (upload in self.tombstones):
            wrong(2, f"{upload} is {status}, and its tombstone says otherwise")
        if deleted:
            self._nothing_left(upload)
        elif held is not None:
            if held != "straggler" or upload not in self.stragglers:
                wrong(3, f"{upload} is held as {held} without evidence")
            if upload in self.added:
                wrong(3, f"{upload} was let in, and is still held")
        elif verdict is not None:
            good = verdict["outcome"] == "accepted"
            if upload in self.stragglers and upload not in self.added:
                good = False
                if not self._was_decided(upload, "refuse"):
                    wrong(3, f"{upload} is a straggler that nobody refused, and is {status}")
            final = ("SUCCESSFUL", "OVERWRITTEN") if good else ("UPLOAD_ERROR",)
            if status not in final:
                wrong(4, f"{upload} is {status}, its verdict {verdict['outcome']}")
            for name in ("version", "sha256", "received", "window"):
                if item.get(name) != verdict[name]:
                    wrong(4, f"{upload}: the record's {name} is not the verdict's")
        elif upload in self.posts:
            wrong(4, f"{upload} has an object, is {status}, and has no verdict")
        elif upload not in self.posts and status not in ("AWAITING_UPLOAD", "UPLOAD_ERROR"):
            wrong(4, f"{upload} is {status} and never had an object")
        for name in ("offer_pending", "purge_pending"):
            if name in item:
                wrong(4, f"{upload} ends with {name}")
        if "unsettled" in item and held != "straggler":
            wrong(4, f"{upload} ends unsettled")

    def _nothing_left(self, upload: str) -> None:
        left = [name for name in self.case.results if upload in name]
        left += [name for name in self.case.uploads if upload in name]
        if (f"UPLOAD#{upload}", "SUMMARY") in self.items:
            left.append("its summary")
        if left:
            self.case.wrong(4, f"{upload} was deleted, and {', '.join(left)} is left")

    def _objects(self) -> None:
        strays = {row["sk"] for row in self.case.table if row["pk"] == "UNATTRIBUTED"}
        for key, versions in self.case.uploads.items():
            if not key.startswith("uploads/"):
                continue
            upload = key.split("/")[2]
            if (f"UPLOAD#{upload}", "UPLOAD") in self.items:
                continue
            for version in versions:
                if f"{key}#{version.version}" not in strays:
                    self.case.wrong(4, f"nothing is known of the object {key}")
        for upload in self.posts:
            if (f"UPLOAD#{upload}", "UPLOAD") not in self.items:
                self.case.wrong(4, f"{upload} was posted and has no record")
            elif (
                upload not in self.tombstones
                and f"uploads/{self.case.service}/{upload}/file.xlsx" not in self.case.uploads
            ):
                self.case.wrong(4, f"the file of {upload} is gone")

    def _stragglers(self) -> None:
        for upload in self.stragglers:
            verdict = self.verdicts.get(upload)
            if verdict is None:
                self.case.wrong(3, f"{upload} is a straggler without a verdict")
                continue
            closes = self.windows[verdict["window"]][1]
            surfaced = min(p.surfaced for p in self.posts[upload] if p.version == verdict["version"])
            if surfaced < closes + self.case.grace - self.case.skew:
                self.case.wrong(3, f"{upload} surfaced in time and was left out as a straggler")

    def _memberships(self) -> None:
        """The newest extract that names a school decides its trust; of two in one second, either."""
        newest: dict[str, tuple[datetime, set[str]]] = {}
        for extract in self.case.uploads.get("rosters/schools.csv", ()):
            for line in extract.data.decode().splitlines()[1:]:
                school, _, trust = line.split(",")
                moment, trusts = newest.get(school, (extract.received, set()))
                if extract.received > moment:
                    trusts = set()
                if extract.received >= moment:
                    newest[school] = (extract.received, trusts | {trust})
        for school, (_, trusts) in newest.items():
            inside = ("TRUST#ABC", f"SCHOOL#{school}") in self.items
            if ("ABC" if inside else "") not in trusts:
                self.case.wrong(5, f"{school} is {'still' if inside else 'not'} in the trust")

    def _access(self) -> None:
        self._memberships()
        for seen in self.case.seen:
            if seen.deleted and seen.sub != seen.owner:
                self.case.wrong(5, f"{seen.sub} deleted {seen.upload} of {seen.owner}")
            if seen.school is None or seen.sub == f"user-{seen.school}":
                continue
            if seen.sub != "user-trust" or not self._member("ABC", seen.school, seen.began, seen.ended):
                self.case.wrong(5, f"{seen.sub} was shown {seen.upload} of {seen.school}")


def _is_amendment(key: str, service: str) -> bool:
    return key.startswith(f"amendments/{service}/")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
