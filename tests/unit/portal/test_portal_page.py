"""The page's files: what they may not contain, that they fit together, and how they are served."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters import clients, stores
from early_results import guide
from infra import javascript
from portal import page, problems

ASSETS = Path(page.__file__).parent / "assets"
SCRIPTS = sorted(ASSETS.glob("*.js"))
PATTERNS = {f"https://www.w3.org/WAI/ARIA/apg/patterns/{name}/" for name in ("alertdialog", "tabs")}  # cited
HTML = (ASSETS / "index.html").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("TABLE", "UPLOADS_BUCKET", "RESULTS_BUCKET", "RECORDS_BUCKET", "USER_POOL_CLIENT_ID"):
        monkeypatch.setenv(name, name.lower().replace("_", "-"))
    for name in ("GRACE_SECONDS", "SWEEP_AGE_SECONDS", "STALLED_SECONDS", "MAX_UPLOAD_BYTES"):
        monkeypatch.setenv(name, "10")
    monkeypatch.setenv("COGNITO_ENDPOINT", "https://cognito-idp.eu-west-2.amazonaws.com/")
    monkeypatch.setenv("USER_POOL_ID", "eu-west-2_Example")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    monkeypatch.setenv("AWS_REGION", "eu-west-2")
    cached = (page._assets, page._policy, page._packed, page.version, clients.s3, stores.open_stores)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


def served(name: str, *arguments: str) -> tuple[bytes, dict[str, str]]:
    """A file of the page as a browser has it once unpacked, with its headers."""
    response = page.serve(name, *arguments)
    body = response.body if isinstance(response.body, bytes) else (response.body or "").encode()
    headers = {key: str(value) for key, value in response.headers.items()}
    return (gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body), headers


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_markup_or_code_from_text(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert not re.findall(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|\.style\b", text
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_import_is_a_file_of_the_page(script: Path) -> None:
    imported = re.findall(r'(?:from |import\()"\./([\w.-]+)"', script.read_text(encoding="utf-8"))
    assert [name for name in imported if not (ASSETS / name).exists()] == []


def test_what_every_visitor_needs_is_fetched_early_and_nothing_else() -> None:
    first = javascript.with_imports({"main.js"})
    assert re.findall(r'rel="modulepreload" href="page/([\w.-]+)"', HTML) == sorted(first - {"main.js"})
    later = javascript.with_imports({"tabs.js", "upload.js"}) - first
    assert re.findall(r'<meta name="later" content="([^"]+)"', HTML) == [" ".join(sorted(later))]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_begins_by_saying_what_it_is_for_and_how_it_is_used(script: Path) -> None:
    head = re.match(r"(?:// ?.*\n)+", script.read_text(encoding="utf-8"))
    assert head is not None
    assert re.search(r"^//   \S", head[0], re.MULTILINE) or script.name == "main.js"


def test_the_page_has_nothing_inline_and_nothing_foreign() -> None:
    assert not re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", HTML)
    addresses = set(re.findall(r'(?:src|href)="([^"]+)"', HTML)) - {"api/openapi.json"}
    assert all(address.startswith(("page/", "#")) for address in addresses)
    every = "".join(path.read_text(encoding="utf-8") for path in ASSETS.iterdir() if path.suffix != ".svg")
    assert set(re.findall(r"https?://[^\s\"'`)]+", every)) <= {"http://www.w3.org/2000/svg"} | PATTERNS


@pytest.mark.parametrize("own", ["upload.js", "bulk.js"])  # of a school, of a trust
def test_a_first_visit_is_under_100_kb(own: str) -> None:
    names = javascript.with_imports({"main.js", "tabs.js", "upload.js", own})
    total = 0
    for name in [*sorted(names), page.PAGE, page.CONFIG, "style.css", "icon.svg"]:
        response = page.serve(name)
        headers = sum(len(f"{key}: {value}\r\n") for key, value in response.headers.items())
        total += len(response.body or b"") + headers + 150  # the gateway's own: date, length, connection, request id
    assert total < 100_000, total


def test_files_of_the_present_version_may_be_kept_and_no_others() -> None:
    html, headers = served("index.html")
    assert headers["Cache-Control"] == "no-cache"
    (version,) = set(re.findall(r'"page/(\w{16})/', html.decode()))
    assert b'"page/' not in html.replace(f'"page/{version}/'.encode(), b"")
    assert "immutable" in served("main.js", version)[1]["Cache-Control"]
    assert served("main.js", "0" * 16)[1]["Cache-Control"] == "no-cache"


def test_a_browser_that_has_a_file_is_not_sent_it_again() -> None:
    _, headers = served("index.html")
    again = page.serve("index.html", "", headers["ETag"])
    assert (again.status_code, again.body) == (304, "")
    assert page.serve("index.html", "", '"another"').status_code == 200


def test_the_settings_are_what_signing_in_needs_and_nothing_else() -> None:
    body, _ = served("config.json")
    assert json.loads(body) == {
        "cognito": "https://cognito-idp.eu-west-2.amazonaws.com/",
        "client_id": "user-pool-client-id",
        "user_pool": "eu-west-2_Example",
        "support": {
            "email": "support@fft.org.uk",
            "telephone": "01446 776 262 (option 2)",
            "hours": ["Monday to Thursday: 9am to 4.30pm", "Friday: 9am to 4pm"],
        },
        "statuses": guide.STATUS_WORDS,
        "deleting": guide.DELETING,
        "report_failed": guide.REPORT_FAILED,
        "legend": [list(line) for line in guide.LEGEND],
        "workbook": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "limits": {
            "files_at_once": 500,
            "name_letters": 255,
            "name_bytes": 1500,
            "schools_at_once": 1000,
            "export_bytes": 3_000_000,
            "nil_bytes": 200,
        },
    }


def test_the_policy_lets_the_page_talk_to_nobody_else() -> None:
    _, headers = served("index.html")
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["trusted-types"] == "'none'"
    hosts = policy["connect-src"].split()
    assert hosts[:2] == ["'self'", "https://cognito-idp.eu-west-2.amazonaws.com"]
    # Where the forms are posted to: in the region, or the browser would refuse the answer's redirect.
    assert hosts[2:] == ["https://uploads-bucket.s3.eu-west-2.amazonaws.com"]


@pytest.mark.parametrize("name", ["../app.py", "app.py", "", "index.htm", "..%2fapp.py"])
def test_nothing_but_the_page_s_own_files_is_served(name: str) -> None:
    with pytest.raises(problems.Problem) as raised:
        page.serve(name)
    assert raised.value.status == 404


def test_an_address_that_there_is_not_has_a_page_with_the_way_back() -> None:
    for path, up in (("/nonsense", "./"), ("/old/bookmark", "../"), ("/a/b/c", "../../")):
        response = page.no_such_page(path)
        html = str(response.body)
        assert response.status_code == 404
        assert f'<a href="{up}">' in html
        assert f'href="{up}page/{page.version()}/style.css"'.replace('"./', '"./') in html
        assert "default-src 'none'" in str(response.headers["Content-Security-Policy"])
