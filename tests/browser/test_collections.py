"""Several collections open at once: a tab each, and a school that has no pupils of one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from early_results.service import load_service
from infra.local import stack as local
from infra.local.client import PortalClient
from tests.conftest import Deployed, deploy

from . import axe
from .portal import Portal, launch

pytestmark = pytest.mark.browser
TRUST = "TRUST#ABC"
INFANTS = "Riverside Infant School (1232002)"  # has no pupils that old


@pytest.fixture(scope="module")
def several(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack of its own with two collections: with one alone the page has no tabs. Its people are told by e-mail."""
    samples, hour = tmp_path_factory.mktemp("samples"), timedelta(hours=1)
    with deploy("test-collections", samples, 2 * hour, ("ks2-2026", 3 * hour), **local.MAIL) as stack:
        local.wait_for("the page", lambda: PortalClient(stack.stack.portal_url).request("GET", "").status == 200, 90)
        yield stack


@pytest.fixture(scope="module")
def chromium(several: Deployed) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()


@pytest.fixture
def person(several: Deployed, chromium: Browser) -> Iterator[Callable[[str], Portal]]:
    """Signs somebody in. Fails the test if a script failed meanwhile."""
    opened: list[Portal] = []

    def open_one(organisation: str, **options: Any) -> Portal:
        one = Portal(several, chromium.new_context(accept_downloads=True, **options))
        opened.append(one)
        one.sign_in(organisation)
        return one

    yield open_one
    slips = [slip for one in opened for slip in one.slips]
    for one in opened:
        one.page.unroute_all(behavior="ignoreErrors")
        one.context.close()
    assert slips == []


def tab(person: Portal, name: str) -> Locator:
    """Goes to a collection's tab; what it shows."""
    person.page.get_by_role("tab", name=name).click()
    return person.page.get_by_role("tabpanel", name=name)


def test_a_trust_says_that_one_of_its_schools_has_no_pupils(person: Callable[[str], Portal]) -> None:
    trust = person(TRUST)
    ks2 = tab(trust, "Key Stage 2 2026")
    expect(ks2).to_contain_text(load_service("ks2-2026").words.not_statutory_here)
    ks2.get_by_role("button", name="A school has no Year 6 pupils").click()
    question = trust.page.get_by_role("dialog", name="No Year 6 pupils?")
    expect(question).to_contain_text("This tells us that the school has no Year 6 pupils for KS2 2026")
    question.get_by_role("button", name="Add the nil return").click()
    expect(question).to_contain_text("Please choose a school first.")
    question.get_by_label("School").select_option("Holly Lane Primary School (1231234)")
    expect(question).to_contain_text("Our list has 30 Year 6 pupils")
    question.get_by_label("School").select_option(INFANTS)
    expect(question).not_to_contain_text("Our list has")
    question.get_by_role("button", name="Add the nil return").click()
    line = ks2.locator(".lines .line")
    expect(line).to_have_count(1)
    expect(line).to_contain_text(INFANTS)
    expect(ks2).to_contain_text("Nothing has been sent yet.")
    ks2.locator("[data-key=upload]").click()
    expect(line).to_contain_text("Uploaded successfully")
    expect(trust.row("Nil return 1232002.txt")).to_contain_text(INFANTS)
    expect(trust.row("Nil return 1232002.txt")).to_contain_text("KS2 2026")

    school = person("SCHOOL#1232002")
    expect(tab(school, "Key Stage 2 2026").locator(".counting")).to_contain_text("Nil return 1232002.txt")


def test_a_person_turns_emails_off_and_they_stay_off(person: Callable[[str], Portal]) -> None:
    school = person("SCHOOL#1231234")
    school.page.get_by_role("button", name="E-mails").click()
    asked = school.page.get_by_role("dialog", name="E-mails")
    expect(asked).to_contain_text("Sent to school1231234@abctrust.example")
    expect(asked).to_contain_text("you are always told")
    boxes = asked.get_by_role("checkbox")
    expect(boxes).to_have_count(4)
    assert [boxes.nth(at).is_checked() for at in range(4)] == [True] * 4
    assert axe.violations(school.page) == []
    # By the keyboard alone: the verdicts are the first of them.
    boxes.first.focus()
    school.page.keyboard.press("Space")
    school.page.keyboard.press("Enter")
    expect(asked).not_to_be_visible()
    expect(school.page.locator("#announce, [role=status]").filter(has_text="Saved").first).to_be_attached()

    school.page.reload()
    expect(school.page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()
    school.page.get_by_role("button", name="E-mails").click()
    assert [boxes.nth(at).is_checked() for at in range(4)] == [False, True, True, True]
    asked.get_by_role("button", name="Cancel").click()
    expect(asked).not_to_be_visible()
    # Operators are told nothing by e-mail, so there is nothing to turn off.
    expect(person("OPERATOR").page.get_by_role("button", name="E-mails")).to_have_count(0)
