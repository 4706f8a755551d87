"""Faults in what operators decide after the freeze, and in a table that is written again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from early_results.counting import verdicts
from early_results.counting.uploads import Upload
from early_results.writes import Update
from infra.operator import operating, rebuilding
from infra.operator.evidence import Evidence

from .listing import Patches, fault


@fault("a straggler is let in without an amendment")
def _() -> Patches:
    return [(operating, "_keep_amendment", lambda *_: None)]


@fault(
    "a straggler may be deleted while it is being let in",
    "deletes",
    "late files decided",
    slow=("put once records/amendments",),
)
def _() -> Patches:
    return [(Upload, "deletable", Upload.judged)]


@fault("a straggler that is being let in may be refused", "late files decided")
def _() -> Patches:
    def hasty(upload: Upload, finding: Any) -> Update:
        return replace(refuse(upload, finding), require={"status": "CHECKING"})

    refuse = verdicts.refuse_straggler
    return [(verdicts, "refuse_straggler", hasty)]


@fault("a rebuilt table knows nothing of what was deleted before noon", "table lost", "deletes")
def _() -> Patches:
    return [(rebuilding._Service, "_greatest_deleted", lambda *_: None)]


@fault("a rebuilt table takes every good file for one that was let in", "table lost", "very slow transfers")
def _() -> Patches:
    return [(Evidence, "let_in", lambda *_: True)]
