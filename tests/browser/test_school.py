"""A school administrator's season at the page: template, upload, verdict, history, deletion."""

from __future__ import annotations

import csv
import io
import re

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, Request, expect

from tests.conftest import Deployed

from .conftest import Open
from .portal import Portal, payload, workbook

pytestmark = pytest.mark.browser
SCHOOL = "1232001"
ME = f"SCHOOL#{SCHOOL}"


def forms_asked(page: Page) -> list[Request]:
    """A list that grows with every form the page asks for."""
    asked: list[Request] = []
    page.on("request", lambda r: asked.append(r) if r.method == "POST" and r.url.endswith("/api/uploads") else None)
    return asked


def test_from_the_template_to_the_verdict_to_the_history_to_its_deletion(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    page = person.page
    name, data = person.downloaded(page.get_by_role("button", name="Download template"))
    assert name == f"2023KS1-{SCHOOL}.xlsx"
    assert load_workbook(io.BytesIO(data)).sheetnames

    first, second, third = (person.own(stem) for stem in ("first try", "second try", "third try"))
    person.upload(payload(first, workbook(deployed, SCHOOL, wrong=2)))
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(person.status).to_contain_text("Please check and correct any validation errors identified below.")
    expect(person.status).to_contain_text("Range must be between 85 to 115 and be whole numbers. Allows empty field")
    rule = person.status.locator(".rule")
    expect(rule).to_have_count(1)
    names = [f"{pupil.forename} {pupil.surname}" for pupil in deployed.seeded.pupils[SCHOOL]]
    expect(rule.locator(".places li")).to_have_text(
        [
            f"Pupil: {name}Column: Scaled Score: KS1 GPSRow: {row}Cell: N{row}In your file: 116"
            for row, name in enumerate(names[:2], 2)
        ]
    )
    expect(person.row(first)).to_contain_text("Upload error")

    person.upload(payload(second, workbook(deployed, SCHOOL)))
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    expect(person.status).to_contain_text("you can repeat the upload process and it will overwrite the file")
    expect(person.status).to_contain_text("yes, because it is the latest successful file received for the school.")
    row = person.row(second)
    expect(row).to_contain_text("Counts for window 1")
    expect(page.get_by_text("The file that counts now:")).to_contain_text(second)
    expect(row).to_contain_text("This data will be used to generate reports on the published date")

    person.upload(payload(third, workbook(deployed, SCHOOL, blank=1)))
    expect(person.status.get_by_role("heading", name="What changed since your last good file")).to_be_visible()
    expect(person.status).to_contain_text("in your last file and are not in this one")
    person.status.get_by_text("Each of these by pupil, from and to").click()
    changed = person.status.get_by_role("table", name="What changed, by pupil").get_by_role("row")
    expect(changed.nth(1).get_by_role("rowheader")).to_have_text(names[-1])
    expect(changed.nth(1).get_by_role("cell").last).to_have_text("blank")
    expect(person.row(second)).to_contain_text("Overwritten")
    expect(person.row(third)).to_contain_text("Counts for window 1")

    person.row(third).get_by_role("button", name="Delete upload").click()
    question = page.get_by_role("dialog", name="Delete this upload?")
    expect(question).to_contain_text(
        "This will delete the uploaded file from the file history; any reports and new Y3 estimates will be removed / "
        "not generated"
    )
    question.get_by_role("button", name="Cancel").click()
    expect(person.row(third)).to_be_visible()
    person.row(third).get_by_role("button", name="Delete upload").click()
    question.get_by_role("button", name="Delete upload").click()
    expect(person.row(third)).to_have_count(0)
    page.reload()
    expect(person.row(second)).to_contain_text("Overwritten")
    expect(person.row(third)).to_have_count(0)
    expect(page.locator(".history .counts")).to_have_count(0)


def test_more_than_ten_errors_are_listed_in_full_in_downloads(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    name = person.own("many errors")
    person.upload(payload(name, workbook(deployed, SCHOOL, wrong=14)))
    expect(person.status).to_contain_text("14 errors found.")
    expect(person.status).to_contain_text("The first 10 of 14 are shown.")
    expect(person.status.locator(".places li")).to_have_count(10)
    got, data = person.downloaded(person.status.get_by_role("button", name="CSV"))
    assert got == name.replace(".xlsx", "-findings.csv")
    lines = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))
    assert [line["Cell"] for line in lines if line["Type"] == "Error"] == [f"N{row}" for row in range(2, 16)]
    upns = [pupil.upn for pupil in deployed.seeded.pupils[SCHOOL][:14]]
    assert [(line["UPN"], line["In your file"]) for line in lines] == [(upn, "116") for upn in upns]
    got, data = person.downloaded(person.status.get_by_role("button", name="Excel"))
    assert got == name.replace(".xlsx", "-findings.xlsx")
    assert load_workbook(io.BytesIO(data))

    person.row(name).get_by_role("button", name=name, exact=True).click()
    details = person.page.get_by_role("dialog", name="File upload details")
    expect(details).to_contain_text("The first 10 of 14 are shown.")

    # On paper: the dialog once, without the page behind it; and the receipt alone, on one page, if that is asked for.
    page = person.page
    assert 1 <= len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) <= 2
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_hidden()
    page.evaluate("() => { window.print = () => { window.printed = document.body.innerText } }")
    page.emulate_media(media="null")
    details.get_by_role("button", name="Print this receipt").evaluate(
        """button => {
          const real = window.print;
          window.print = () => { window.receipt = button.closest(".receipt").hasAttribute("data-print"); real() };
          button.click();
        }"""
    )
    assert page.evaluate("window.receipt") is True
    expect(details.locator("[data-print]")).to_have_count(0)
    details.locator(".receipt").evaluate("receipt => receipt.toggleAttribute('data-print', true)")
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1
    page.emulate_media(media="print")
    expect(details.locator(".receipt")).to_contain_text(name)
    expect(details.locator(".rules").first).to_be_hidden()
    page.emulate_media(media="null")

    # The reference is found in the history, and a misheard one is told from one that is not there.
    page.keyboard.press("Escape")
    reference = str(person.row(name).get_by_text(re.compile("^Reference ")).text_content()).removeprefix("Reference ")
    find = page.get_by_label("Reference or name")
    find.fill(reference.lower().replace("-", " "))
    expect(page.locator(".history tbody tr")).to_have_count(1)
    expect(person.row(name)).to_be_visible()
    find.fill(reference[:-1] + ("0" if reference[-1] != "0" else "1"))
    expect(page.locator(".history tbody")).to_contain_text("looks like a reference with a wrong letter in it")

    # Filters and details are addresses: they survive a reload, can be sent to a colleague, and Back closes them.
    find.fill(reference)
    expect(person.row(name)).to_be_visible()
    expect(page).to_have_url(re.compile("find="))
    page.reload()
    expect(page.locator(".history tbody tr")).to_have_count(1)
    person.row(name).get_by_role("button", name=name, exact=True).click()
    expect(details).to_contain_text("The first 10 of 14 are shown.")
    address = page.url
    page.go_back()
    expect(details).to_have_count(0)
    colleague = person.context.new_page()
    colleague.goto(address)
    expect(colleague.get_by_role("dialog", name="File upload details")).to_contain_text(name)
    colleague.close()


