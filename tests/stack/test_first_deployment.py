"""A first deployment as `docs/first-deployment.md` says it, word for word, from nothing to a frozen window.

The commands are read out of the page. What is put in their place is what a page cannot know: the moments of the
windows, and what an emulator needs besides the settings that the page names.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from early_results.checking.roster import rosters_csv
from early_results.service import LONDON, load_service
from infra.local import stack as local
from infra.local.client import PortalClient
from infra.local.demonstration import SERVICE, fill, pupils_of, results_of
from infra.local.stack import ROOT, Stack, wait_for
from tests.codes import code_of
from tests.stack.conftest import unhurried

pytestmark = pytest.mark.stack
PAGE = (ROOT / "docs" / "first-deployment.md").read_text()
STACK = "early-results"
SCHOOL, TRUST = "1231234", "ABC"
PASSWORD = "Long-enough-for-1"
HEAD, OPERATOR = "head@school.example", "operator@results.example"


def commands() -> list[str]:
    """The commands of the page, in its order."""
    blocks = re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


@dataclass(slots=True)
class Terminal:
    """Types commands in a folder that has the repository's own things and the user's files."""

    stack: Stack
    environment: dict[str, str]
    said: str = ""

    def type(self, command: str, *, code: int = 0) -> str:
        """What a command says; a question is answered with yes."""
        done = subprocess.run(
            shlex.split(command),
            cwd=ROOT,
            env=self.environment,
            input="y\n",
            capture_output=True,
            text=True,
            timeout=300,
        )
        self.said = done.stdout + done.stderr
        assert done.returncode == code, f"{command}\n{self.said[-4000:]}"
        return self.said


@pytest.fixture
def terminal(built: None, tmp_path: Path) -> Iterator[Terminal]:
    """An account in which there is nothing."""
    with local.ministack(local.LOCAL / "test-first") as (endpoint, key, secret):
        environment = local.environment(
            AWS_ENDPOINT_URL=endpoint, AWS_ACCESS_KEY_ID=key, AWS_SECRET_ACCESS_KEY=secret, USER="an operator"
        )
        yield Terminal(Stack(endpoint, key, secret, {}, tmp_path), environment)


class People:
    """What the page does for somebody who signs in for the first time."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.cognito = stack.client("cognito-idp")
        self.client = stack.outputs["UserPoolClientId"]

    def sign_in(self, email: str, secret: str | None = None) -> tuple[PortalClient, str]:
        """A signed-in client and its access token; with a code where the pool asks for one."""
        pool = self.stack.outputs["UserPoolId"]
        if secret is None:  # instead of the temporary password, which came by e-mail
            self.cognito.admin_set_user_password(UserPoolId=pool, Username=email, Password=PASSWORD, Permanent=True)
        told = self.cognito.initiate_auth(
            ClientId=self.client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": email, "PASSWORD": PASSWORD},
        )
        if secret is not None:
            assert told["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
            told = self.cognito.respond_to_auth_challenge(
                ClientId=self.client,
                ChallengeName="SOFTWARE_TOKEN_MFA",
                Session=told["Session"],
                ChallengeResponses={"USERNAME": email, "SOFTWARE_TOKEN_MFA_CODE": code_of(secret, time.time())},
            )
        token = str(told["AuthenticationResult"]["AccessToken"])
        return PortalClient(self.stack.api_url, token), token

    def set_codes_up(self, token: str) -> str:
        """Sets codes up; gives the secret that the app keeps."""
        secret = str(self.cognito.associate_software_token(AccessToken=token)["SecretCode"])
        self.cognito.verify_software_token(AccessToken=token, UserCode=code_of(secret, time.time()))
        self.cognito.set_user_mfa_preference(
            AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True, "PreferredMfa": True}
        )
        return secret


def own_files(folder: Path) -> None:
    """The four files of the page, and the settings; the emulator's own beside those that the page names."""
    service = load_service(SERVICE)
    (folder / "schools.csv").write_text(f"School DFE,Name,Trust\n{SCHOOL},Oak Primary,{TRUST}\n2042222,Elm Primary,\n")
    (folder / "trusts.csv").write_text(f"Trust,Name\n{TRUST},ABC Trust\n")
    pupils = [pupil for number, school in enumerate((SCHOOL, "2042222")) for pupil in pupils_of(school, 5 + number)]
    (folder / "pupils.csv").write_text(rosters_csv(pupils, service))
    (folder / "users.csv").write_text(
        f"email,role,organisation\n{HEAD},school,SCHOOL#{SCHOOL}\noffice@elm.example,school,SCHOOL#2042222\n"
    )
    [settings] = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    emulated = {
        **local.host_parameters(),
        "TlsOnly": "false",
        "AllowPasswordAuth": "true",
        "NoonSchedule": "rate(1 minute)",
        "SweepSchedule": "rate(1 minute)",
        "GraceSeconds": "2",
        "ReadTrail": "false",
    }
    (folder / "early-results.toml").write_text(settings + "".join(f'{n} = "{v}"\n' for n, v in emulated.items()))


