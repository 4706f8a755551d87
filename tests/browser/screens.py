"""Every state of the page as a picture, for a look with one's own eyes: python -m tests.browser.screens

Starts a stack of its own whose first window closes after five minutes, and writes out/screens/*.png.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Route, expect, sync_playwright

from infra.local import demonstration
from infra.local import stack as local
from infra.local.demonstration import OUTSIDE
from tests.conftest import Deployed

from .portal import Portal, launch, payload, workbook

OUT = local.ROOT / "out" / "screens"
CLOSES_IN = timedelta(minutes=5)
LATER = 420_000  # milliseconds in which the window closes, is frozen and its reports are built
SCHOOL, SECOND, THIRD = "1231234", "1232002", "8012003"
SENDING = re.compile("early-results-uploads")


class Screens:
    """The pictures, numbered in the order of a season."""

    def __init__(self, deployed: Deployed, browser: Browser) -> None:
        self.deployed = deployed
        self.browser = browser
        self.count = 0

    def person(self, organisation: str | None, width: int = 1280, *, dark: bool = False) -> Portal:
        """Somebody at a browser of that width."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        portal = Portal(self.deployed, context)
        if organisation:
            portal.sign_in(organisation)
        return portal

    def take(self, portal: Portal, name: str, *, full: bool = True) -> None:
        """One picture."""
        portal.page.wait_for_timeout(400)
        self.count += 1
        portal.page.screenshot(path=OUT / f"{self.count:02d}-{name}.png", full_page=full)


def at_the_door(screens: Screens) -> None:
    """Signing in."""
    person = screens.person(None)
    person.page.goto(person.url)
    expect(person.page.get_by_role("heading", name="Sign in")).to_be_visible()
    screens.take(person, "sign-in")
    person.enter("nobody@abctrust.example", "Wrong-password-1")
    expect(person.page.get_by_text("do not match")).to_be_visible()
    screens.take(person, "sign-in-refused")
    person.context.close()


def of_a_school(screens: Screens) -> None:
    """A school's first file, its errors, its good file, what changed, its history."""
    deployed = screens.deployed
    person = screens.person(f"SCHOOL#{SCHOOL}")
    page = person.page
    expect(page.get_by_text("pupils, as your MIS had them at")).to_be_visible()
    screens.take(person, "file-exchange-empty")
    file = payload("2023KS1RS (1).xlsx", workbook(deployed, SCHOOL, wrong=14))
    person.choose(file)
    screens.take(person, "chosen")
    page.route(SENDING, lambda route: route.abort("connectionreset"), times=1)
    person.upload_button.click()
    expect(person.status).to_contain_text("Trying again by itself")
    screens.take(person, "connection-lost")
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(person.row("2023KS1RS (1).xlsx")).to_contain_text("Upload error")
    screens.take(person, "errors")
    person.upload(payload("2023KS1RS (2).xlsx", workbook(deployed, SCHOOL)))
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    screens.take(person, "success")
    person.upload(payload("2023KS1RS (3).xlsx", workbook(deployed, SCHOOL, blank=2)))
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    expect(person.row("2023KS1RS (2).xlsx")).to_contain_text("Overwritten")
    screens.take(person, "what-changed")
    page.get_by_text("Important: before you begin").click()
    page.get_by_text("What the icons and statuses mean").click()
    screens.take(person, "everything-open")
    row = person.row("2023KS1RS (1).xlsx")
    row.get_by_role("button", name="2023KS1RS (1).xlsx", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("The first 10 of")
    screens.take(person, "details", full=False)
    page.keyboard.press("Escape")
    person.row("2023KS1RS (3).xlsx").get_by_role("button", name="Delete upload").click()
    screens.take(person, "delete", full=False)
    person.context.close()
    held = screens.person(f"SCHOOL#{OUTSIDE}")
    held.page.clock.install()

    def hold(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "status": "CHECKING"})

    held.page.route(re.compile("/api/uploads/[0-9A-Z]{26}$"), hold)
    held.upload(payload("2023KS1RS.xlsx", workbook(deployed, OUTSIDE, wrong=2)))
    expect(held.status).to_contain_text("Received. Checking your file")
    screens.take(held, "checking")
    held.page.clock.fast_forward(61_000)
    expect(held.status).to_contain_text("This is taking longer than usual")
    screens.take(held, "checking-slow")
    held.context.close()


