"""A page that is always true: what others do is learned while it is open, and nothing is said that is not known."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from infra.local.demonstration import OUTSIDE
from tests.conftest import Deployed

from .conftest import Open
from .portal import Portal, payload, workbook
from .test_school import forms_asked
from .test_trust import TRUST, line
from .test_ugly import BUCKET, Noon

pytestmark = pytest.mark.browser
SCHOOL = "1232002"
ME = f"SCHOOL#{SCHOOL}"
NAME = "Riverside Infant School (1232002)"
ONE = re.compile("/api/uploads/[0-9A-Z]{26}$")
CHANGES = re.compile("/api/services/[^/]+/changes$")


def good(person: Portal, stem: str, school: str = SCHOOL, blank: int = 0) -> str:
    """Uploads a good file, waits for its verdict, and gives its name."""
    name = person.own(stem)
    person.upload(payload(name, workbook(person.deployed, school, blank=blank)))
    yes = person.page.get_by_role("dialog").get_by_role("button", name="Upload")
    done = person.page.get_by_text(re.compile("^File uploaded successfully$|1 uploaded successfully"))
    expect(person.status.filter(has_text=name).and_(person.status.filter(has=done)).or_(yes).first).to_be_visible()
    if yes.is_visible():
        yes.click()
    expect(person.status.filter(has_text=name).filter(has=done)).to_be_visible()
    return name


# ---------------------------------------------------------------- 1: others' uploads


def test_what_another_uploads_is_shown_while_the_page_is_open(portal: Open) -> None:
    trust, school = portal(TRUST), portal(ME)
    trust.page.locator("details", has_text="a good file.").locator("summary").click()
    name = good(school, "while the trust looks")
    expect(trust.page.locator(".plainlist").get_by_text(name)).to_be_visible()
    expect(trust.row(name)).to_contain_text("Counts for window 1")
    again = good(trust, f"{SCHOOL} while the school looks")
    expect(school.page.get_by_text("The file that counts now:")).to_contain_text(again)
    expect(school.row(again)).to_contain_text("Counts for window 1")
    expect(school.row(name)).to_contain_text("Overwritten")


def test_nobody_overwrites_unwarned_a_file_that_came_after_theirs_was_chosen(deployed: Deployed, portal: Open) -> None:
    trust, school = portal(TRUST), portal(ME)
    school.page.route(CHANGES, lambda route: route.abort())  # until Upload is selected it hears of nothing
    mine = school.own("mine")
    school.choose(payload(mine, workbook(deployed, SCHOOL)))
    theirs = good(trust, f"{SCHOOL} theirs")
    school.page.unroute(CHANGES)
    asked = forms_asked(school.page)
    school.upload_button.click()
    question = school.page.get_by_role("dialog", name="Overwrite a file that came meanwhile?")
    expect(question).to_contain_text(f"{deployed.user(TRUST)['email']} has uploaded {theirs}")
    question.get_by_role("button", name="Cancel").click()
    expect(school.page.locator(".chosen .panel.warn")).to_contain_text(f"it will overwrite {theirs}")
    assert asked == []
    school.upload_button.click()  # seen and wanted: it is not asked twice
    expect(school.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    expect(trust.row(theirs)).to_contain_text("Overwritten")


def test_a_page_asks_by_small_conditional_requests_and_not_at_all_while_it_is_hidden(portal: Open) -> None:
    person = portal()
    page = person.page
    page.clock.install()
    answers: list[tuple[int, int]] = []
    others: list[str] = []
    page.on(
        "response",
        lambda r: (
            answers.append((r.status, int(r.headers.get("content-length", "0")))) if CHANGES.search(r.url) else None
        ),
    )
    # What is still being checked is looked at too, so the history is one in which nothing is: other tests' may not be.
    page.route(re.compile(r"/api/uploads(\?|$)"), lambda route: route.fulfill(json={"uploads": [], "cursor": None}))
    person.sign_in(ME)
    expect(page.get_by_text("pupils, as your MIS had them at")).to_be_visible()
    person.until(lambda: len(answers) == 1)
    page.wait_for_timeout(500)
    page.on("request", lambda r: others.append(r.url) if "/api/" in r.url and not CHANGES.search(r.url) else None)
    for number in range(2, 6):
        page.clock.fast_forward(15_000)
        person.until(lambda wanted=number: len(answers) == wanted)  # type: ignore[misc]
    assert {status for status, _ in answers[1:]} == {304}
    assert max(size for _, size in answers) < 100
    assert others == []
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.clock.fast_forward(3_600_000)
    page.wait_for_timeout(1000)
    assert len(answers) == 5
    page.evaluate("Object.defineProperty(document, 'hidden', {value: false, configurable: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    person.until(lambda: len(answers) == 6)


# ---------------------------------------------------------------- 2: what is not known


def told(person: Portal, **said: Any) -> dict[str, Any]:
    """From now on the API says this of every single upload: change it to have it say something else."""
    now: dict[str, Any] = dict(said)

    def answer(route: Route) -> None:
        got = route.fetch()
        route.fulfill(json={**got.json(), **now}) if now and got.ok else route.fulfill(response=got)

    person.page.route(ONE, answer)
    return now


def test_a_file_of_which_nothing_is_known_is_not_called_lost(deployed: Deployed, portal: Open, tmp_path: Any) -> None:
    person = portal(ME)
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave this page?"
    file = tmp_path / person.own("under way")
    file.write_bytes(workbook(deployed, SCHOOL, wrong=1))
    arrived: list[str] = []

    def arrive_unheard(route: Route) -> None:
        arrived.append(route.request.url)
        route.fetch()  # S3 has it; the page is left before it hears so

    page.route(BUCKET, arrive_unheard)
    now = told(person, status="AWAITING_UPLOAD")
    person.upload(file)
    person.until(lambda: arrived != [])
    page.unroute(BUCKET)
    page.reload()
    expect(person.status).to_contain_text(f"It is not known yet whether {file.name} has reached us")
    expect(person.status).to_contain_text("We will know for certain by")
    expect(person.status).not_to_contain_text("has not been received")
    now |= {"status": "CHECKING"}
    expect(person.status).to_contain_text(f"{file.name} has been received and is being checked")
    now.clear()
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()


def test_after_a_reload_each_file_of_a_bulk_is_called_what_it_is(
    deployed: Deployed, portal: Open, tmp_path: Any
) -> None:
    person = portal(TRUST)
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())
    files = [tmp_path / person.own(f"list {number}") for number in range(3)]
    for number, file in enumerate(files):
        file.write_bytes(b"%d" % number)
    arrived: list[str] = []

    def all_arrive_unheard(route: Route) -> None:
        route.fetch()
        arrived.append(route.request.url)

    page.route(BUCKET, all_arrive_unheard)
    now = told(person, status="AWAITING_UPLOAD")
    person.upload(*files)
    person.until(lambda: len(arrived) == 3)
    page.unroute(BUCKET)
    page.reload()
    expect(person.status).to_contain_text("It is not known yet whether 3 files reached us")
    expect(person.status).not_to_contain_text("did not arrive")
    now.clear()
    expect(person.status).to_contain_text("The files that were on their way have arrived")
    expect(person.status.get_by_text("upload error, Not an Excel workbook")).to_have_count(3)


# ---------------------------------------------------------------- 3: verdicts that stay true


def test_a_verdict_does_not_outlive_its_truth(portal: Open) -> None:
    school, trust, elsewhere = portal(ME), portal(TRUST), portal(ME)
    name = good(school, "true for now")
    expect(school.status).to_contain_text("yes, because it is the latest successful file received for the school.")
    theirs = good(trust, f"{SCHOOL} the trust's")
    expect(school.status).to_contain_text("This file was uploaded successfully, but does not count now")
    expect(school.status).to_contain_text("no, because a later successful file has overwritten it.")
    expect(school.status).to_contain_text(f"The file that counts is {theirs}")
    elsewhere.row(name).get_by_role("button", name="Delete upload").click()
    elsewhere.page.get_by_role("dialog").get_by_role("button", name="Delete upload").click()
    expect(elsewhere.row(name)).to_have_count(0)
    school.page.reload()
    later = good(school, "deleted elsewhere")
    expect(elsewhere.row(later)).to_be_visible()
    elsewhere.row(later).get_by_role("button", name="Delete upload").click()
    elsewhere.page.get_by_role("dialog").get_by_role("button", name="Delete upload").click()
    expect(school.status).to_contain_text("This upload has been deleted")
    expect(school.status).not_to_contain_text("yes, because")
    # The trust's own line of its bulk, which said "Uploaded successfully":
    expect(line(trust, theirs)).to_contain_text("Overwritten")


def test_reports_appear_in_a_page_that_was_left_open(portal: Open) -> None:
    person = portal()
    page = person.page
    built = False
    common = {
        "service": "ks1-2023",
        "school": SCHOOL,
        "window": 1,
        "upload_id": "0" * 26,
        "file": None,
        "available_from_words": "Friday 7 July 2023",
    }

    def closed(route: Route) -> None:
        answer = route.fetch().json()
        answer["services"][0]["windows"][0] |= {
            "closes": "2023-06-30T11:00:00Z",
            "closes_words": "12 noon on Friday 30 June 2023",
            "state": "FROZEN" if built else "CLOSING",
        }
        route.fulfill(json=answer)

    def changes(route: Route) -> None:
        tag = '"2"' if built else '"1"'
        had = route.request.headers.get("if-none-match") == tag
        route.fulfill(status=304 if had else 200, headers={"ETag": tag}, body="" if had else "{}")

    report = {**common, "state": "READY", "available": True}
    page.route("**/api/services", closed)
    page.route(CHANGES, changes)
    page.route("**/api/reports?*", lambda route: route.fulfill(json={"reports": [report] if built else []}))
    person.sign_in(ME)
    expect(page.get_by_text("We are making sure that every file")).to_be_visible()
    built = True
    expect(page.get_by_role("button", name="Report (PDF)")).to_be_visible()


# ---------------------------------------------------------------- 4: one statement


def test_the_file_that_a_window_is_about_to_be_frozen_with_has_its_tick(portal: Open) -> None:
    person = portal(ME)
    name = good(person, "overwritten since, but of the next window")

    def between(route: Route) -> None:
        answer = route.fetch().json()
        for row in answer["uploads"]:
            if row["name"] == name:
                row |= {"status": "OVERWRITTEN", "counts_for_school": True}
                row["receipt"] |= {"window": 2}
                row["windows"][0] |= {"counts": True, "window": 1}
        route.fulfill(json=answer)

    person.page.route("**/api/uploads?*", between)
    person.page.route("**/api/uploads", between)
    person.page.reload()
    expect(person.row(name).locator(".counts")).to_have_text("Counts for window 1")


# ---------------------------------------------------------------- 5: a second too late


def late(person: Portal) -> None:
    """The forms that the API issues are for window 2 by now, and so is what is said of each upload."""

    def of_window_2(route: Route) -> None:
        if route.request.method != "POST":
            return route.fallback()
        return route.fulfill(status=201, json=[{**form, "window": 2} for form in route.fetch().json()])

    def said(route: Route) -> None:
        got = route.fetch().json()
        if got["receipt"]:
            got["receipt"] |= {"window": 2}
        route.fulfill(json=got)

    person.page.route("**/api/uploads", of_window_2)
    person.page.route(ONE, said)


def test_upload_selected_after_the_close_asks_before_and_says_so_after(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    noon = Noon(person, next_open=True)
    late(person)
    expect(person.page.get_by_text("Window 1 is open until")).to_be_visible()
    person.choose(payload(person.own("too late"), workbook(deployed, SCHOOL)))
    noon.strikes()
    expect(person.page.get_by_text("Window 2 is open until").first).to_be_visible()
    expect(person.page.locator(".chosen")).to_contain_text("Window 1 closed at 12 noon on Friday 30 June 2023")
    person.upload_button.click()
    question = person.page.get_by_role("dialog", name="Window 1 has closed")
    expect(question).to_contain_text("Your file has not been sent.")
    expect(question).to_contain_text("If you upload it now, it counts for window 2.")
    question.get_by_role("button", name="Upload for window 2").click()
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    expect(person.status.locator(".panel.warn")).to_contain_text("Window 1 closed at 12 noon on Friday 30 June 2023")
    expect(person.status.locator(".panel.warn")).to_contain_text("for window 2")


def test_a_page_whose_clock_is_a_second_behind_sends_nothing_for_another_window(
    deployed: Deployed, portal: Open
) -> None:
    person = portal(ME)
    late(person)
    sent: list[str] = []
    person.page.on("request", lambda r: sent.append(r.url) if BUCKET.search(r.url) and r.method == "POST" else None)
    person.upload(payload(person.own("a second too late"), workbook(deployed, SCHOOL)))
    expect(person.status).to_contain_text("The window closed before your file reached us")
    expect(person.status).to_contain_text("Nothing has been sent.")
    assert sent == []


# ---------------------------------------------------------------- 6: which window's file


def test_deleting_a_frozen_file_says_which_window_loses_it(portal: Open) -> None:
    person = portal(ME)
    name = good(person, "frozen")

    def frozen(route: Route) -> None:
        answer = route.fetch().json()
        for row in answer["uploads"]:
            if row["name"] == name:
                own = {**row["windows"][0], "counts": True, "frozen": True}
                row["windows"] = [own, {**own, "window": 2, "carried_from": 1}]
        route.fulfill(json=answer)

    person.page.route("**/api/uploads?*", frozen)
    person.page.route("**/api/uploads", frozen)
    person.page.reload()
    expect(person.row(name)).to_contain_text("Counts for windows 1 and 2")
    person.row(name).get_by_role("button", name="Delete upload").click()
    question = person.page.get_by_role("dialog", name="Delete this upload?")
    expect(question).to_contain_text(
        "Window 1 is frozen with this file. If you delete it, no file counts for window 1; its report goes, or is not"
    )
    expect(question).to_contain_text("Window 2 is frozen with this file, which was carried forward.")


def test_overwriting_in_the_next_window_says_that_the_last_one_s_file_stays(deployed: Deployed, portal: Open) -> None:
    good(portal(ME), "of window 1")
    person = portal(TRUST)
    noon = Noon(person, next_open=True)
    noon.strikes()
    expect(person.page.get_by_text("Window 2 is open until").first).to_be_visible()
    person.upload(payload(person.own(f"{SCHOOL} for window 2"), workbook(deployed, SCHOOL)))
    question = person.page.get_by_role("dialog", name="Overwrite the good file of 1 school?")
    expect(question).to_contain_text(
        "The new files are used for window 2. What was used for window 1 stays as it is, with its reports."
    )


# ---------------------------------------------------------------- 7: several files of one school


def test_several_files_of_a_school_go_in_the_chosen_order_and_are_recognised_by_their_rows(
    deployed: Deployed, portal: Open
) -> None:
    person = portal(TRUST)
    before = good(person, f"{SCHOOL} before")
    first, second, third = person.own("z first"), person.own("a second"), person.own("m third")
    empty, foreign = person.own("8012003 empty"), person.own("no number, not ours")
    underway: list[str] = []
    most = 0

    def count(request: Any) -> None:
        nonlocal most
        if BUCKET.search(request.url) and request.method == "POST":
            underway.append(request.url)
            most = max(most, len(underway))

    person.page.on("request", count)
    for event in ("requestfinished", "requestfailed"):
        person.page.on(event, lambda r: underway.remove(r.url) if r.url in underway else None)
    asked = forms_asked(person.page)
    person.choose(
        payload(first, workbook(deployed, SCHOOL)),
        payload(second, workbook(deployed, SCHOOL, wrong=1)),
        payload(third, workbook(deployed, SCHOOL, blank=1)),
    )
    for name in (first, second, third):
        expect(line(person, name)).to_contain_text(NAME)
    warnings = person.page.locator(".panel.warn")
    expect(warnings.get_by_text("The good file of 1 school would be overwritten")).to_be_visible()
    expect(warnings.get_by_text(f"{NAME}: {first}, then {second}, then {third}")).to_be_visible()
    person.upload_button.click()
    question = person.page.get_by_role("dialog", name="Overwrite the good file of 1 school?")
    expect(question).to_contain_text(before)
    question.get_by_role("button", name="Upload 3 files").click()
    expect(person.status).to_contain_text("All 3 files done: 2 uploaded successfully, 1 with errors.")
    expect(person.status).to_contain_text(f"{NAME}, 3 files: counts: {third}")
    expect(line(person, first)).to_contain_text("Overwritten")
    assert most == 1
    assert len(asked) == 1
    person.choose(payload(empty, b""), payload(foreign, workbook(deployed, OUTSIDE)))
    expect(line(person, foreign)).to_contain_text(f"{OUTSIDE} in the rows is not one of your trust's schools")
    person.upload_many()
    expect(person.status).to_contain_text("All 2 files done: 0 uploaded successfully, 2 with errors.")
    expect(line(person, empty)).to_contain_text("Oakfield Academy (8012003), by the number in its name")
    expect(line(person, foreign)).to_contain_text(f"{OUTSIDE} in the rows")
