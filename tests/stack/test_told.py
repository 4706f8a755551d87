"""People are told by e-mail, from the first verdict to the report, through the real doors into the emulator's box."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.templates import template_workbook
from early_results.checking.roster import Roster, rosters_csv
from early_results.counting.calendar import Calendar
from early_results.reference import reference_of
from early_results.results import Pupil
from early_results.service import Window, load_service
from infra.local.client import PortalClient
from infra.local.demonstration import fill, pupils_of, results_of
from infra.local.stack import Mail, mailbox, wait_for
from infra.operator.operations import store_calendar
from tests.conftest import Deployed

from .conftest import physical, run_freeze

pytestmark = pytest.mark.stack
# A collection of its own: its window closes here, whatever the tests beside this one need of theirs.
SERVICE = load_service("phonics-2026")
OWN, SISTER = "1231234", "8012003"  # both of the trust
CHILD, UPN = ("QZFORENAMEQZ", "QZSURNAMEQZ"), "Q999000111222"


def _pupils(school: str) -> tuple[Pupil, ...]:
    first, *rest = pupils_of(school, 8, service=SERVICE)
    return (first._replace(upn=UPN, forename=CHILD[0], surname=CHILD[1]) if school == OWN else first, *rest)


def _workbook(school: str, *, wrong: bool = False, seed: int = 7) -> bytes:
    moment, pupils = datetime(2026, 6, 1, 8, tzinfo=UTC), _pupils(school)
    template = template_workbook(SERVICE, Roster(school, "test", moment, pupils), moment)
    results: dict[str, dict[str, Any]] = {pupil.upn: dict(results_of(SERVICE, pupil, seed)) for pupil in pupils}
    if wrong:
        results[pupils[0].upn][SERVICE.results[0].key] = CHILD[1]
    return fill(template, SERVICE, results)


class Box:
    """What this test's collection has told people, of all that lies in the emulator's box."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed

    def mails(self) -> list[Mail]:
        return [mail for mail in mailbox(self.deployed.stack.endpoint) if "Phonics 2026" in mail.subject]

    def subjects(self, organisation: str) -> list[str]:
        address = self.deployed.user(organisation)["email"]
        return [mail.subject for mail in self.mails() if mail.to == address]

    def wait(self, organisation: str, words: str) -> Mail:
        """The e-mail to somebody with these words in its subject, once it is there."""
        address = self.deployed.user(organisation)["email"]

        def found() -> list[Mail]:
            return [mail for mail in self.mails() if mail.to == address and words in mail.subject]

        wait_for(f"{organisation} to be told “{words}”", lambda: bool(found()), 120, every=0.3)
        return found()[0]


