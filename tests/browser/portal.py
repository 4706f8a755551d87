"""The portal as a person drives it: what the tests and the screen shots do in common."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, FilePayload, Locator, Page, Playwright, expect

from adapters.templates import template_workbook
from early_results.checking.roster import Roster
from early_results.media import XLSX
from early_results.service import load_service
from infra.local.demonstration import SERVICE, fill, results_of
from tests.conftest import Deployed

# Debian's; the whole browser, which opens a page at five times the cost, where the one without a window is not there.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WAIT = 30_000  # milliseconds: two cores are shared with everything else

expect.set_options(timeout=WAIT)


def launch(playwright: Playwright) -> Browser:
    """Debian's Chromium, without a window."""
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def payload(name: str, data: bytes) -> FilePayload:
    """A file that the person chooses, under a name of the test's choice."""
    return {"name": name, "mimeType": XLSX, "buffer": data}


def workbook(deployed: Deployed, school: str, *, wrong: int = 0, blank: int = 0) -> bytes:
    """A filled-in workbook of a demonstration school; `wrong` pupils have a score of 116, `blank` have no results."""
    service = load_service(SERVICE)
    pupils = deployed.seeded.pupils[school]
    results = {pupil.upn: dict(results_of(service, pupil)) for pupil in pupils}
    for upn in list(results)[:wrong]:
        results[upn][service.scores[-1].key] = 116
    for upn in list(results)[-blank:] if blank else []:
        results[upn] = {}
    moment = deployed.seeded.calendar.windows[0].opens
    return fill(template_workbook(service, Roster(school, "sample", moment, pupils), moment), service, results)


class Portal:
    """One person at one browser."""

    def __init__(self, deployed: Deployed, context: BrowserContext) -> None:
        self.deployed = deployed
        self.context = context
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT)
        self.slips: list[str] = []
        self.page.on("pageerror", lambda error: self.slips.append(str(error)))
        self.page.on("console", self._console)

    def _console(self, message: Any) -> None:
        # A refused request is told in the console too, and is what some tests are about; anything else is a slip.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.slips.append(message.text)

    def own(self, stem: str) -> str:
        """A file name that no other test uses on this stack."""
        return f"{stem} {secrets.token_hex(3)}.xlsx"

    @property
    def url(self) -> str:
        return self.deployed.stack.portal_url

    def sign_in(self, organisation: str) -> None:
        """Signs in as a demonstration user and waits for the first screen."""
        user = self.deployed.user(organisation)
        self.page.goto(self.url)
        self.enter(user["email"], user["password"])
        heading = "Deadline board" if user["role"] == "operator" else "File exchange"
        expect(self.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()

    def enter(self, email: str, password: str) -> None:
        """Fills in the sign-in form and sends it."""
        self.page.get_by_label("Email address").fill(email)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in", exact=True).click()

    def choose(self, *files: FilePayload | Path) -> None:
        """Chooses files with the file picker."""
        self.page.locator("input[type=file]").set_input_files(list(files))  # type: ignore[arg-type]

    @property
    def upload_button(self) -> Locator:
        return self.page.locator("[data-key=upload]")

    @property
    def status(self) -> Locator:
        """The section "File upload status"."""
        return self.page.locator("section.status")

    def upload(self, *files: FilePayload | Path) -> None:
        """Chooses files and selects Upload."""
        self.choose(*files)
        self.upload_button.click()

    def until(self, so: Callable[[], bool]) -> None:
        """Waits until something is so that the browser's own events tell. AssertionError if it is not in time."""
        for _ in range(WAIT // 50):
            if so():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("waited in vain")

    def watch_status(self) -> None:
        """From now on every state of the section "File upload status" is noted, however short it was."""
        self.page.evaluate(
            """() => {
              window.noted = [];
              const section = document.querySelector("section.status");
              const note = () => window.noted.push(section.textContent);
              new MutationObserver(note).observe(section, {subtree: true, childList: true, characterData: true});
            }"""
        )

    @property
    def noted(self) -> str:
        """What the section "File upload status" has said since it is watched."""
        return "\n".join(self.page.evaluate("window.noted"))

    def row(self, name: str) -> Locator:
        """The rows of the history for a file name."""
        return self.page.locator(".history tbody tr").filter(has=self.page.get_by_role("button", name=name, exact=True))

    def downloaded(self, press: Locator) -> tuple[str, bytes]:
        """Presses a download button and gives the name and the bytes of what came."""
        with self.page.expect_download() as waiting:
            press.click()
        download = waiting.value
        return download.suggested_filename, Path(download.path()).read_bytes()

    def upload_many(self, *files: FilePayload) -> None:
        """Chooses files and selects Upload, and yes where the page asks whether a good file may be overwritten."""
        if files:
            self.choose(*files)
        self.upload_button.click()
        yes = self.page.get_by_role("dialog").get_by_role("button", name="Upload")
        expect(
            self.status.locator(".lines progress").first.or_(self.status.get_by_text("done:").or_(yes)).first
        ).to_be_visible()
        if yes.is_visible():
            yes.click()
