"""Bulk upload by a trust administrator, and the operators' deadline board."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import pytest
from playwright.sync_api import Locator, Request, Route, expect

from infra.local.demonstration import OUTSIDE, SCHOOLS
from tests.conftest import Deployed

from .conftest import Open
from .portal import Portal, payload, workbook
from .test_school import forms_asked

pytestmark = pytest.mark.browser
TRUST = "TRUST#ABC"
FIRST, SECOND = "1232002", "8012003"
MANY = int(os.environ.get("BULK_FILES", "52"))  # the most is 500 at a time; benchmarks/page.py measures them


def line(person: Portal, name: str) -> Locator:
    return person.status.locator(".lines .line").filter(has_text=name)


def test_many_files_each_with_its_own_verdict(deployed: Deployed, portal: Open) -> None:
    person = portal(TRUST)
    page = person.page
    good, bad = person.own(f"{FIRST} results"), person.own("no number in the name")
    other, note = person.own(f"{OUTSIDE} not ours"), person.own("shopping list")
    expect(page.locator(".before-upload")).to_have_text("")  # nothing is chosen, so nothing is said of it
    person.choose(
        payload(good, workbook(deployed, FIRST)),
        payload(bad, workbook(deployed, SECOND, wrong=1)),
        payload(other, workbook(deployed, OUTSIDE)),
        payload(note, b"milk, eggs"),
    )
    expect(line(person, good)).to_contain_text("Riverside Infant School (1232002)")
    expect(line(person, bad)).to_contain_text("Oakfield Academy (8012003)")  # by its rows
    expect(line(person, note)).to_contain_text("No school could be recognised")
    expect(line(person, other)).to_contain_text("is not one of your trust's schools")
    expect(person.upload_button).to_have_text("Upload 4 files")
    person.upload_many()
    expect(person.status).to_contain_text("All 4 files done: 1 uploaded successfully, 3 with errors.")
    expect(line(person, good)).to_contain_text("Uploaded successfully")
    expect(line(person, bad)).to_contain_text("Oakfield Academy (8012003)")
    expect(line(person, bad)).to_contain_text("1 error: Scaled score out of range")
    expect(line(person, other)).to_contain_text("Another school's file")
    expect(line(person, note)).to_contain_text("Not an Excel workbook")
    line(person, bad).locator("summary").click()
    expect(line(person, bad).locator(".places li")).to_have_text(["Column: Scaled Score: KS1 GPSRow: 2Cell: N2"])
    page.get_by_label("Show only the files that need attention").check()
    expect(line(person, good)).to_be_hidden()
    expect(line(person, bad)).to_be_visible()
    expect(person.row(good)).to_contain_text("Riverside Infant School (1232002)")

    school = portal(f"SCHOOL#{FIRST}")
    expect(school.row(good)).to_contain_text("matadmin@abctrust.example")
    expect(school.row(good).get_by_role("button", name="Delete upload")).to_have_count(0)

    again = person.own(f"{FIRST} corrected")
    person.choose(payload(again, workbook(deployed, FIRST)))
    expect(page.get_by_text("The good file of 1 school would be overwritten")).to_be_visible()
    person.upload_button.click()
    question = page.get_by_role("dialog", name="Overwrite the good file of 1 school?")
    expect(question).to_contain_text("Riverside Infant School (1232002)")
    question.get_by_role("button", name="Cancel").click()
    expect(person.row(again)).to_have_count(0)
    person.upload_button.click()
    question.get_by_role("button", name="Upload 1 file").click()
    expect(line(person, again)).to_contain_text("Uploaded successfully")
    expect(person.row(good)).to_contain_text("Overwritten")


def test_a_long_list_of_files_is_asked_for_in_batches_and_goes_a_few_at_a_time(portal: Open) -> None:
    person = portal(TRUST)
    page = person.page
    batches: list[int] = []
    now, most = 0, 0

    def counted(request: Request, change: int) -> None:
        nonlocal now, most
        if request.method == "POST" and "early-results-uploads" in request.url:
            now += change
            most = max(most, now)
        elif change > 0 and request.method == "POST" and request.url.endswith("/api/uploads"):
            batches.append(len(json.loads(request.post_data or "")["files"]))

    page.on("request", lambda request: counted(request, 1))
    page.on("requestfinished", lambda request: counted(request, -1))
    page.on("requestfailed", lambda request: counted(request, -1))
    person.upload(*(payload(f"list {index:03d}.xlsx", b"%d" % index) for index in range(MANY)))
    expect(person.status).to_contain_text(
        f"All {MANY} files done: 0 uploaded successfully, {MANY} with errors.", timeout=1000 * (10 + MANY)
    )
    assert sum(batches) == MANY
    assert set(batches[:-1]) == {20}
    assert 1 < most <= 4
    page.reload()
    expect(page.locator(".history tbody tr")).to_have_count(50)
    page.get_by_role("button", name="Load more").click()
    expect(person.row("list 000.xlsx").first).to_be_visible()


def test_quick_clicks_and_a_reload_in_the_middle_of_a_list_make_no_second_upload(
    deployed: Deployed, portal: Open, tmp_path: Path
) -> None:
    person = portal(TRUST)
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave this page?"
    files = [tmp_path / person.own(f"left {number}") for number in range(6)]
    for number, file in enumerate(files):
        file.write_bytes(b"%d" % number)  # of no school, so that none waits for another
    bucket = re.compile(re.escape(deployed.stack.outputs["UploadsBucketName"]))
    sent: list[str] = []

    def two_arrive(route: Route) -> None:
        sent.append(route.request.url)
        if len(sent) <= 2:
            route.continue_()  # the others are on their way when the page is left

    page.route(bucket, two_arrive)
    asked = forms_asked(page)
    person.choose(*files)
    page.evaluate("() => { const b = document.querySelector('[data-key=upload]'); b.click(); b.click(); b.click() }")
    expect(person.status.get_by_text("2 of 6 files done")).to_be_visible()
    assert len(asked) == 1
    page.reload()
    expect(person.status).to_contain_text("It is not known yet whether 4 files reached us")
    page.unroute(bucket)
    left = [
        file for file in files if person.status.locator("li", has_text=file.name).get_by_text("not known yet").count()
    ]
    assert len(left) == 4
    person.upload(*left)
    expect(person.status).to_contain_text("All 4 files done: 0 uploaded successfully, 4 with errors.")
    assert len(asked) == 1, [request.post_data for request in asked]  # the forms of the first time were used
    page.reload()
    for file in files:
        expect(person.row(file.name)).to_have_count(1)
        expect(person.row(file.name)).to_contain_text("Upload error")


def test_a_template_is_for_the_school_that_was_chosen(portal: Open) -> None:
    person = portal(TRUST)
    person.page.get_by_role("button", name="Download template").click()
    expect(person.page.get_by_text("Please choose a school first.")).to_be_visible()
    person.page.get_by_label("School", exact=True).select_option("Oakfield Academy (8012003)")
    expect(person.page.get_by_text("45 pupils, as your MIS had them at")).to_be_visible()
    name, _ = person.downloaded(person.page.get_by_role("button", name="Download template"))
    assert name == "2023KS1-8012003.xlsx"


def test_operators_see_who_is_missing_and_take_the_chase_list(deployed: Deployed, portal: Open) -> None:
    person = portal("OPERATOR")
    page = person.page
    schools = page.locator("section", has=page.get_by_role("heading", name="Schools", exact=True))
    rows = schools.locator("tbody tr")
    expect(rows).to_have_count(len(deployed.seeded.pupils))
    page.get_by_label("School or reference").fill(OUTSIDE)
    expect(rows).to_have_count(1)
    name, data = person.downloaded(page.get_by_role("button", name="Chase list"))
    assert name == "chase-ks1-2023-window-1.csv"
    lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [row["School DFE"] for row in lines] == [OUTSIDE]
    assert lines[0]["Standing"] in ("Nothing yet", "Only errors")
    page.get_by_label("School or reference").fill("")
    expect(rows).to_have_count(len(deployed.seeded.pupils))

    groups = page.locator(".card", has=page.get_by_role("heading", name="By trust"))
    groups.get_by_role("button", name="No trust").click()
    expect(page.get_by_role("heading", name="Schools", exact=True)).to_be_focused()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Trust", exact=True)).to_have_value("(none)")
    groups.get_by_role("button", name="No trust").click()
    expect(rows).to_have_count(len(deployed.seeded.pupils))
    page.get_by_label("LA", exact=True).focus()
    page.get_by_label("LA", exact=True).select_option("801")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Oakfield Academy")
    expect(page.get_by_label("LA", exact=True)).to_be_focused()
    page.get_by_label("LA", exact=True).select_option("All")
    page.get_by_role("button", name="History of Marsh End").click()
    expect(page.get_by_role("heading", name="Upload history: Marsh End Community Primary School")).to_be_focused()
    expect(page.get_by_role("heading", name="File upload history")).to_be_visible()


def test_a_board_of_many_schools_is_loaded_page_by_page(portal: Open) -> None:
    """The API's own pages, cut short: what the page makes of a cursor is the same at 2 schools as at 1,000."""
    person = portal()
    page = person.page
    asked: list[dict[str, list[str]]] = []

    def cut_short(route: Route) -> None:
        address = urlsplit(route.request.url)
        query = parse_qs(address.query)
        asked.append(query)
        shorter = urlencode({**query, "limit": "2"}, doseq=True)
        route.fulfill(response=route.fetch(url=urlunsplit(address._replace(query=shorter))))

    page.route("**/api/windows/**", cut_short)
    person.sign_in("OPERATOR")
    schools = page.locator("section", has=page.get_by_role("heading", name="Schools", exact=True))
    rows = schools.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(schools).to_contain_text("5 schools, the first 2 shown.")
    schools.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(4)
    schools.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(5)
    expect(schools.get_by_role("button", name="Show more")).to_have_count(0)
    assert [query["limit"] for query in asked] == [["100"]] * 3
    numbers = [text.split()[-1] for text in rows.locator("td:first-child").all_inner_texts()]
    assert numbers == sorted(SCHOOLS)

    asked.clear()
    _, data = person.downloaded(page.get_by_role("button", name="Chase list"))
    chased = {row["School DFE"]: row["Standing"] for row in csv.DictReader(io.StringIO(data.decode("utf-8-sig")))}
    standings = dict(zip(numbers, rows.locator("td:nth-child(4)").all_inner_texts(), strict=True))
    assert chased == {number: words for number, words in standings.items() if words != "Submitted"}
    assert len(asked) == -(-len(chased) // 2) or len(asked) == 1
    assert all(query["limit"] == ["1000"] for query in asked)
    expect(schools.locator(".said")).to_have_text(f"The chase list has {len(chased)} school{'s' * (len(chased) != 1)}.")
