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
            if new is not None and "offer_pending" in new:
                self.world.pipeline.stream(new["upload_id"])
            if new is not None and new.get("held") == "straggler" and new["status"] == "CHECKING":
                self.world.operators.decide_soon()
        elif key.sk == "STATE" and new is not None and "reports_queued" in new:
            self.world.operators.decide_soon()
        elif key.sk == "STATE" and new is not None and "sealing" in new and not (old and "sealing" in old):
            self.world.operators.decide_soon(500)
        elif key.pk.startswith("WINDOW#") and key.sk.startswith("SCHOOL#"):
            if old is not None and "frozen_at" in old and old != new:
                self.world.truth.journal.append(f"the sealed row {key.pk} {key.sk} was changed")
            self._mark_rises(key, old, new)
        elif key.sk.startswith("CURRENT#"):
            self._mark_rises(key, old, new)
        elif key.pk.startswith("TRUST#") and key.sk.startswith("SCHOOL#"):
            school = key.sk.removeprefix("SCHOOL#")
            self.world.truth.members.append(
                (self.world.scheduler.now(), key.pk.removeprefix("TRUST#"), school, new is not None)
            )

    def _mark_rises(self, key: Key, old: Item | None, new: Item | None) -> None:
        if old is not None and "mark" in old and (new is None or new.get("mark", "") < old["mark"]):
            self.world.truth.journal.append(f"the register {key.pk} {key.sk} fell back")

    def removed(self, key: str, stored: Stored) -> None:
        found = parse_upload_key(key)
        if found and f"tombstones/{found[0]}/{found[1]}.json" not in self.world.records.objects:
            self.world.truth.journal.append(f"a version under {key} was removed before its tombstone was written")