def placed(command: str, folder: Path, ahead: timedelta = timedelta(minutes=1)) -> str:
    """A command with the user's files where they lie, and a window that opens so far ahead and is open for as long.

    A command names whole minutes: both moments come at most a minute later.
    """
    for name in ("schools.csv", "trusts.csv", "pupils.csv", "users.csv", "early-results.toml"):
        command = command.replace(name, str(folder / name))
    now = datetime.now(UTC).astimezone(LONDON)
    begins = now + timedelta(minutes=1) + ahead
    opens, closes, end = (
        f"{moment:%Y-%m-%d %H:%M}"
        for moment in (begins, begins + timedelta(minutes=1) + ahead, begins + timedelta(hours=10))
    )
    for written, moment in (
        ("2027-06-07 00:00", opens),
        ("2027-06-25 12:00", closes),
        ("2027-07-16 12:00", end),
        ("2027-07-02", f"{now + timedelta(days=1):%Y-%m-%d}"),
        ("2027-07-23", f"{now + timedelta(days=2):%Y-%m-%d}"),
    ):
        command = command.replace(written, moment)
    assert "2027-" not in command, command
    return command


def test_from_nothing_to_a_frozen_window(terminal: Terminal, tmp_path: Path) -> None:
    own_files(tmp_path)
    setup, deploy, add, opened, imported, ready, windows, show, verify = commands()
    terminal.type(setup)
    said = terminal.type(placed(deploy, tmp_path))
    assert "--role operator --organisation OPERATOR --stack early-results" in said
    described = terminal.stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    terminal.stack.outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in described["Parameters"]}
    assert (given["Protected"], given["Scale"]) == ("true", "trial")
    people = People(terminal.stack)

    # The window must open after the extracts are taken in, and close after a file has come: on a busy machine, later.
    ahead = unhurried(60, lambda: terminal.type(add))
    assert "They get a temporary password by email" in terminal.said
    operator, token = people.sign_in(OPERATOR)
    assert operator.request("GET", "/me").status == 403, "an operator needs codes"
    secret = people.set_codes_up(token)
    operator, _ = people.sign_in(OPERATOR, secret)
    assert operator.get("/me")["role"] == "operator"

    assert "nobody can upload for (not 1231234, 2042222)" in terminal.type(placed(opened, tmp_path, ahead), code=1)
    terminal.type(placed(imported, tmp_path))
    assert "ks1-2023 is ready." in terminal.type(placed(ready, tmp_path))
    head, _ = people.sign_in(HEAD)

    def is_open() -> bool:
        services = {one["service"]: one for one in head.get("/services")["services"]}
        return bool(services[SERVICE]["open_window"] == 1)

    def frozen() -> bool:
        return bool(operator.get(f"/windows/{SERVICE}/1")["state"] == "FROZEN")

    wait_for("the window to open", is_open, ahead.total_seconds() + 120, every=1)
    upload = head.verdict(head.upload(SERVICE, "results.xlsx", _filled(head)))
    assert upload["status"] == "SUCCESSFUL", upload
    limit = ahead.total_seconds() + 420
    wait_for("the window to close and be frozen by its schedule", frozen, limit, every=2)
    terminal.type(windows)
    assert "FROZEN" in terminal.type(show)
    assert "everything agrees" in terminal.type(verify)
    standing = {school["school"]: school["standing"] for school in operator.get(f"/windows/{SERVICE}/1")["schools"]}
    assert standing == {SCHOOL: "submitted", "2042222": "nothing"}

    # The table is lost, and was restored under another name: as the runbook says.
    with (tmp_path / "early-results.toml").open("a") as settings:
        settings.write("TableGeneration = 2\n")
    lost = terminal.stack.outputs["TableName"]
    terminal.type(placed(deploy, tmp_path))
    described = terminal.stack.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    assert {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}["TableName"] == f"{STACK}-2"
    assert head.request("GET", "/me").status == 403, "while the table is empty nobody is let in"
    said = terminal.type(f".venv/bin/early-results restore --from {lost} --stack {STACK}")
    assert "The table is restored." in said
    assert "everything agrees" in terminal.type(verify)
    again = head.verdict(head.upload(SERVICE, "again.xlsx", _filled(head)))
    assert again["status"] == "SUCCESSFUL", "the new table's stream is read too"


def _filled(head: PortalClient) -> bytes:
    service: Any = load_service(SERVICE)
    results = {pupil.upn: results_of(service, pupil) for pupil in pupils_of(SCHOOL, 5)}
    return fill(head.template(SERVICE, SCHOOL), service, results)


def test_every_command_of_the_page_is_played() -> None:
    assert len(commands()) == 9
