"""A CSV file of a school's own, matched to the template's columns at the page and uploaded like any other."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook
from playwright.sync_api import FilePayload, Locator, expect

from early_results.service import load_service
from infra.local.demonstration import SERVICE, results_of
from tests.conftest import Deployed

from .conftest import Open
from .portal import Portal

pytestmark = pytest.mark.browser
SCHOOL = "8012003"
WORDS = {"EXS": "Expected", "GDS": "Greater depth"}
HEADINGS = ["UPN", "Name", "Reading TA", "Writing outcome", "Maths TA", "Maths scaled score", "Effort"]
KEYS = {
    "Reading TA": "ta_reading",
    "Writing outcome": "ta_writing",
    "Maths TA": "ta_maths",
    "Maths scaled score": "ss_maths",
}


def export(deployed: Deployed, name: str) -> FilePayload:
    """What an MIS exports: other headings, words for codes, a stranger, and no names that matter."""
    service = load_service(SERVICE)
    lines = [HEADINGS]
    for pupil in deployed.seeded.pupils[SCHOOL]:
        results = results_of(service, pupil)
        cells = [str(results.get(KEYS[heading], "")) if heading in KEYS else "3" for heading in HEADINGS]
        cells = [WORDS.get(cell, cell) if at == 2 else cell for at, cell in enumerate(cells)]
        lines.append([pupil.upn, "Not needed", *cells[2:]])
    lines.append(["P9999999999999", "A Stranger", "EXS", "EXS", "EXS", "100", "1"])
    text = "\r\n".join(",".join(line) for line in lines)
    return {"name": name, "mimeType": "text/csv", "buffer": text.encode()}


def asked(person: Portal) -> Locator:
    return person.page.get_by_role("dialog", name="Match your file’s columns: KS1 2023")


def test_an_export_is_matched_shown_made_into_the_template_and_uploaded(deployed: Deployed, portal: Open) -> None:
    person = portal(f"SCHOOL#{SCHOOL}")
    person.choose(export(deployed, "marks.csv"))
    question = asked(person)
    expect(question.get_by_label("UPN")).to_have_value("1")
    expect(question.get_by_label("Teacher Assessment: KS1 Reading")).to_have_value("3")
    expect(question.get_by_label("Scaled Score: KS1 GPS")).to_have_value("")
    # Nothing is guessed: writing is proposed by its one heading, and can be taken back.
    question.get_by_label("Teacher Assessment: KS1 Writing").select_option("Not in my file")
    preview = question.get_by_role("table", name="The first rows as they will be read")
    expect(preview.get_by_role("columnheader", name="Teacher Assessment: KS1 Writing")).to_have_count(0)
    question.get_by_label("Teacher Assessment: KS1 Writing").select_option("Writing outcome")
    expect(preview.get_by_role("columnheader", name="Teacher Assessment: KS1 Writing")).to_be_visible()
    expect(preview).to_contain_text("Expected")
    expect(question.get_by_label("“Expected”")).to_have_value("")
    question.get_by_role("button", name="Use the 2 suggestions").click()
    expect(question.get_by_label("“Expected”")).to_have_value("EXS")
    expect(preview).not_to_contain_text("Expected")
    expect(preview).to_contain_text("EXS")
    expect(question).to_contain_text("Row 47: not a pupil of your list")
    with person.page.expect_download() as made:
        question.get_by_role("button", name="Make the workbook").click()
    name = made.value.suggested_filename
    assert name == f"2023KS1-{SCHOOL}-matched.xlsx"
    assert load_workbook(io.BytesIO(made.value.path().read_bytes())).sheetnames[0] == load_service(SERVICE).sheet
    expect(question).to_have_count(0)
    expect(person.page.locator(".chosen")).to_contain_text(name)
    person.upload_button.click()
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    receipt = person.status.locator(".receipt")
    expect(receipt).to_contain_text("Teacher Assessment: KS1 Reading: “Expected” is EXS")
    expect(receipt).to_contain_text("Teacher Assessment: KS1 Reading: “Greater depth” is GDS")

    person.choose(export(deployed, "marks again.csv"))
    expect(question).to_contain_text("As your school matched them the last time.")
    expect(question.get_by_label("“Expected”")).to_have_value("EXS")
    question.get_by_role("button", name="Cancel").click()
    expect(person.page.locator(".chosen")).not_to_contain_text("marks again")


def test_what_has_no_upns_is_told_so_and_a_workbook_of_other_headings_is_offered(portal: Open) -> None:
    person = portal(f"SCHOOL#{SCHOOL}")
    person.choose({"name": "shopping.csv", "mimeType": "text/csv", "buffer": b"milk,eggs\r\n1,2\r\n"})
    expect(asked(person)).to_contain_text("There is no column headed UPN, by which the pupils could be found.")
    asked(person).get_by_role("button", name="Cancel").click()
    name = person.own("not one")
    person.upload({"name": name, "mimeType": "text/csv", "buffer": b"UPN,Reading TA\r\nP1234567890123,EXS\r\n"})
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    person.status.get_by_role("button", name="Match its columns").click()
    expect(asked(person).get_by_label("Teacher Assessment: KS1 Reading")).to_have_value("2")