def _look(deployed: Deployed) -> None:
    """A run of the notice function beside the schedule's own."""
    answer = deployed.stack.client("lambda").invoke(
        FunctionName=physical(deployed, "NoticeFunction"), Payload=b'{"run": "look"}'
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def _calendar(deployed: Deployed, version: int, window: Window) -> None:
    stores = deployed.stores
    store_calendar(stores.table, stores.records, Calendar(SERVICE.name, version, (window,)), "test", "its times")


def test_people_are_told_from_the_first_verdict_to_the_report(spare: Deployed) -> None:
    box, now = Box(spare), datetime.now(UTC).replace(microsecond=0)
    # Two hours before the close have not come, and a day before it the window was not open: no reminder is due.
    window = Window(1, now - timedelta(hours=4), now + timedelta(hours=4), now.date())
    _calendar(spare, 1, window)
    listed = rosters_csv([pupil for school in (OWN, SISTER) for pupil in _pupils(school)], SERVICE)
    spare.stores.uploads.put(f"rosters/{SERVICE.name}/pupils.csv", listed.encode(), "text/csv")
    school, sister = spare.sign_in(f"SCHOOL#{OWN}"), spare.sign_in(f"SCHOOL#{SISTER}")
    trust, operator = spare.sign_in("TRUST#ABC"), spare.sign_in("OPERATOR")
    for person, number in ((school, OWN), (sister, SISTER)):
        wait_for("the pupils", lambda p=person, n=number: _is_listed(p, n), 120)  # type: ignore[misc]

    # Somebody turns off what may be turned off; an operator is told nothing and has nothing to turn off.
    everything = dict.fromkeys(("verdict", "reminder", "frozen", "report"), True)
    assert school.get("/me")["mail"] == everything
    assert operator.get("/me")["mail"] is None
    assert operator.request("PUT", "/me/mail", everything).status == 403
    assert sister.request("PUT", "/me/mail", {"verdict": False}).status == 400
    less = {**everything, "verdict": False, "frozen": False}
    assert sister.request("PUT", "/me/mail", less).json() == less
    assert sister.get("/me")["mail"] == less

    # Verdicts with their receipts, and a file that somebody else overwrites.
    named = f"{' '.join(CHILD)}.xlsx"
    wrong = school.verdict(school.upload(SERVICE.name, named, _workbook(OWN, wrong=True)))
    assert wrong["status"] == "UPLOAD_ERROR"
    assert "1 error" in box.wait(f"SCHOOL#{OWN}", "does not count").subject
    mine = school.verdict(school.upload(SERVICE.name, named, _workbook(OWN)))
    told = box.wait(f"SCHOOL#{OWN}", "was accepted")
    for words in (
        mine["receipt"]["sha256"],
        mine["receipt"]["statement"],
        reference_of(mine["upload_id"]),
        spare.stack.portal_url,
    ):
        assert words in told.text
    trust.verdict(trust.upload(SERVICE.name, named, _workbook(OWN, seed=8)))
    lost = box.wait(f"SCHOOL#{OWN}", "was overwritten by somebody else")
    assert spare.user("TRUST#ABC")["email"] in lost.text
    sister.verdict(sister.upload(SERVICE.name, named, _workbook(SISTER, wrong=True)))

    # Two hours before the close: who has only errors, and their trust.
    window = window._replace(closes=now + timedelta(hours=1))
    _calendar(spare, 2, window)
    _look(spare)
    assert "only" not in box.wait(f"SCHOOL#{SISTER}", "no good Phonics 2026 file yet").text
    reminded = box.wait("TRUST#ABC", "no good Phonics 2026 file yet")
    assert "Oakfield Academy (8012003), but all of them have errors" in reminded.text

    # The window closes. A file fixes the calendar to the end of its second (decision 0040), so it closes after that.
    closes = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    _calendar(spare, 3, window._replace(closes=closes))

    def is_frozen() -> bool:
        run_freeze(spare)
        return bool(operator.get(f"/windows/{SERVICE.name}/1")["state"] == "FROZEN")

    wait_for("the window to be frozen", is_frozen, 120, every=1)
    _look(spare)
    assert "it is the school's frozen file" in box.wait(f"SCHOOL#{OWN}", "window 1 is closed, your file is final").text
    assert "files of 1 of your 4 schools count" in box.wait("TRUST#ABC", "is closed").subject

    # Its report is built.
    wait_for("the report", lambda: school.get("/reports", service=SERVICE.name)["reports"][0]["available"], 120)
    _look(spare)
    box.wait(f"SCHOOL#{OWN}", "report is ready")
    box.wait("TRUST#ABC", "report is ready")

    # A notice that comes again is told once, as is a round that is looked for again.
    queue = spare.stack.client("sqs")
    url = queue.get_queue_url(QueueName=physical(spare, "TellQueue").rpartition("/")[2])["QueueUrl"]
    sub = school.get("/me")["sub"]
    again = {"kind": "verdict", "to": sub, "service": SERVICE.name, "mark": f"VERDICT#{mine['upload_id']}"}
    queue.send_message(QueueUrl=url, MessageBody=json.dumps({**again, "upload_id": mine["upload_id"]}))
    _look(spare)
    last = school.request("PUT", "/me/mail", {**everything, "report": False}).json()
    assert last["report"] is False

    def is_empty() -> bool:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        left = queue.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return all(int(left[name]) == 0 for name in names)

    wait_for("all to be told", is_empty, 60)
    counted = Counter((mail.to, mail.subject) for mail in box.mails())
    assert max(counted.values()) == 1, counted
    # What was turned off never came.
    assert [subject for subject in box.subjects(f"SCHOOL#{SISTER}") if "no good Phonics" not in subject] == []
    assert spare.user("OPERATOR")["email"] not in {mail.to for mail in box.mails()}

    # Nothing of a child in any e-mail, and neither an address nor a school's name in the two functions' logs.
    for mail in mailbox(spare.stack.endpoint):
        assert not [private for private in (*CHILD, UPN, ".xlsx") if private in mail.subject + mail.text]
    logs = spare.stack.client("logs")
    for group in ("NoticeLogs", "TellLogs"):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=physical(spare, group))
        lines = [event["message"] for page in pages for event in page["events"]]
        assert any(SERVICE.name in line or "VERDICT#" in line for line in lines), group
        assert not [line for line in lines if "@" in line or "Oakfield" in line or "Holly Lane" in line], group


def _is_listed(person: PortalClient, school: str) -> bool:
    return person.request("GET", f"/services/{SERVICE.name}/template", school=school).status == 200
