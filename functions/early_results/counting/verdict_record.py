"""What the records bucket keeps of a verdict, and the one place that knows its JSON (DESIGN 5, "Evidence").

It is written once, before anything else of a verdict. Three read it, to come to the same verdict again: a check after
an earlier one died, a verification of the window, and a rebuild of the table. Its names and its bytes never change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..canonical import canonical
from ..findings import Code, Finding, Severity
from ..times import from_text, to_text

ACCEPTED, REFUSED = "accepted", "refused"


class BadVerdict(ValueError):
    """A stored verdict is none that we wrote; the message names the setting, never its value."""


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """A verdict and what it was reached by: no personal data, the user as `sub`, nothing of the run's own time.

    `organisation` is the uploader's, `allowed_by` the same where it allowed them to upload for `school`, which the
    rows of the file name. `window` is None for a file that came outside every window. `received` (UTC, whole seconds),
    `object_key`, `version` and `size` (bytes) are of the object that was judged. `roster_version` and
    `template_roster_version` name the rosters that it was compared with. `findings` counts them by code.
    `figures_sha256` is the hash of the summary of an accepted file.
    """

    upload_id: str
    service: str
    user: str
    organisation: str
    allowed_by: str | None
    school: str | None
    accepted: bool
    window: int | None
    calendar_version: int
    received: datetime
    object_key: str
    version: str
    size: int
    sha256: str
    roster_version: str | None
    template_roster_version: str | None
    ruleset: str
    pupils: int
    findings: Mapping[Code, int]
    figures_sha256: str | None

    @property
    def school_allowed(self) -> str | None:
        """The school that the upload belongs to: the one its rows name, if its uploader might upload for it."""
        return self.school if self.allowed_by else None

    @property
    def counts(self) -> dict[str, int]:
        """How many pupils, errors and warnings, as an upload's record keeps them."""
        told = dict.fromkeys(Severity, 0)
        for code, number in self.findings.items():
            told[code.severity] += number
        return {"pupils": self.pupils, "errors": told[Severity.ERROR], "warnings": told[Severity.WARNING]}

    def agrees_with(self, other: VerdictRecord) -> bool:
        """Whether two checks of one file came to the same: which object, for whom, with which outcome and figures."""
        return self._outcome == other._outcome

    @property
    def _outcome(self) -> tuple[bool, str | None, int | None, str, str, str | None]:
        return self.accepted, self.school, self.window, self.version, self.sha256, self.figures_sha256

    def to_json(self) -> dict[str, Any]:
        """The record under its stored names."""
        return {
            "upload": self.upload_id,
            "service": self.service,
            "user": self.user,
            "organisation": self.organisation,
            "allowed_by": self.allowed_by,
            "school": self.school,
            "outcome": ACCEPTED if self.accepted else REFUSED,
            "window": self.window,
            "calendar_version": self.calendar_version,
            "received": to_text(self.received),
            "key": self.object_key,
            "version": self.version,
            "size": self.size,
            "sha256": self.sha256,
            "roster_version": self.roster_version,
            "template_roster_version": self.template_roster_version,
            "ruleset": self.ruleset,
            "pupils": self.pupils,
            "findings": {code.value: number for code, number in self.findings.items()},
            "figures": self.figures_sha256,
        }

    def to_bytes(self) -> bytes:
        """The record as it is stored: equal records, equal bytes."""
        return canonical(self.to_json())


def count_by_code(findings: Iterable[Finding]) -> dict[Code, int]:
    """How many findings there are of each code, as a record counts them."""
    found: dict[Code, int] = {}
    for finding in findings:
        found[finding.code] = found.get(finding.code, 0) + 1
    return found


def verdict_from_json(data: Mapping[str, Any]) -> VerdictRecord:
    """The record that `to_json` gave. BadVerdict if it is none."""
    try:
        if data["outcome"] not in (ACCEPTED, REFUSED):
            raise BadVerdict("a verdict with an outcome that is none")
        return VerdictRecord(
            upload_id=data["upload"],
            service=data["service"],
            user=data["user"],
            organisation=data["organisation"],
            allowed_by=data["allowed_by"],
            school=data["school"],
            accepted=data["outcome"] == ACCEPTED,
            window=data["window"],
            calendar_version=data["calendar_version"],
            received=from_text(data["received"]),
            object_key=data["key"],
            version=data["version"],
            size=data["size"],
            sha256=data["sha256"],
            roster_version=data["roster_version"],
            template_roster_version=data["template_roster_version"],
            ruleset=data["ruleset"],
            pupils=data["pupils"],
            findings={Code(code): number for code, number in data["findings"].items()},
            figures_sha256=data["figures"],
        )
    except KeyError as error:
        raise BadVerdict(f"a verdict without {error}") from error


def read_verdict(stored: bytes) -> VerdictRecord:
    """The record of these stored bytes. BadVerdict, or ValueError where they are no JSON at all, if it is none."""
    return verdict_from_json(json.loads(stored))
