"""What is watched on the way: every write to the table, every removal of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from early_results.object_keys import parse_upload_key
from early_results.writes import Item, Key

from .store import Stored

if TYPE_CHECKING:
    from .world import World


class Watch:
    """Sees each write as it happens."""

    def __init__(self, world: World) -> None:
        self.world = world

    def wrote(self, key: Key, old: Item | None, new: Item | None) -> None:
        if key.sk == "UPLOAD":
            self._upload(old, new)
            if new is not None and "offer_pending" in new:
                self.world.pipeline.stream(new)
            if new is not None and new.get("held") == "straggler" and new["status"] == "CHECKING":
                self.world.operators.decide_soon()
        elif key.sk == "STATE" and new is not None and "reports_queued" in new:
            self.world.operators.decide_soon()
        elif key.sk == "STATE" and new is not None and "sealing" in new and not (old and "sealing" in old):
            self.world.operators.decide_soon(500)
        elif key.pk.startswith("WINDOW#") and key.sk.startswith("SCHOOL#"):
            if old is not None and "frozen_at" in old and old != new:
                self.world.truth.journal.append(f"the sealed row {key.pk} {key.sk} was changed")
            if new is not None and "frozen_at" in new and not (old and "frozen_at" in old):
                self._happened("sealed", f"{key.pk.split('#')[2]}#{key.sk.removeprefix('SCHOOL#')}")
            self._mark_rises(key, old, new)
        elif "REPORT#" in key.sk:
            self._report(key, old, new)
        elif key.sk.startswith("ADDED#") and new is not None:
            number, school = key.pk.split("#")[2], key.sk.removeprefix("ADDED#")
            self._happened("added", f"{number}#{school}#{new['upload_id']}")
        elif key.sk.startswith("CURRENT#"):
            self._mark_rises(key, old, new)
        elif key.pk.startswith("TRUST#") and key.sk.startswith("SCHOOL#"):
            school = key.sk.removeprefix("SCHOOL#")
            self.world.truth.members.append(
                (self.world.scheduler.now(), key.pk.removeprefix("TRUST#"), school, new is not None)
            )

    def _happened(self, what: str, whose: str) -> None:
        self.world.truth.happened.append((self.world.scheduler.now(), what, whose))

    def _upload(self, old: Item | None, new: Item | None) -> None:
        before, after = (old or {}).get("status"), (new or {}).get("status")
        if new is None or before == after:
            return
        standing = ("SUCCESSFUL", "OVERWRITTEN")
        offered = "offer_pending" in (old or {}) and new.get("held") != "straggler"
        if (after in standing and before not in standing) or (after == "DELETED" and offered):
            self._happened("joined", new["upload_id"])
        if after == "DELETED":
            self._happened("deleted", new["upload_id"])

    def _report(self, key: Key, old: Item | None, new: Item | None) -> None:
        """A report that is there stays there, until its file is deleted or another file is let in."""
        if new is not None and new["state"] == "READY":
            of = f"{new['service']}/{new['window']}/{key.pk.removeprefix('SCHOOL#')}/{new['upload_id']}"
            self.world.truth.given.add(f"reports/{of}")
        if not old or old.get("state") != "READY":
            return
        upload = self.world.table.items.get(Key(f"UPLOAD#{old['upload_id']}", "UPLOAD"), {})
        if new is None and upload.get("status") != "DELETED":
            self.world.truth.journal.append(f"the record {key.sk} of a report that is READY was removed")
        if new is not None and new["upload_id"] == old["upload_id"] and new["state"] == "FAILED":
            self.world.truth.journal.append(f"the report {key.sk} of {key.pk} was READY and became FAILED")

    def put(self, key: str, old: bytes | None, new: bytes) -> None:
        """The same frozen file, figures and template give the same report, byte for byte.

        What a build left that died, and whose report was given up, nobody was given; what it had pinned goes with the
        table. A deleted file's report is nobody's either: what a late build writes of it is removed again.
        """
        report = key.partition(".")[0]
        upload = self.world.table.items.get(Key(f"UPLOAD#{report.rpartition('/')[2]}", "UPLOAD"), {})
        there = report in self.world.truth.given and upload.get("status") != "DELETED"
        if there and old is not None and old != new:
            self.world.truth.journal.append(f"the report {key} was built again and is another")

    def _mark_rises(self, key: Key, old: Item | None, new: Item | None) -> None:
        if old is not None and "mark" in old and (new is None or new.get("mark", "") < old["mark"]):
            self.world.truth.journal.append(f"the register {key.pk} {key.sk} fell back")

    def removed(self, key: str, stored: Stored) -> None:
        found = parse_upload_key(key)
        if found and f"tombstones/{found[0]}/{found[1]}.json" not in self.world.records.objects:
            self.world.truth.journal.append(f"a version under {key} was removed before its tombstone was written")
