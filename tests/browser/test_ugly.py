"""Ugly moments: what happens on a deadline day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from early_results.times import to_text
from tests.conftest import Deployed

from .conftest import Open
from .portal import Portal, payload, workbook
from .test_school import forms_asked

pytestmark = pytest.mark.browser
SCHOOL = "9352010"
ME = f"SCHOOL#{SCHOOL}"
BUCKET = re.compile("early-results-uploads")


def test_a_connection_lost_in_the_middle_is_tried_again_by_itself(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    name = person.own("lost")
    asked = forms_asked(person.page)
    person.page.route(BUCKET, lambda route: route.abort("connectionreset"), times=1)
    person.watch_status()
    person.upload(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    assert "The connection was lost. Trying again by itself" in person.noted
    assert len(asked) == 1
    expect(person.row(name)).to_have_count(1)


def test_bytes_that_arrived_are_not_sent_again_when_only_the_answer_was_lost(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    name = person.own("answer lost")
    sent: list[str] = []

    def lose_the_answer(route: Route) -> None:
        sent.append(route.request.url)
        route.fetch()
        route.abort("connectionreset")

    person.page.route(BUCKET, lose_the_answer)
    person.upload(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    assert len(sent) == 1
    expect(person.row(name)).to_have_count(1)


def test_an_expired_token_is_renewed_without_a_word(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    page = person.page
    page.route("**/api/uploads", lambda route: route.fulfill(status=401, body="{}"), times=1)
    person.upload(payload(person.own("renewed"), workbook(deployed, SCHOOL, wrong=1)))
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_session_that_ended_asks_to_sign_in_again_and_loses_nothing(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    page = person.page
    name = person.own("kept")
    person.choose(payload(name, workbook(deployed, SCHOOL, wrong=1)))

    def refuse(route: Route) -> None:
        if "REFRESH_TOKEN_AUTH" in (route.request.post_data or ""):
            route.fulfill(status=400, body=json.dumps({"__type": "NotAuthorizedException"}))
        else:
            route.fallback()

    page.route(re.compile(re.escape(deployed.stack.endpoint) + "/$"), refuse)
    page.route("**/api/uploads", lambda route: route.fulfill(status=401, body="{}"), times=1)
    person.upload_button.click()
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog.get_by_label("Email address")).to_have_value(deployed.user(ME)["email"])
    dialog.get_by_label("Password").fill("not the password")
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_contain_text("That email address and password do not match.")
    dialog.get_by_label("Password").fill(deployed.user(ME)["password"])
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(person.row(name)).to_have_count(1)


class Noon:
    """The page's calendar: window 1 closes a quarter of an hour from now by the service's clock, which can be put on;
    window 2 opens then or never. No test has to be quicker than a close."""

    def __init__(self, person: Portal, *, next_open: bool) -> None:
        self.page = person.page
        self.closes = datetime.now(UTC) + timedelta(minutes=15)
        self.next_open = next_open
        self.ahead = timedelta(0)
        self.page.route("**/api/services", self._changed)
        self.page.route("**/api/uploads", self._issued)
        self.page.reload()

    def _changed(self, route: Route) -> None:
        answer: dict[str, Any] = route.fetch().json()
        answer["now"] = to_text(datetime.now(UTC) + self.ahead)
        first, second = answer["services"][0]["windows"]
        first |= {"closes": to_text(self.closes), "closes_words": "12 noon on Friday 30 June 2023"}
        if self.next_open:
            second |= {"opens": to_text(self.closes)}
        else:
            answer["services"][0]["windows"] = [first]
        route.fulfill(json=answer)

    def _issued(self, route: Route) -> None:
        """A form says which window it is for; the API behind does not know that it is noon."""
        told = route.fetch()
        if route.request.method != "POST" or not told.ok or not self.ahead:
            route.fulfill(response=told)
            return
        route.fulfill(response=told, json=[{**form, "window": 2} for form in told.json()])

    def strikes(self) -> None:
        """It is noon now, for the service, and the page hears of it as one does that is returned to."""
        self.ahead = timedelta(minutes=20)
        self.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_a_window_that_closes_while_the_page_is_open(portal: Open) -> None:
    person = portal(ME)
    noon = Noon(person, next_open=False)
    expect(person.page.get_by_text("Window 1 is open until 12 noon on Friday 30 June 2023.")).to_be_visible()
    noon.strikes()
    expect(person.page.get_by_text("Window 1 closed at 12 noon on Friday 30 June 2023.").first).to_be_visible()
    expect(person.page.get_by_text("Files cannot be uploaded at the moment")).to_be_visible()
    expect(person.upload_button).to_have_count(0)


def test_a_file_that_comes_too_late_is_not_slipped_into_the_next_window(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    page = person.page
    noon = Noon(person, next_open=True)
    expect(page.get_by_text("Window 1 is open until")).to_be_visible()

    held: list[Route] = []

    def hold(route: Route) -> None:  # Playwright marks its handlers: a list's own method cannot be marked
        held.append(route)

    page.route(BUCKET, hold, times=1)
    asked = forms_asked(page)
    name = person.own("late")
    person.upload(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    expect(person.status).to_contain_text("Sending")
    noon.strikes()
    expect(page.get_by_text("Window 2 is open until").first).to_be_visible()
    while not held:
        page.wait_for_timeout(50)
    held[0].fulfill(status=403, body="<Error><Code>AccessDenied</Code></Error>")
    expect(person.status).to_contain_text("The window closed before your file reached us")
    expect(person.status).to_contain_text("It was not received.")
    assert len(asked) == 1
    person.status.get_by_role("button", name="Try again").click()
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()


def test_the_api_says_why_no_form_is_issued(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    problem = {
        "type": "urn:early-results:problem:window-closed",
        "title": "No submission window is open",
        "status": 409,
        "detail": "The last window closed at 12 noon on Friday 30 June 2023.",
    }
    person.page.route("**/api/uploads", lambda route: route.fulfill(status=409, body=json.dumps(problem)), times=1)
    person.upload(payload(person.own("closed"), workbook(deployed, SCHOOL)))
    expect(person.status).to_contain_text("No submission window is open")
    expect(person.status).to_contain_text("The last window closed at 12 noon on Friday 30 June 2023.")


def test_an_empty_file_has_its_verdict(portal: Open) -> None:
    person = portal(ME)
    name = person.own("empty")
    person.upload(payload(name, b""))
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(person.row(name)).to_contain_text("Upload error")


def test_fifty_megabytes_are_refused_before_they_are_sent(portal: Open) -> None:
    person = portal(ME)
    sent: list[str] = []
    person.page.on("request", lambda r: sent.append(r.url) if BUCKET.search(r.url) else None)
    name = person.own("huge")
    # Made in the page: the picker of the test would carry every byte through a pipe.
    person.page.evaluate(
        """name => {
          const carried = new DataTransfer();
          carried.items.add(new File([new Uint8Array(50 * 1024 * 1024)], name));
          document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: carried, bubbles: true}));
        }""",
        name,
    )
    person.upload_button.click()
    expect(person.status).to_contain_text("This file is 50 MB. The largest file we can take is 10 MB.")
    expect(person.row(name)).to_contain_text("Upload error")
    assert sent == []


def test_a_name_with_emoji_quotes_and_markup_is_only_ever_text(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    name = person.own("🦉 “Year 2” O'Brien <img src=x onerror=alert(1)> & 100%")
    sent = workbook(deployed, SCHOOL, wrong=1)
    person.upload(payload(name, sent))
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    for shown in person.status.get_by_text(name, exact=True).all():  # over the verdict, and in the receipt
        expect(shown).to_be_visible()
    assert person.status.get_by_text(name, exact=True).count() == 2
    expect(person.row(name)).to_have_count(1)
    assert person.page.locator("img").count() == 0
    _, data = person.downloaded(person.row(name).get_by_role("button", name="Download"))
    assert data == sent


def test_a_check_that_takes_long_is_explained_and_then_shown(deployed: Deployed, portal: Open) -> None:
    person = portal(ME)
    page = person.page
    name = person.own("slow")
    page.clock.install()
    held = True

    def hold(route: Route) -> None:
        told = route.fetch()
        route.fulfill(json={**told.json(), "status": "CHECKING"}) if held else route.fulfill(response=told)

    page.route(re.compile("/api/uploads/[0-9A-Z]{26}$"), hold)
    person.upload(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    expect(person.status).to_contain_text("Received. Checking your file")
    page.clock.fast_forward(61_000)
    expect(person.status).to_contain_text("This is taking longer than usual")
    expect(person.status).to_contain_text("You do not need to upload it again.")
    held = False
    page.clock.fast_forward(20_000)
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
