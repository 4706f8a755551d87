"""What must hold after a history, worked out from the buckets by a program of its own, one property a file.

It imports nothing of the project. What must be frozen is computed from the files, the rosters, the verdicts, the
calendars, the tombstones and the notes of stragglers (DESIGN 5, "Evidence"), and compared with the manifests and their
amendments; the table is then held to the same. Each violation is one line that names the rule of DESIGN 5 it breaks.
"""

from __future__ import annotations

from .access import check_access
from .case import Case, Object, Posted, Seen, Shown
from .deletions import check_deletions
from .evidence import Evidence
from .figures import check_own_figures
from .frozen import check_window
from .objects import check_objects
from .organisations import check_memberships
from .records import check_upload
from .registers import check_current
from .rosters import check_rosters
from .statements import check_statements
from .stragglers import check_stragglers
from .verdicts import check_verdict
from .windows import check_closes

__all__ = ["Case", "Object", "Posted", "Seen", "Shown", "check"]


def check(case: Case) -> list[str]:
    """Every rule that the history broke."""
    for line in case.journal:
        case.wrong(2, line)
    view = Evidence(case)
    check_closes(view)
    for upload, verdict in view.verdicts.items():
        check_verdict(view, upload, verdict)
    frozen: dict[int, dict[str, str | None]] = {}
    for number in sorted(view.windows):
        frozen[number] = check_window(view, number, frozen.get(number - 1, {}))
    check_current(view)
    for upload in sorted({row["upload_id"] for row in view.uploads()}):
        check_upload(view, upload)
    check_objects(view)
    check_stragglers(view)
    check_memberships(view)
    check_access(view)
    check_rosters(view)
    check_deletions(view)
    check_own_figures(view)
    check_statements(view)
    return case.violations
