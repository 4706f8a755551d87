"""Nobody can make an upload count late: not with an old form, nor a stretched one, nor another clock."""

from __future__ import annotations

import base64
import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from early_results import keys
from early_results.service import load_service
from infra.local.client import post_form
from infra.local.demonstration import SERVICE
from infra.local.stack import wait_for
from infra.operator.verifying import verify_window
from tests.conftest import Deployed

from .conftest import call_noon, freeze, open_window, run_freeze, unhurried
from .filled import good

pytestmark = pytest.mark.stack
SCHOOL, UNUSED = "1231234", "1232001"


def _stretched(post: dict[str, Any], days: int) -> dict[str, Any]:
    """The form with a policy that expires later; its signature is of the policy that was issued."""
    policy = json.loads(base64.b64decode(post["fields"]["policy"]))
    expires = datetime.fromisoformat(policy["expiration"]) + timedelta(days=days)
    policy["expiration"] = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
    return _changed(post, policy=base64.b64encode(json.dumps(policy).encode()).decode())


def _changed(post: dict[str, Any], **fields: str) -> dict[str, Any]:
    changed = copy.deepcopy(post)
    changed["fields"].update({name.replace("_", "-"): value for name, value in fields.items()})
    return changed


def _post_with_clock(post: dict[str, Any], data: bytes, clock: datetime) -> int:
    """Posts a form as a computer does whose clock is wrong: its own idea of the time is in the headers."""
    text = clock.strftime("%a, %d %b %Y %H:%M:%S GMT")
    body, kind = urllib3.encode_multipart_formdata({**post["fields"], "file": ("file.xlsx", data)})
    headers = {"Content-Type": kind, "Date": text, "Last-Modified": text, "x-amz-date": f"{clock:%Y%m%dT%H%M%SZ}"}
    return urllib3.request("POST", post["url"], body=body, headers=headers, retries=False).status


def test_nobody_makes_an_upload_count_late(closing: Deployed) -> None:
    number = open_window(closing)
    school, other = closing.sign_in(f"SCHOOL#{SCHOOL}"), closing.sign_in(f"SCHOOL#{UNUSED}")
    first, second = good(closing, SCHOOL), good(closing, SCHOOL, 2)
    # While the window is open: a file that counts, and three forms that are kept for later.
    used, kept, wrong_key = (school.forms(SERVICE, {name: first})[0] for name in ("used.xlsx", "kept.xlsx", "key.xlsx"))
    assert post_form(used["post"], first) == 204
    assert school.verdict(used["upload_id"], 60)["status"] == "SUCCESSFUL"
    ahead = unhurried(5, lambda: other.forms(SERVICE, {"never used.xlsx": first}))
    closes = call_noon(closing, datetime.now(UTC) + ahead)
    forms = [school.forms(SERVICE, {"last.xlsx": first})[0], other.forms(SERVICE, {"unused.xlsx": first})[0]]
    assert all(datetime.fromisoformat(form["expires_at"]) <= closes for form in forms)
    last, unused = forms

    # Stretched or changed, a form is refused even in time.
    tampered = [
        _stretched(last["post"], 1),
        _changed(last["post"], key=wrong_key["post"]["fields"]["key"]),
        _changed(last["post"], x_amz_meta_user="somebody-else"),
        _changed(last["post"], x_amz_date="20990101T000000Z"),
        _changed(last["post"], x_amz_signature="0" * 64),
    ]
    assert {post_form(form, second) for form in tampered} <= {400, 403}
    wait_for("noon", lambda: datetime.now(UTC) > closes + timedelta(seconds=1), ahead.total_seconds() + 60)

    # After noon: an unused form, stretched, with the clock put back, in any combination.
    yesterday = closes - timedelta(days=1)
    assert post_form(last["post"], second) == 403
    assert post_form(_stretched(last["post"], 1), second) == 403
    assert _post_with_clock(last["post"], second, yesterday) == 403
    assert _post_with_clock(_stretched(last["post"], 1), second, yesterday) == 403
    # A form of before the change that S3 still takes belongs to the next window, whatever clock the client shows.
    assert _post_with_clock(kept["post"], second, yesterday) == 204
    after = school.verdict(kept["upload_id"], 60)
    assert after["receipt"]["window"] == number + 1
    # A second version under the upload that counts: posted again, and even written by the bucket's owner.
    again = post_form(used["post"], second)
    assert again in (204, 403)
    key = f"uploads/{SERVICE}/{used['upload_id']}/file.xlsx"
    closing.stores.uploads.put(key, second, "text/plain")
    record = keys.upload(used["upload_id"])
    wait_for("the replay to be noted", lambda: "replays" in (closing.stores.table.get(record) or {}), 60)

    frozen = freeze(closing, number)
    assert frozen[SCHOOL] == used["upload_id"]
    receipt = school.get(f"/uploads/{used['upload_id']}")["receipt"]
    assert (receipt["window"], receipt["counts"]) == (number, True)
    told = verify_window(closing.stores, load_service(SERVICE), number)
    assert told.differences == []

    # A form that was never used ends quietly: nothing waits for it, nobody is shown it, nothing alarms.
    ended = keys.upload(unused["upload_id"])
    wait_for(
        "the unused form to end",
        lambda: run_freeze(closing) and "unsettled" not in (closing.stores.table.get(ended) or {}),
        30,
        every=1,
    )
    assert (closing.stores.table.get(ended) or {})["status"] == "AWAITING_UPLOAD"
    assert unused["upload_id"] not in [upload["upload_id"] for upload in other.get("/uploads")["uploads"]]
