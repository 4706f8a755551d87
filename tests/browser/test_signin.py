"""Signing in with the real pool: an invitation, a forgotten password, tokens that expire or are revoked."""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import urllib3
from playwright.sync_api import Locator, Page, expect

from early_results.access import Role
from infra.local.stack import wait_for
from infra.operator.operations import NewUser, create_user
from tests.codes import code_of
from tests.conftest import Deployed

from . import axe
from .conftest import Open
from .portal import Portal, payload, workbook

pytestmark = pytest.mark.browser
SCHOOL = "8012003"
ME = f"SCHOOL#{SCHOOL}"
SHORT = 15  # seconds that an access token lives for these tests: Cognito's own least is five minutes


def new_user(deployed: Deployed, password: str | None) -> str:
    """The email address of a new user of the school, as the operator's command makes one."""
    email = f"new.{secrets.token_hex(4)}@abctrust.example"
    outputs, stores = deployed.stack.outputs, deployed.stores
    user = NewUser(email, password, Role.SCHOOL, ME)
    create_user(
        deployed.stack.client("cognito-idp"), outputs["UserPoolId"], stores.table, stores.records, user, "a test"
    )
    return email


def letters(deployed: Deployed, email: str) -> list[str]:
    """What the pool has written to somebody: MiniStack keeps the emails that nobody sends."""
    answer = urllib3.request("GET", f"{deployed.stack.endpoint}/_ministack/ses/messages", retries=False)
    accounts = answer.json()["messages"]
    return [
        str(message["BodyText"] or message["BodyHtml"])
        for messages in accounts.values()
        for message in messages
        if email in message["To"]
    ]


def test_the_invitation_s_password_is_good_for_once(deployed: Deployed, portal: Open) -> None:
    email = new_user(deployed, None)
    [letter] = letters(deployed, email)
    found = re.search(r"password is (\S+?)\.?\s*$", letter.strip())
    assert found is not None, letter
    person = portal()
    page = person.page
    page.goto(person.url)
    person.enter(email, found[1])
    page.get_by_label("New password").fill("My-own-password-1")
    page.get_by_role("button", name="Save and continue").click()
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    person.enter(email, found[1])
    expect(page.get_by_text("That email address and password do not match.")).to_be_visible()
    person.enter(email, "My-own-password-1")
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()


def test_a_forgotten_password_is_reset_with_the_code_from_the_email(deployed: Deployed, portal: Open) -> None:
    email = new_user(deployed, "Forgotten-already-1")
    person = portal()
    page = person.page
    page.goto(person.url)
    page.get_by_label("Email address").fill(email)
    page.get_by_role("button", name="Forgotten your password?").click()
    expect(page.get_by_label("Email address")).to_have_value(email)
    page.get_by_role("button", name="Email me a code").click()
    expect(page.get_by_role("heading", name="Enter the code we emailed you")).to_be_visible()
    wait_for("the email", lambda: letters(deployed, email) != [], 10)
    [letter] = letters(deployed, email)
    found = re.search(r"\b\d{6}\b", letter)
    assert found is not None, letter
    code, password = page.get_by_label("Code from the email"), page.get_by_label("New password")
    save = page.get_by_role("button", name="Set new password")

    code.fill("000000")
    password.fill("Remembered-now-1")
    save.click()
    expect(page.get_by_text("That code is not right. Please check the latest email we sent you.")).to_be_visible()
    code.fill(f" {found[0]} ")  # as it is copied
    password.fill("without a capital letter 1")
    save.click()
    expect(page.get_by_text("That password is not strong enough")).to_be_visible()
    password.fill("Remembered-now-1")
    save.click()
    expect(page.get_by_text("Your password has been changed. Please sign in with it.")).to_be_visible()

    person.enter(email, "Forgotten-already-1")
    expect(page.get_by_text("That email address and password do not match.")).to_be_visible()
    person.enter(email, "Remembered-now-1")
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()


def keep_codes(page: Page) -> str:
    """Sets codes up with the key that the page shows, a wrong one first; gives the key."""
    key = page.locator("#codes-key").inner_text().replace(" ", "")
    code, save = page.get_by_label("Code from your app"), page.get_by_role("button", name="Save and continue")
    code.fill("000000" if code_of(key, time.time()) != "000000" else "111111")
    save.click()
    expect(page.get_by_text("That code is not right. Please wait for the next one in your app")).to_be_visible()
    shown = code_of(key, time.time())
    code.fill(f"{shown[:3]} {shown[3:]}")  # as apps show it
    save.click()
    return key


