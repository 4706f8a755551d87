"""The page as a person waits for it, in Chromium on the deployed stack: ready, and upload to verdict on the screen.

    python -m benchmarks.page [uploads]

It starts a stack of its own and warms the functions up. *Ready* is from the address to the first screen a person can
use, in a browser that has never seen the page; what was transferred counts every byte of every answer, headers too.
*Verdict* is from the click on Upload to the panel that says what became of the file.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from infra.local import demonstration
from infra.local import stack as local
from infra.local.client import PortalClient
from tests.browser.portal import Portal, launch, payload, workbook
from tests.conftest import Deployed

RESULTS = Path(__file__).parent / "results" / "page.md"
SCHOOL = "1232001"
ME = f"SCHOOL#{SCHOOL}"
WARM_UP = 4
LOADS = 20
BULK = 500
# The browser's own clock: when, since the navigation began, something was there and had been painted.
WATCH = """([selector, name]) => {
  const seen = () => document.querySelector(selector) &&
    requestAnimationFrame(() => setTimeout(() => (window[name] ??= performance.now())));
  new MutationObserver(seen).observe(document, {childList: true, subtree: true});
  seen();
}"""
UPLOAD = """async name => {
  const section = document.querySelector("section.status");
  const ended = () => section.textContent.includes(name) && /File (uploaded successfully|upload error)/.test(section.textContent);
  const began = performance.now();
  document.querySelector("[data-key=upload]").click();
  while (!ended()) await new Promise((resolve) => requestAnimationFrame(resolve));
  return (performance.now() - began) / 1000;
}"""  # noqa: E501


def load(browser: Browser, deployed: Deployed) -> tuple[float, float, int, int]:
    """Seconds to the sign-in screen and from there to the file exchange, and the bytes until each."""
    person = Portal(deployed, browser.new_context())
    page = person.page
    sizes: list[int] = []
    page.on("requestfinished", lambda r: sizes.append(r.sizes()["responseBodySize"] + r.sizes()["responseHeadersSize"]))
    page.add_init_script(f"({WATCH})(['#main input[type=password]', 'signIn'])")
    page.goto(person.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    first, light = page.evaluate("signIn / 1000"), sum(sizes)
    user = deployed.user(ME)
    page.get_by_label("Email address").fill(user["email"])
    page.get_by_label("Password").fill(user["password"])
    page.evaluate(WATCH, [".history tbody tr", "exchange"])
    began = page.evaluate("performance.now()")
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".history tbody tr").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    second = (page.evaluate("exchange") - began) / 1000
    everything = sum(sizes)
    person.context.close()
    return first, second, light, everything


def upload(person: Portal, data: bytes, number: int) -> float:
    """Seconds from the click to the verdict on the screen."""
    name = f"{number:03d} results.xlsx"
    person.choose(payload(name, data))
    took: float = person.page.evaluate(UPLOAD, name)
    expect(person.status.get_by_text("File uploaded successfully", exact=True)).to_be_visible()
    return took


def bulk(person: Portal, deployed: Deployed) -> tuple[float, int]:
    """Seconds from the click to the last verdict of many files, and how many requests they took."""
    kinds = [workbook(deployed, school, wrong=wrong) for school in (SCHOOL, "1232002") for wrong in (0, 1)]
    requests: list[str] = []
    person.page.on("request", lambda request: requests.append(request.url))
    person.choose(*(payload(f"list {index:03d}.xlsx", kinds[index % len(kinds)]) for index in range(BULK)))
    began = time.perf_counter()
    person.upload_many()
    done = f"All {BULK} files done: {BULK // 2} uploaded successfully, {BULK // 2} with errors."
    expect(person.status).to_contain_text(done, timeout=600_000)
    return time.perf_counter() - began, len(requests)


def row(name: str, figures: list[float], form: Callable[[float], str] = "{:.2f}".format) -> str:
    """A line of the table."""
    column = sorted(figures)
    ninety = column[int(len(column) * 0.9)]
    return f"| {name} | {form(statistics.median(column))} | {form(ninety)} | {form(column[-1])} |"


def main() -> int:
    """Measures, prints a table and keeps it."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    local.build()
    with (
        tempfile.TemporaryDirectory() as folder,
        local.running(local.LOCAL / "bench") as stack,
        sync_playwright() as playwright,
    ):
        deployed = Deployed(stack, demonstration.seed(stack, datetime.now(UTC), timedelta(hours=1), Path(folder)))
        browser = launch(playwright)
        local.wait_for("the page", lambda: PortalClient(stack.portal_url).request("GET", "").status == 200, 90)
        loads = [load(browser, deployed) for _ in range(WARM_UP + LOADS)][WARM_UP:]
        person = Portal(deployed, browser.new_context())
        person.sign_in(ME)
        data = workbook(deployed, SCHOOL)
        verdicts = [upload(person, data, index) for index in range(WARM_UP + number)][WARM_UP:]
        trust = Portal(deployed, browser.new_context())
        trust.sign_in("TRUST#ABC")
        took, requests = bulk(trust, deployed)
        browser.close()
    pupils = len(deployed.seeded.pupils[SCHOOL])
    lines = [
        "# The page",
        "",
        f"`python -m benchmarks.page {number}`: Chromium on the embedded stack, functions warm. {LOADS} first "
        f"loads, each in a browser that has kept nothing; {number} uploads of a school of {pupils} pupils, one "
        f"after another; {BULK} files chosen at once by a trust, every other one with an error.",
        "",
        "| | median | 90th percentile | most |",
        "|---|---:|---:|---:|",
        row("first load to the sign-in screen, s", [one[0] for one in loads]),
        row("sign-in to the file exchange with its history, s", [one[1] for one in loads]),
        row("transferred until the sign-in screen, KB", [one[2] / 1000 for one in loads], "{:.1f}".format),
        row(
            "transferred in all until the file exchange is at rest, KB",
            [one[3] / 1000 for one in loads],
            "{:.1f}".format,
        ),
        row("Upload to the verdict on the screen, s", verdicts),
        "",
        f"{BULK} files: {took:.0f} s from the click to the last verdict, {requests / BULK:.1f} requests a file.",
        "",
    ]
    RESULTS.write_text("\n".join(lines))
    print(RESULTS.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
