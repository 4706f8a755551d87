"""One browser for all browser tests; a context of its own, with its own cookies and storage, for each person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from infra.local import stack as local
from infra.local.client import PortalClient
from tests.conftest import Deployed, deploy

from .portal import CHROMIUM, Portal, launch

Open = Callable[..., Portal]


@pytest.fixture(scope="session", autouse=True)
def _chromium() -> None:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium-headless-shell is not installed")


@pytest.fixture(scope="session")
def deployed(built: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A stack of the browser's own: what a school uploaded before is part of what its page says."""
    with deploy("test-browser", tmp_path_factory.mktemp("samples")) as stack:
        yield stack


@pytest.fixture(scope="session")
def browser(deployed: Deployed) -> Iterator[Browser]:
    """The browser. The page's function has started before it is used: a cold start on busy cores takes its time."""
    local.wait_for("the page", lambda: PortalClient(deployed.stack.portal_url).request("GET", "").status == 200, 90)
    with sync_playwright() as playwright:
        found = launch(playwright)
        yield found
        found.close()


@pytest.fixture
def portal(deployed: Deployed, browser: Browser) -> Iterator[Open]:
    """Opens the portal for a person: `portal("SCHOOL#1231234")` is signed in, `portal()` is not. Further arguments are
    the browser context's. Fails the test if a script failed or the Content-Security-Policy was violated meanwhile."""
    opened: list[Portal] = []

    def open_one(organisation: str | None = None, **options: Any) -> Portal:
        person = Portal(deployed, browser.new_context(accept_downloads=True, **options))
        opened.append(person)
        if organisation:
            person.sign_in(organisation)
        return person

    yield open_one
    slips = [slip for person in opened for slip in person.slips]
    for person in opened:
        person.page.unroute_all(behavior="ignoreErrors")  # a request that is under way fails as its page closes
        person.context.close()
    assert slips == []