def test_whoever_sets_codes_up_is_asked_for_one_at_every_sign_in(deployed: Deployed, portal: Open) -> None:
    email = new_user(deployed, "Not-enough-alone-1")
    person = portal()
    page = person.page
    page.goto(person.url)
    person.enter(email, "Not-enough-alone-1")
    page.get_by_role("button", name="Sign-in codes").click()
    key = keep_codes(page)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    person.enter(email, "Not-enough-alone-1")
    expect(page.get_by_role("heading", name="Enter the code from your app")).to_be_visible()
    page.get_by_label("Code from your app").fill("000000" if code_of(key, time.time()) != "000000" else "111111")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("That code is not right. Please wait for the next one in your app")).to_be_visible()
    page.get_by_label("Code from your app").fill(code_of(key, time.time()))
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()


@contextmanager
def operators_need_codes(deployed: Deployed) -> Iterator[None]:
    """The portal as it is on AWS: the local stack lets operators in without."""
    functions = deployed.stack.client("lambda")
    name = next(
        function["FunctionName"]
        for page in functions.get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if "PortalFunction" in function["FunctionName"]
    )
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def become(needed: str) -> None:
        changed = {"Variables": {**variables, "OPERATORS_NEED_CODES": needed}}
        functions.update_function_configuration(FunctionName=name, Environment=changed)

    become("true")
    try:
        yield
    finally:
        become("false")


def test_an_operator_sees_nothing_before_their_codes_are_set_up(deployed: Deployed, portal: Open) -> None:
    email, outputs, stores = f"watch.{secrets.token_hex(4)}@results.example", deployed.stack.outputs, deployed.stores
    user = NewUser(email, "Not-enough-alone-1", Role.OPERATOR, "OPERATOR")
    cognito = deployed.stack.client("cognito-idp")
    create_user(cognito, outputs["UserPoolId"], stores.table, stores.records, user, "a test")
    person = portal()
    page = person.page
    with operators_need_codes(deployed):
        page.goto(person.url)
        person.enter(email, "Not-enough-alone-1")
        expect(page.get_by_role("heading", name="Set up your sign-in codes")).to_be_visible()
        expect(page.get_by_text("Operators sign in with a code")).to_be_visible()
        assert axe.violations(page) == []
        keep_codes(page)
        expect(page.get_by_role("heading", name="Deadline board")).to_be_visible()


def test_nobody_learns_from_a_forgotten_password_who_has_an_account(deployed: Deployed, portal: Open) -> None:
    person = portal()
    page = person.page
    page.goto(person.url)
    page.get_by_role("button", name="Forgotten your password?").click()
    page.get_by_label("Email address").fill("nobody@nowhere.example")
    page.get_by_role("button", name="Email me a code").click()
    expect(page.get_by_text("If there is an account for nobody@nowhere.example, an email with a code")).to_be_visible()
    page.get_by_label("Code from the email").fill("654321")
    page.get_by_label("New password").fill("Remembered-now-1")
    page.get_by_role("button", name="Set new password").click()
    expect(page.get_by_text("That code is not right.")).to_be_visible()
    assert letters(deployed, "nobody@nowhere.example") == []


@contextmanager
def short_lived(deployed: Deployed) -> Iterator[None]:
    """For a while, the pool issues access tokens that live for seconds."""
    client, outputs = deployed.stack.client("cognito-idp"), deployed.stack.outputs
    ids = {"UserPoolId": outputs["UserPoolId"], "ClientId": outputs["UserPoolClientId"]}
    before = client.describe_user_pool_client(**ids)["UserPoolClient"]
    kept = ("ExplicitAuthFlows", "PreventUserExistenceErrors", "RefreshTokenValidity", "IdTokenValidity")
    settings = {**ids, **{name: before[name] for name in kept if name in before}}
    units = before["TokenValidityUnits"]
    short = {"AccessTokenValidity": SHORT, "TokenValidityUnits": {**units, "AccessToken": "seconds"}}
    client.update_user_pool_client(**settings, **short)
    try:
        yield
    finally:
        whole = {"AccessTokenValidity": before["AccessTokenValidity"], "TokenValidityUnits": units}
        client.update_user_pool_client(**settings, **whole)


