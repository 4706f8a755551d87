"""The words of the e-mails: what each says, and what none of them says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from early_results.counting.calendar import calendar_of
from early_results.counting.registers import Mark
from early_results.counting.standing import Standing, said_of, school_words
from early_results.counting.uploads import Held, Status, Upload
from early_results.service import load_service
from early_results.telling.letters import (
    MOST_LISTED,
    Chased,
    Frame,
    Letter,
    SchoolNamed,
    Stands,
    frozen_letter,
    overwritten_letter,
    reminder_letter,
    report_letter,
    verdict_letter,
)
from early_results.times import to_text
from tests.uploads import upload_of

SERVICE = load_service("ks1-2023")
CALENDAR = calendar_of(SERVICE)
WINDOW = CALENDAR.windows[0]
RECEIVED = WINDOW.closes - timedelta(minutes=9)
FRAME = Frame(SERVICE, "https://results.example/")
SCHOOL = SchoolNamed("1231234", "Holly Lane\nPrimary School")
SISTER = SchoolNamed("1232001", "St Agnes")
ID, LATER = "01H43Q0F8RZJ4T1D2ZK5N8Q6WX", "01H43Q0F8RZJ4T1D2ZK5N8Q6WY"
HASH = "a6041d6b210e8edf5d0d00e342a86e92543012cac80182cfc23e8f6358d3d981"
CHILD, UPN = "Zephyrine Okonkwo-Smith", "Z123123420001"


def _upload(status: Status, upload_id: str = ID, **more: Any) -> Upload:
    """A file with a child in every place where a record may hold one."""
    errors = 2 if status is Status.UPLOAD_ERROR else 0
    facts: dict[str, Any] = {
        "name": f"{CHILD}.xlsx",
        "received": RECEIVED,
        "sha256": HASH,
        "window": 1,
        "counts": {"pupils": 30, "errors": errors, "warnings": 1},
        "findings": (
            {"code": "pupil-missing", "message": f"{CHILD} ({UPN})", "row": 2, "column": "UPN", "cell": "B2"},
        ),
        "changes": {"pupils": [{"name": CHILD, "upn": UPN}]},
    }
    return upload_of(upload_id, RECEIVED, status=status, **{**facts, **more})


def _stands(upload_id: str | None, *, sealed: bool = False) -> Standing:
    mark = Mark(RECEIVED, upload_id, deleted=False) if upload_id else None
    facts = {"received": to_text(RECEIVED)} if upload_id else {}
    return Standing(1, sealed, mark, upload_id, upload_id, facts=facts)


def _verdict(upload: Upload, counts: str | None, school: SchoolNamed | None = SCHOOL) -> Letter:
    stands = _stands(counts)
    told = said_of(upload, CALENDAR, [stands])
    return verdict_letter(FRAME, upload, told, school, school_words(stands, WINDOW.closes), upload.upload_id)


def _overwritten() -> Letter:
    mine = _upload(Status.OVERWRITTEN, overwritten_by=LATER)
    by = _upload(Status.SUCCESSFUL, LATER, user="other", user_name="office@trust.example")
    return overwritten_letter(FRAME, mine, said_of(mine, CALENDAR, [_stands(LATER)]), SCHOOL, by, ID)


LETTERS = {
    "accepted": _verdict(_upload(Status.SUCCESSFUL), ID),
    "errors": _verdict(_upload(Status.UPLOAD_ERROR), None),
    "errors, an earlier file counts": _verdict(_upload(Status.UPLOAD_ERROR), LATER),
    "no school": _verdict(_upload(Status.UPLOAD_ERROR, school=None), None, None),
    "parked": _verdict(_upload(Status.UPLOAD_ERROR, held=Held.PARKED), None),
    "closed": _verdict(_upload(Status.UPLOAD_ERROR, findings=({"code": "could-not-process"},)), None),
    "late": _verdict(_upload(Status.UPLOAD_ERROR, window=None, findings=({"code": "window-closed"},)), None),
    "overtaken": _verdict(_upload(Status.OVERWRITTEN, overwritten_by=LATER), LATER),
    "overwritten": _overwritten(),
    "reminder": reminder_letter(FRAME, WINDOW, [Chased(SCHOOL, False)]),
    "reminder, only errors": reminder_letter(FRAME, WINDOW, [Chased(SCHOOL, True)]),
    "reminder of a trust": reminder_letter(FRAME, WINDOW, [Chased(SCHOOL, False), Chased(SISTER, True)]),
    "frozen": frozen_letter(FRAME, WINDOW, WINDOW.closes, [Stands(SCHOOL, _stands(ID, sealed=True))]),
    "frozen, nothing": frozen_letter(FRAME, WINDOW, WINDOW.closes, [Stands(SCHOOL, _stands(None, sealed=True))]),
    "frozen of a trust": frozen_letter(
        FRAME,
        WINDOW,
        WINDOW.closes,
        [Stands(SCHOOL, _stands(ID, sealed=True)), Stands(SISTER, _stands(None, sealed=True))],
    ),
    "report": report_letter(FRAME, WINDOW, [SCHOOL]),
    "reports of a trust": report_letter(FRAME, WINDOW, [SCHOOL, SISTER]),
}


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
def test_no_letter_has_anything_of_a_pupil_or_of_the_files_name(letter: Letter) -> None:
    text = f"{letter.subject}\n{letter.text}"
    for private in (*CHILD.replace("-", " ").split(), UPN, ".xlsx", "B2"):
        assert private not in text
    assert letter.subject.isprintable()  # one line, whatever an extract's cell holds
    assert "None" not in text
    for word in ("https://results.example/", SERVICE.support.email, "not the statutory return"):
        assert word in letter.text
    always = "It is always sent" in letter.text
    assert always == (letter is LETTERS["overwritten"])


SUBJECTS = {
    "accepted": "Holly Lane Primary School (1231234): your KS1 2023 file was accepted",
    "errors": "Holly Lane Primary School (1231234): your KS1 2023 file has 2 errors and does not count",
    "no school": "Your KS1 2023 file has 2 errors and does not count",
    "parked": "Holly Lane Primary School (1231234): your KS1 2023 file could not be processed yet",
    "closed": "Holly Lane Primary School (1231234): your KS1 2023 file could not be processed and does not count",
    "late": "Holly Lane Primary School (1231234): your KS1 2023 file does not count",
    "overtaken": "Holly Lane Primary School (1231234): your KS1 2023 file was accepted, but does not count",
    "overwritten": "Holly Lane Primary School (1231234): your KS1 2023 file was overwritten by somebody else",
    "reminder": "Holly Lane Primary School (1231234): no good KS1 2023 file yet, and the window closes at "
    "12 noon on Friday 30 June 2023",
    "reminder of a trust": "2 schools without a good KS1 2023 file, and the window closes at 12 noon on Friday 30 June "
    "2023",
    "frozen": "Holly Lane Primary School (1231234): KS1 2023 window 1 is closed, your file is final",
    "frozen, nothing": "Holly Lane Primary School (1231234): KS1 2023 window 1 is closed, no file counts",
    "frozen of a trust": "KS1 2023 window 1 is closed: files of 1 of your 2 schools count",
    "report": "Holly Lane Primary School (1231234): your KS1 2023 report is ready",
    "reports of a trust": "KS1 2023 reports of 2 of your schools are ready",
}


def test_the_subject_says_it_all() -> None:
    assert {name: LETTERS[name].subject for name in SUBJECTS} == SUBJECTS


def test_a_verdict_comes_with_its_receipt_and_with_what_counts() -> None:
    for name in ("accepted", "errors", "overtaken"):
        for words in (ID, HASH, "11.51am on Friday 30 June 2023", "Counts for the window closing at 12 noon"):
            assert words in LETTERS[name].text, name
    # Who sent a file with errors is told whether an earlier one stands: otherwise they would fear for it.
    assert "counts, unless a later one overwrites it" in LETTERS["errors, an earlier file counts"].text
    assert "no successful file has been received yet" in LETTERS["errors"].text
    assert "office@trust.example has sent a file" in LETTERS["overwritten"].text


def test_a_trust_of_many_schools_gets_one_letter_of_a_readable_length() -> None:
    many = [Chased(SchoolNamed(f"{1230000 + n}", ""), False) for n in range(MOST_LISTED + 7)]
    letter = reminder_letter(FRAME, WINDOW, many)
    assert letter.subject.startswith(f"{MOST_LISTED + 7} schools")
    assert "and 7 more" in letter.text
