"""A file's results corrected at the page, by keyboard, while somebody else uploads for the same school."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, Route, expect

from tests.conftest import Deployed

from . import axe
from .conftest import Open
from .portal import Portal, payload, workbook
from .test_access import fits

pytestmark = pytest.mark.browser
SCHOOL = "1232002"


def spoilt(deployed: Deployed) -> bytes:
    """Three scores of 116, one word for a code, and a pupil who is missing."""
    book = load_workbook(io.BytesIO(workbook(deployed, SCHOOL, wrong=3)))
    sheet = book.worksheets[0]
    sheet.protection.disable()
    sheet.delete_rows(sheet.max_row)
    sheet.cell(3, 8).value = "Expected"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))


def fill_in(person: Portal) -> list[str]:
    """Answers each cell and goes on with Enter, to the button; gives what had the focus on the way."""
    seen = []
    while focused(person.page) != "Check again":
        seen.append(focused(person.page))
        person.page.keyboard.type("EXS" if "Assessment" in seen[-1] else "110")
        person.page.keyboard.press("Enter")
        assert len(seen) < 10
    return seen


def test_three_mistyped_cells_are_corrected_without_excel(deployed: Deployed, portal: Open) -> None:
    person = portal(bypass_csp=True, viewport={"width": 320, "height": 800})
    person.sign_in(f"SCHOOL#{SCHOOL}")
    page = person.page
    name = person.own("mistyped")
    stem = name.removesuffix(".xlsx")
    person.upload(payload(name, spoilt(deployed)))
    expect(person.status).to_contain_text("1 pupil not in the file")
    person.status.get_by_role("button", name="Correct it here").click()
    dialog = page.get_by_role("dialog", name="Correct it here")
    expect(dialog).to_contain_text("0 of 4 results corrected.")
    assert axe.violations(page) == []
    assert fits(page)

    # What is missing is said, and has the focus; what is out of range too.
    dialog.get_by_role("button", name="Check again").click()
    expect(dialog.locator(".wrong:not(:empty)")).to_have_count(4)
    page.keyboard.type("116")
    page.keyboard.press("Enter")
    expect(dialog.locator(".wrong").first).to_have_text("Enter a whole number from 85 to 115.")
    dialog.get_by_role("textbox").first.fill("")
    dialog.get_by_role("textbox").first.focus()
    assert len(fill_in(person)) == 4
    expect(dialog).to_contain_text("4 of 4 results corrected.")
    pupils = deployed.seeded.pupils[SCHOOL]
    missing = f"{pupils[-1].forename} {pupils[-1].surname}"
    dialog.get_by_text(missing, exact=True).click()
    dialog.get_by_label(f"{missing}: Teacher Assessment: KS1 Maths").select_option("GDS")

    # Meanwhile the list has changed: what was entered stays, and is checked once more.
    def of_yesterday(route: Route) -> None:
        body: dict[str, Any] = route.request.post_data_json or {}
        route.continue_(post_data={**body, "roster_version": "yesterday"})

    page.route("**/corrections", of_yesterday, times=1)
    dialog.get_by_role("button", name="Check again").click()
    expect(dialog).to_contain_text("Your pupil list has changed")
    expect(dialog).to_contain_text("4 of 4 results corrected.")

    # Meanwhile somebody else has uploaded a good file: it is said whose, before it is overwritten.
    other = portal("TRUST#ABC")
    theirs = other.own("of the trust")
    other.choose(payload(theirs, workbook(deployed, SCHOOL)))
    other.upload_many()
    expect(other.status).to_contain_text("1 uploaded successfully")
    dialog.get_by_role("button", name="Check again").click()
    question = page.get_by_role("dialog", name="Overwrite a file that came meanwhile?")
    expect(question).to_contain_text(theirs)
    question.get_by_role("button", name="Cancel").click()
    expect(dialog).to_contain_text("4 of 4 results corrected.")
    dialog.get_by_role("button", name="Check again").click()
    question.get_by_role("button", name="Upload and overwrite").click()

    expect(dialog).to_have_count(0)
    expect(person.status).to_contain_text(f"File: {stem} corrected.xlsx")
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    first = person.row(name).get_by_text(re.compile("^Reference ")).text_content()
    reference = str(first).removeprefix("Reference ")
    expect(person.status.locator(".receipt")).to_contain_text(f"{reference}, on this page")
    corrected = person.row(f"{stem} corrected.xlsx")
    expect(corrected).to_contain_text(f"Corrected on this page from {reference}")
    expect(person.row(name)).to_contain_text("Upload error")
    _, data = person.downloaded(corrected.get_by_role("button", name="Download"))
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert [sheet.cell(row, 14).value for row in (2, 3, 4)] == [110, 110, 110]
    assert sheet.cell(3, 8).value == "EXS"
    assert [sheet.cell(sheet.max_row, column).value for column in (2, 10)] == [pupils[-1].upn, "GDS"]


def test_a_trust_corrects_a_line_of_its_bulk_and_what_cannot_be_is_sent_to_excel(
    deployed: Deployed, portal: Open
) -> None:
    person = portal("TRUST#ABC")
    name = person.own("bulk")
    person.choose(payload(name, workbook(deployed, "1232001", wrong=1)))
    person.upload_many()
    expect(person.status).to_contain_text("1 with errors")
    person.status.locator(".lines summary").first.click()
    person.status.get_by_role("button", name="Correct it here").click()
    dialog = person.page.get_by_role("dialog", name="Correct it here")
    expect(dialog).to_contain_text("0 of 1 result corrected.")
    dialog.get_by_label("Leave blank").check()
    dialog.get_by_role("button", name="Check again").click()
    expect(person.status).to_contain_text("1 uploaded successfully")
    expect(person.status.locator(".receipt")).to_contain_text("Corrected from")

    book = load_workbook(io.BytesIO(workbook(deployed, "1232001", wrong=1)))
    book.worksheets[0].cell(3, 2).value = "Z999999999999"
    out = io.BytesIO()
    book.save(out)
    person.choose(payload(person.own("with a stranger"), out.getvalue()))
    person.upload_many()
    expect(person.status).to_contain_text("1 with errors")
    person.status.locator(".lines summary").first.click()
    person.status.get_by_role("button", name="Correct it here").click()
    expect(dialog).to_contain_text("This file must be corrected in Excel")
    expect(dialog.get_by_role("button", name="Check again")).to_be_hidden()
    person.page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