# As a page is loaded, before its scripts run: what it takes for the time of its token's expiry is an hour late.
WRONG_CLOCK = """
const kept = JSON.parse(sessionStorage.getItem("early-results.session"));
if (kept) sessionStorage.setItem("early-results.session", JSON.stringify({...kept, until: Date.now() + 3600_000}));
"""


def with_a_wrong_clock(deployed: Deployed, portal: Open, name: str) -> tuple[Portal, list[str]]:
    """Somebody who has chosen a file, and whose page does not know that its access token lives for seconds: the page
    itself renews a token 90 seconds early. With what the API refuses from then on, at whatever moment that is: on a
    busy computer the token may have expired before the page is there. To be called while tokens are short-lived."""
    person = portal()
    page = person.page
    person.sign_in(ME)
    refused: list[str] = []
    page.on("response", lambda r: refused.append(r.url) if r.status == 401 and "/api/" in r.url else None)
    page.add_init_script(WRONG_CLOCK)
    page.reload()
    expect(page.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()
    person.choose(payload(name, workbook(deployed, SCHOOL, wrong=1)))
    return person, refused


def until_it_expires(person: Portal) -> None:
    """Waits until the access token that the page has has expired."""
    wait_for("the token's expiry", lambda: _claims(person)["exp"] + 1 < time.time(), 4 * SHORT)


def _session(person: Portal) -> dict[str, str]:
    found: dict[str, str] = person.page.evaluate("JSON.parse(sessionStorage.getItem('early-results.session'))")
    return found


def _claims(person: Portal) -> dict[str, int]:
    payload_ = _session(person)["access"].split(".")[1]
    found: dict[str, int] = json.loads(base64.urlsafe_b64decode(payload_ + "=" * (-len(payload_) % 4)))
    return found


def test_a_token_that_has_expired_is_renewed_without_a_word(deployed: Deployed, portal: Open) -> None:
    name = f"expired {secrets.token_hex(3)}.xlsx"
    with short_lived(deployed):
        person, refused = with_a_wrong_clock(deployed, portal, name)
        until_it_expires(person)
    person.upload_button.click()
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    assert refused
    assert _claims(person)["exp"] > time.time() + 60
    expect(person.page.get_by_role("dialog")).to_have_count(0)
    expect(person.row(name)).to_have_count(1)


def test_a_session_that_was_ended_elsewhere_asks_to_sign_in_again_and_loses_nothing(
    deployed: Deployed, portal: Open
) -> None:
    name = f"revoked {secrets.token_hex(3)}.xlsx"
    dialog: Locator
    with short_lived(deployed):
        person, refused = with_a_wrong_clock(deployed, portal, name)
        deployed.stack.client("cognito-idp").revoke_token(
            Token=_session(person)["refresh"], ClientId=deployed.stack.outputs["UserPoolClientId"]
        )
        until_it_expires(person)
        # By itself the page may have asked to sign in again already: then no mouse reaches the button.
        person.upload_button.dispatch_event("click")
        dialog = person.page.get_by_role("dialog", name="Sign in again")
        expect(dialog).to_be_visible()
    expect(dialog.get_by_label("Email address")).to_have_value(deployed.user(ME)["email"])
    assert refused
    dialog.get_by_label("Password").fill(deployed.user(ME)["password"])
    dialog.get_by_role("button", name="Sign in", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(person.status.get_by_text("File upload error", exact=True)).to_be_visible()
    expect(person.row(name)).to_have_count(1)


def test_a_second_tab_is_signed_in_too_until_one_of_them_signs_out(portal: Open) -> None:
    person = portal(ME, bypass_csp=True)
    second = person.context.new_page()
    second.goto(person.url)
    expect(second.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()
    # What there is not has a page, with the way back.
    answer = second.goto(f"{person.url}old/bookmark")
    assert answer is not None
    assert answer.status == 404
    expect(second.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert axe.violations(second) == []
    second.get_by_role("link", name="go to Early Results").click()
    expect(second.get_by_role("heading", name="File exchange", exact=True)).to_be_visible()
    second.get_by_role("button", name="Sign out").click()
    for page in (second, person.page):
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    stranger = portal()
    stranger.page.goto(person.url)
    expect(stranger.page.get_by_role("heading", name="Sign in")).to_be_visible()
