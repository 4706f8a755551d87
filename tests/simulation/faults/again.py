"""Faults that the simulation was once blind to, and their like: what is said, counted, promised and shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters import objects
from adapters.errors import AlreadyThere
from early_results import keys
from early_results.canonical import sha256_of
from early_results.checking.check import judge
from early_results.counting import calendar, freeze, registers, standing, verdicts
from early_results.counting.freeze import WindowState
from early_results.counting.registers import Join, Outcome, register_from_item
from early_results.counting.uploads import ReportState, Status, Upload
from early_results.reporting import summary
from early_results.writes import Key, OneOf, Update
from infra.operator import operations
from infra.operator.evidence import Evidence
from workflow import (
    build_report,
    check_upload,
    delete_upload,
    freeze_window,
    import_extract,
    join_registers,
    sweep_bucket,
)

from .. import scheduler
from ..boundary import Present
from ..store import MemoryBucket, MemoryTable
from .listing import Patches, fault

# The calendar.


@fault("the first change of a calendar does not see that a window is closing", "calendar extended", "stalls")
def _() -> Patches:
    changed = operations._changed
    return [(operations, "_changed", lambda before, after: changed(before, after) if before.version else [])]


@fault("a change of the calendar that hangs does not see that files were judged", "calendar extended", "stalls")
def _() -> Patches:
    return [(operations, "_unjudged", lambda *_: [])]


@fault(
    "a change of the calendar that died is forgotten when the table is rebuilt",
    "calendar extended",
    "crashes",
    "table lost in flight",
)
def _() -> Patches:
    return [(Evidence, "undecided", property(lambda evidence: []))]


@fault("a window that is extended reaches into the next")
def _() -> Patches:
    def alone(old: calendar.Calendar, window: Any, moved: Any) -> Any:
        return (moved if other.number == window.number else other for other in old.windows)

    return [(calendar.Calendar, "_beside", alone)]


@fault(
    "a window is closed by a calendar that is no longer in force",
    "calendar extended",
    "stalls",
    slow=("transact WINDOW#ks1-2023#1",),
)
def _() -> Patches:
    begin = freeze.begin_closing
    return [(freeze, "begin_closing", lambda *given: begin(*given)[:1])]


# Writing once.


@fault("S3's word that another write is under way is taken for written")
def _() -> Patches:
    def trusting(bucket: Any, key: str, body: bytes, content_type: str = "application/json") -> bytes:
        try:
            bucket.put_once(key, body, content_type)
        except AlreadyThere:
            return body
        return body

    holders: tuple[Any, ...] = (objects, check_upload, delete_upload, freeze_window, operations)
    patched: Patches = [(module, "written_once", trusting) for module in holders if hasattr(module, "written_once")]
    return [*patched, (scheduler, "WriteUnderWay", AlreadyThere)]


# What is said.


@fault("whether a file counts is told by its status")
def _() -> Patches:
    own = standing._own

    def by_status(upload: Upload, stands: Any, closes: Any) -> Any:
        said = own(upload, stands, closes)
        return replace(said, counts=upload.status is Status.SUCCESSFUL)

    return [(standing, "_own", by_status)]


@fault("an overwritten file is said to give no reports, whatever it counts for")
def _() -> Patches:
    step = standing.next_step

    def simple(upload: Upload, told: Any) -> str:
        return step(upload, ())

    from portal import history

    return [(history, "next_step", simple)]


@fault("a deletion of an overwritten file is acknowledged and not carried out")
def _() -> Patches:
    delete = registers.delete

    def lazy(upload: Upload, *rest: Any) -> Join:
        return Join(Outcome.NOTHING_TO_DO) if upload.status is Status.OVERWRITTEN else delete(upload, *rest)

    return [(registers, "delete", lazy)]


# What is counted.


@fault("nobody ever reaches greater depth in all three")
def _() -> Patches:
    keys_of = summary._keys
    return [(summary, "_keys", lambda *given: [key for key in keys_of(*given) if key != ("combined", "higher")])]


@fault("the national figures leave out a school")
def _() -> Patches:
    national = freeze_window._national

    def short(stores: Any, service: Any, lines: Any) -> Any:
        return national(stores, service, [line for line in lines if line["upload"]][1:])

    return [(freeze_window, "_national", short)]


@fault("the hash of a file's figures forgets its scores")
def _() -> Patches:
    def careless(own: summary.Summary) -> str:
        kept = {key: count for key, count in own.counts.items() if key[1] not in ("score", "band")}
        return sha256_of(summary.Summary(own.service, own.rulesets, kept).to_json())

    return [(summary.Summary, "sha256", property(careless))]


@fault("a report is made from the school's present file, not from the frozen one")
def _() -> Patches:
    counting = build_report._counting

    def present(stores: Any, service: str, window: int, school: str) -> Any:
        counts, still = counting(stores, service, window, school)
        row = stores.table.get(Key(f"SCHOOL#{school}", f"CURRENT#{service}"))
        if row is None or "upload_id" not in row or counts.upload is None:
            return counts, still
        current = register_from_item(Key("", ""), row).winner
        return replace(counts, upload=current or counts.upload, facts=row if current else counts.facts), still

    return [(build_report, "_counting", present)]


@fault("a pupil who has left since the template was issued is an error")
def _() -> Patches:
    def strict(*given: Any, template_roster: Any = None, **how: Any) -> Any:
        return judge(*given, template_roster=None, **how)

    return [(check_upload, "judge", strict)]


# What is carried, frozen and let be.


@fault("a carried file is said to come from the window just before")
def _() -> Patches:
    carrying = freeze.seal_carrying

    def near(register: Any, school: str, earlier: Any, counts: Any, window: int, now: Any) -> Any:
        return carrying(register, school, earlier, counts, int(earlier.key.pk.split("#")[2]), now)

    return [(freeze, "seal_carrying", near)]


@fault("only the window that a deleted file was sent in is amended")
def _() -> Patches:
    purge = delete_upload.purge

    def narrow(stores: Any, kept: calendar.Calendar, upload: Upload, now: Any) -> None:
        own = tuple(window for window in kept.windows if window.number == upload.window)
        purge(stores, replace(kept, windows=own), upload, now)

    from portal import uploading

    return [(module, "purge", narrow) for module in (sweep_bucket, uploading)]


@fault("a bad file that comes after the freeze is noted in the sealed row", "very slow transfers")
def _() -> Patches:
    def careless(stores: Any, upload: Upload, school: str, window: int) -> None:
        key = keys.window_register(upload.service, window, school)
        stores.table.write(Update(key, set={"tried": upload.upload_id, "school": school}))

    return [(check_upload, "_note_attempt", careless)]


@fault("a file that kills its function is never parked", "killer files")
def _() -> Patches:
    from validate import app

    return [(app, "note_rescue", lambda *_: 1)]


@fault("a parked file that is tried again stays parked")
def _() -> Patches:
    retry = verdicts.retry_parked
    return [(verdicts, "retry_parked", lambda upload: replace(retry(upload), remove=("findings",)))]


@fault("a file that is settled leaves no evidence", "killer files")
def _() -> Patches:
    close = check_upload.close_upload

    def quiet(stores: Any, upload_id: str) -> bool:
        class Deaf:
            def __getattr__(self, name: str) -> Any:
                return getattr(stores.records, name)

            def put_once(self, *_: Any) -> str:
                return ""

        return close(replace(stores, records=Deaf()), upload_id)

    from infra.operator import operating

    return [(operating, "close_upload", quiet)]


# What is left behind.


@fault("a deleted file's summary stays")
def _() -> Patches:
    delete = MemoryTable.delete

    def keeping(table: MemoryTable, key: Key) -> None:
        if key.sk != "SUMMARY":
            delete(table, key)

    return [(MemoryTable, "delete", keeping)]


@fault("a deleted file's reports stay")
def _() -> Patches:
    remove = MemoryBucket.remove

    def keeping(bucket: MemoryBucket, key: str) -> None:
        if not key.startswith("reports/"):
            remove(bucket, key)

    return [(MemoryBucket, "remove", keeping)]


@fault("what lies beneath a delete marker is not swept")
def _() -> Patches:
    return [(sweep_bucket, "_listed", lambda stores, prefix, after: stores.uploads.list(prefix, after))]


@fault("a file's own window is the one that is open when it is offered")
def _() -> Patches:
    read = join_registers.read_registers

    def late(stores: Any, upload: Upload) -> Any:
        states = [stores.table.get(Key(f"WINDOW#{upload.service}#{n}", "STATE")) for n in (1, 2)]
        number = 1 + sum(1 for state in states if freeze.state_from_item(state) != WindowState())
        return read(stores, replace(upload, window=max(upload.window or 1, min(number, 3))))

    return [(join_registers, "read_registers", late)]


# The faults of reports, extracts, rulesets and adoption, as they were.


@fault("a report that is built fails by a message that came twice", "reports that fail", "repeated events")
def _() -> Patches:
    noted = build_report._note

    def careless(stores: Any, service: str, window: int, school: str, upload: str, state: Any, *rest: Any) -> None:
        if state is not ReportState.FAILED:
            noted(stores, service, window, school, upload, state, *rest)
            return
        item = {"state": state.value, "upload_id": upload, "service": service, "window": window}
        stores.table.write(
            [
                Update(
                    keys.upload(upload),
                    set={f"report_{window}": state.value},
                    require={"status": OneOf((Status.SUCCESSFUL.value, Status.OVERWRITTEN.value))},
                ),
                Update(keys.report(service, window, school), set=item),
            ]
        )

    return [(build_report, "_note", careless)]


@fault(
    "a report outlives its file when its last try dies", "deletes", "reports that fail", slow=("put results/reports",)
)
def _() -> Patches:
    return [(build_report, "_remove", lambda *_: None)]


@fault("of two extracts of one second the first one stays")
def _() -> Patches:
    text = import_extract.Stamp.text.fget  # type: ignore[attr-defined]
    return [(import_extract.Stamp, "text", property(lambda stamp: text(stamp).rpartition("#")[0]))]


@fault("a check that died is judged by the rules of the day", "ruleset changed", "crashes")
def _() -> Patches:
    return [(Present, "rules_of_the_day", True)]


@fault("a posted file without a record is left alone")
def _() -> Patches:
    return [(module, "adopt", lambda *_: None) for module in (check_upload, sweep_bucket) if hasattr(module, "adopt")]


@fault("of two windows that have closed only the later is frozen")
def _() -> Patches:
    begin = freeze.windows_to_freeze

    def hasty(kept: calendar.Calendar, states: Any, now: Any) -> Any:
        return tuple(w for w in begin(kept, states, now) if now >= w.closes)[-1:]

    return [(freeze, "windows_to_freeze", hasty)]