def test_the_file_comes_back_as_it_was_sent(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    sent = workbook(deployed, SCHOOL, wrong=1)
    name = person.own("as sent")
    person.upload(payload(name, sent))
    expect(person.row(name)).to_contain_text("Upload error")
    got, data = person.downloaded(person.row(name).get_by_role("button", name="Download"))
    assert (got, data) == (name, sent)


def test_two_quick_clicks_are_one_upload(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    asked = forms_asked(person.page)
    name = person.own("clicked twice")
    person.choose(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    person.page.evaluate(
        "() => { const b = document.querySelector('[data-key=upload]'); b.click(); b.click(); b.click() }"
    )
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    assert len(asked) == 1
    expect(person.row(name)).to_have_count(1)


def test_a_reload_in_the_middle_goes_on_with_the_same_upload(
    deployed: Deployed, portal: Open, tmp_path_factory: pytest.TempPathFactory
) -> None:
    person = portal(ME)
    file = tmp_path_factory.mktemp("files") / person.own("reloaded")
    file.write_bytes(workbook(deployed, SCHOOL, wrong=1))
    page = person.page
    page.on("dialog", lambda dialog: dialog.accept())  # "Leave this page?"
    bucket = re.compile(re.escape(deployed.stack.outputs["UploadsBucketName"]))
    page.route(bucket, lambda route: None if route.request.method == "POST" else route.continue_())
    person.upload(file)
    expect(person.status).to_contain_text("Sending")
    page.reload()
    expect(person.status).to_contain_text(f"It is not known yet whether {file.name} has reached us")
    page.unroute(bucket)
    asked = forms_asked(page)
    person.upload(file)
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    assert asked == []
    expect(person.row(file.name)).to_have_count(1)


def test_the_history_filters_on_the_server_and_sorts_on_the_page(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    good, bad = person.own("bbb"), person.own("aaa")
    for name, wrong in ((good, 0), (bad, 1)):
        person.upload(payload(name, workbook(deployed, SCHOOL, wrong=wrong)))
        expect(person.row(name)).to_contain_text("Upload error" if wrong else "Successful")
    page = person.page
    page.get_by_label("Status", exact=True).select_option("Upload error")
    expect(person.row(good)).to_have_count(0)
    expect(person.row(bad)).to_have_count(1)
    page.get_by_label("Status", exact=True).select_option("All")
    expect(person.row(good)).to_have_count(1)
    for column in ("Name", "Manage", "User", "Date", "Status"):
        heading = page.get_by_role("columnheader", name=column)
        heading.get_by_role("button").click()
        first = heading.get_attribute("aria-sort")
        order = _names(person)
        heading.get_by_role("button").click()
        assert {first, heading.get_attribute("aria-sort")} == {"ascending", "descending"}
        if column == "Name":
            assert order == sorted(order, key=str.lower)
            assert _names(person) == sorted(order, key=str.lower, reverse=True)


def _names(person: Portal) -> list[str]:
    return person.page.locator(".history tbody td:first-child .filename").all_inner_texts()