def corrected_here(screens: Screens) -> None:
    """Results corrected on the page, wide and narrow, in the light and in the dark; and what is printed."""
    for width, dark in ((1280, False), (320, True)):
        person = screens.person(f"SCHOOL#{THIRD}", width, dark=dark)
        page = person.page
        person.upload(payload("2023KS1RS (5).xlsx", workbook(screens.deployed, THIRD, wrong=2)))
        expect(person.status).to_contain_text("In your file:")
        screens.take(person, f"errors-with-pupils-{width}")
        person.status.get_by_role("button", name="Correct it here").click()
        dialog = page.get_by_role("dialog", name="Correct it here")
        expect(dialog.get_by_role("textbox")).to_have_count(2)
        dialog.get_by_role("button", name="Check again").click()
        screens.take(person, f"correct-unanswered-{width}", full=False)
        for field in dialog.get_by_role("textbox").all():
            field.fill("110")
        dialog.get_by_role("button", name="Check again").click()
        expect(person.status.locator(".receipt")).to_contain_text("Corrected from")
        screens.take(person, f"corrected-{width}")
        page.pdf(path=OUT / f"{screens.count:02d}-printed-{width}.pdf", format="A4")
        page.locator(".receipt").first.evaluate("receipt => receipt.toggleAttribute('data-print', true)")
        page.pdf(path=OUT / f"{screens.count:02d}-receipt-{width}.pdf", format="A4")
        person.context.close()


def narrow_and_dark(screens: Screens) -> None:
    """The same at 320 px, and in the dark."""
    for name, width, dark in (("narrow", 320, False), ("dark", 1280, True)):
        person = screens.person(f"SCHOOL#{SCHOOL}", width, dark=dark)
        person.upload(payload("2023KS1RS (4).xlsx", workbook(screens.deployed, SCHOOL, wrong=2)))
        expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
        screens.take(person, f"errors-{name}")
        person.context.close()


def of_a_trust(screens: Screens) -> None:
    """Bulk upload."""
    deployed = screens.deployed
    person = screens.person("TRUST#ABC")
    expect(
        person.page.get_by_text("schools have a good file").or_(person.page.get_by_text("has a good file"))
    ).to_be_visible()
    screens.take(person, "trust-empty")
    person.choose(
        payload("1231234 Holly Lane.xlsx", workbook(deployed, SCHOOL)),
        payload("1232002 Riverside.xlsx", workbook(deployed, SECOND)),
        payload("oakfield final FINAL.xlsx", workbook(deployed, THIRD, wrong=3)),
        payload(f"{OUTSIDE} Marsh End.xlsx", workbook(deployed, OUTSIDE)),
        payload("shopping list.xlsx", b"milk, eggs"),
    )
    screens.take(person, "bulk-chosen")
    person.upload_button.click()
    expect(person.page.get_by_role("dialog")).to_be_visible()
    screens.take(person, "bulk-overwrite", full=False)
    person.page.get_by_role("dialog").get_by_role("button", name="Upload").click()
    expect(person.status).to_contain_text("All 5 files done")
    person.status.locator(".lines summary").nth(2).click()
    screens.take(person, "bulk-done")
    person.context.close()
    narrow = screens.person("TRUST#ABC", 320)
    expect(narrow.row("1232002 Riverside.xlsx").first).to_be_visible()
    screens.take(narrow, "trust-narrow")
    narrow.context.close()


def of_an_operator(screens: Screens) -> None:
    """The deadline board."""
    person = screens.person("OPERATOR")
    expect(person.page.get_by_role("button", name="History of Holly Lane")).to_be_visible()
    screens.take(person, "board")
    person.page.get_by_role("button", name="History of Holly Lane").click()
    expect(person.row("2023KS1RS (2).xlsx")).to_be_visible()
    screens.take(person, "board-history")
    person.context.close()


def after_the_close(screens: Screens) -> None:
    """The window closes while the page is open, is frozen, and the reports come."""
    person = screens.person(f"SCHOOL#{SCHOOL}")
    closed = person.page.get_by_text("We are making sure that every file")
    expect(closed).to_be_visible(timeout=LATER)
    screens.take(person, "closing")
    expect(person.page.get_by_role("button", name="Report (PDF)")).to_be_visible(timeout=LATER)
    screens.take(person, "reports")
    person.context.close()
    trust = screens.person("TRUST#ABC")
    expect(trust.page.get_by_role("button", name="Report (PDF)").first).to_be_visible(timeout=LATER)
    screens.take(trust, "trust-reports")
    trust.context.close()
    operator = screens.person("OPERATOR")
    operator.page.get_by_label("Window").select_option("1")
    expect(operator.page.get_by_text("Frozen: the manifest has been written.")).to_be_visible()
    screens.take(operator, "board-frozen")
    operator.context.close()


SEASON: tuple[Callable[[Screens], None], ...] = (
    at_the_door,
    of_a_school,
    corrected_here,
    narrow_and_dark,
    of_a_trust,
    of_an_operator,
    after_the_close,
)


def main() -> int:
    """Takes every picture."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    local.build()
    folder = local.LOCAL / "screens"
    shutil.rmtree(folder, ignore_errors=True)
    with (
        local.running(folder) as stack,
        tempfile.TemporaryDirectory() as samples,
        sync_playwright() as playwright,
    ):
        seeded = demonstration.seed(stack, datetime.now(UTC), CLOSES_IN, Path(samples))
        browser = launch(playwright)
        screens = Screens(Deployed(stack, seeded), browser)
        for part in SEASON:
            part(screens)
        browser.close()
    sys.stdout.write(f"{screens.count} pictures in {OUT.relative_to(local.ROOT)}/\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
