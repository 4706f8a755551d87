"""For everyone: no violation that axe finds on any screen, by keyboard alone, on a narrow screen, and light to load."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Page, Route, expect

from tests.conftest import Deployed

from . import axe
from .conftest import Open
from .portal import Portal, payload, workbook

pytestmark = pytest.mark.browser
SCHOOL = "1231234"
ME = f"SCHOOL#{SCHOOL}"


def fits(page: Page) -> bool:
    """Whether nothing sticks out sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def sound(person: Portal, screen: str) -> None:
    """Asserts that axe finds nothing on the screen as it is, and that it fits."""
    assert axe.violations(person.page) == [], screen
    assert fits(person.page), screen


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_every_screen_of_a_school(
    deployed: Deployed, portal: Open, scheme: Literal["light", "dark"], width: int
) -> None:
    person = portal(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    page = person.page
    page.goto(person.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    sound(person, "sign-in")
    person.enter("nobody@abctrust.example", "Wrong-password-1")
    expect(page.get_by_text("That email address and password do not match.")).to_be_visible()
    sound(person, "sign-in refused")
    page.get_by_role("button", name="Forgotten your password?").click()
    sound(person, "forgotten password")
    person.sign_in(ME)
    expect(page.get_by_text("30 pupils, as your MIS had them at")).to_be_visible()
    page.get_by_text("Important: before you begin").click()
    page.get_by_text("What the icons and statuses mean").click()
    sound(person, "file exchange")
    name = person.own("errors")
    person.choose(payload(name, workbook(deployed, SCHOOL, wrong=12)))
    sound(person, "chosen")
    person.upload_button.click()
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(person.row(name)).to_contain_text("Upload error")
    sound(person, "errors")
    person.upload(payload(person.own("good"), workbook(deployed, SCHOOL, blank=1)))
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    sound(person, "success")
    person.row(name).get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("The first 10 of")
    sound(person, "details")
    page.keyboard.press("Escape")
    person.row(name).get_by_role("button", name="Delete upload").click()
    sound(person, "delete")


@pytest.mark.parametrize(("scheme", "width"), [("light", 320), ("dark", 1280)])
def test_the_screens_of_a_trust_and_of_operators(
    deployed: Deployed, portal: Open, scheme: Literal["light", "dark"], width: int
) -> None:
    person = portal(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    person.sign_in("TRUST#ABC")
    person.choose(payload("1231234.xlsx", workbook(deployed, SCHOOL, wrong=1)), payload("no number.xlsx", b"not one"))
    sound(person, "bulk, chosen")
    person.upload_many()
    expect(person.status).to_contain_text("All 2 files done")
    person.status.locator(".lines summary").first.click()
    sound(person, "bulk, done")
    operator = portal(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    operator.sign_in("OPERATOR")
    expect(operator.page.get_by_role("button", name="History of Holly Lane")).to_be_visible()
    sound(operator, "board")


def test_after_the_close_what_was_frozen_and_then_the_reports(deployed: Deployed, portal: Open) -> None:
    person = portal(bypass_csp=True)
    page = person.page
    state = "CLOSING"
    file = {"name": "counts.xlsx", "user": "matadmin@abctrust.example", "received": "2023-06-30T10:59:59Z", "window": 1}
    common = {
        "service": "ks1-2023",
        "upload_id": "0" * 26,
        "file": file,
        "available": False,
        "available_from_words": "Friday 7 July 2023",
    }
    reports = [
        {**common, "school": SCHOOL, "window": 1, "state": "READY", "available": True},
        {**common, "school": "1232001", "window": 1, "state": "PROCESSING"},
        {**common, "school": "1232002", "window": 1, "state": "FAILED"},
    ]

    def closed(route: Route) -> None:
        told = route.fetch().json()
        told["services"][0]["windows"][0] |= {
            "closes": "2023-06-30T11:00:00Z",
            "closes_words": "12 noon on Friday 30 June 2023",
            "state": state,
        }
        route.fulfill(json=told)

    page.route("**/api/services", closed)
    page.route("**/api/reports?*", lambda route: route.fulfill(json={"reports": reports}))
    person.sign_in("TRUST#ABC")
    card = page.locator("section", has=page.get_by_role("heading", name="Reports of window 1"))
    expect(card).to_contain_text("Window 1 closed at 12 noon on Friday 30 June 2023 (London time).")
    expect(card).to_contain_text("We are making sure that every file that reached us in time is counted")
    sound(person, "closing")
    state = "FROZEN"
    page.reload()
    lines = card.locator("li")
    expect(lines).to_have_count(4)
    expect(lines.nth(0)).to_contain_text("received at 11.59.59am on Friday 30 June 2023")
    expect(lines.nth(0).get_by_role("button")).to_have_text(
        ["Report (PDF)", "Staff copy, with the pupils (PDF)", "Report (Excel)"]
    )
    expect(lines.nth(1)).to_contain_text("Report generation is in progress.")
    expect(lines.nth(2)).to_contain_text("There is an error in the report creation process.")
    expect(lines.nth(3)).to_contain_text("There is no report.")
    sound(person, "frozen")


def test_by_keyboard_alone(deployed: Deployed, portal: Open) -> None:
    person = portal()
    page = person.page
    user = deployed.user(ME)
    page.goto(person.url)
    expect(page.get_by_label("Email address")).to_be_focused()
    page.keyboard.type(user["email"])
    page.keyboard.press("Tab")
    page.keyboard.type(user["password"])
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_focused()
    page.reload()
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_focused()
    for _ in ("Sign out", "Sign-in codes", "Skip to the main content"):
        page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("link", name="Skip to the main content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    tab_to(page, "input[type=file]")
    name = person.own("by keyboard")
    person.choose(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    expect(person.upload_button).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="File upload status")).to_be_focused()
    expect(person.row(name)).to_contain_text("Upload error")
    tab_to(page, "[data-act=delete]", name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(person.row(name)).to_have_count(0)
    expect(page.get_by_role("heading", name="File upload history")).to_be_focused()


def tab_to(page: Page, selector: str, text: str = "") -> None:
    """Presses Tab until an element that matches, and has that text in it, has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(
            "([selector, text]) => document.activeElement.matches(selector) && "
            "document.activeElement.textContent.includes(text)",
            [selector, text],
        ):
            return
    raise AssertionError(f"the keyboard does not reach {selector}")


def test_the_first_load_is_light_and_no_foreign_script_may_run(deployed: Deployed, portal: Open) -> None:
    person = portal()
    page = person.page
    sizes: list[int] = []
    with page.expect_response(lambda response: response.url == person.url) as waiting:
        page.on(
            "requestfinished", lambda r: sizes.append(r.sizes()["responseBodySize"] + r.sizes()["responseHeadersSize"])
        )
        page.goto(person.url)
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert 0 < sum(sizes) < 100_000
    policy = waiting.value.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    page.evaluate(
        """() => {
          const script = document.createElement("script");
          script.append("window.ran = true");
          try { document.body.append(script); } catch { /* refused even earlier */ }
        }"""
    )
    assert page.evaluate("window.ran") is None
    assert person.slips
    person.slips.clear()  # the refusal is what was wanted


def test_the_first_sign_in_asks_for_a_password_of_ones_own(deployed: Deployed, portal: Open) -> None:
    person = portal()
    email = f"new{person.own('').split()[0].removesuffix('.xlsx')}@abctrust.example"
    deployed.stack.client("cognito-idp").admin_create_user(
        UserPoolId=deployed.stack.outputs["UserPoolId"],
        Username=email,
        TemporaryPassword="Temporary-1234",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )
    page = person.page
    page.goto(person.url)
    person.enter(email, "Temporary-1234")
    expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
    page.get_by_label("New password").fill("My-own-password-1")
    page.get_by_role("button", name="Save and continue").click()
    # Known to Cognito but not to the table: said, with the way out.
    expect(page.get_by_text("Your account is not set up for Early Results.")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
