"""`make deploy`: checks what must be so before anything is created, deploys, and says what to do next.

python -m infra.operator.deploying [--stack NAME] [--scale SCALE] [--settings FILE.toml] [--set NAME=VALUE ...] [--yes]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra.local.stack import LOCAL, ROOT

# How many of the account's concurrent executions each scale of template.yaml reserves. A test adds them up.
RESERVES = {"full": 85, "small": 23, "trial": 0}
SCALES = tuple(RESERVES)
# Lambda keeps that many executions for functions that reserve none, and refuses a reservation that leaves fewer
# (https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html).
LEFT_UNRESERVED = 100
QUOTA = "L-B99A9384"  # Service Quotas' name for Lambda's concurrent executions
WISHED = 1000
LONGEST_BUCKET = 63
BUILD = ".aws-sam/deploy"  # another folder than the one in which the local stack is built for this machine
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_KEPT = ("Runtime", "Architecture", "Scale")  # an update that does not name a parameter leaves it as it is
_GONE = ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")


class CannotDeploy(Exception):
    """Nothing was created. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account: its quota of concurrent executions, and how many of them other functions reserve."""

    number: str
    region: str
    concurrent: int
    reserved_by_others: int

    def fits(self, scale: str) -> bool:
        """Whether a stack of that scale can be created here."""
        wanted = RESERVES[scale]
        return wanted == 0 or self.concurrent - self.reserved_by_others - wanted >= LEFT_UNRESERVED


def check_name(name: str, account: Account) -> None:
    """CannotDeploy unless the stack's name can be part of its buckets' names.

    It must have small letters, digits and single hyphens only, and be short enough to stand before the bucket's kind,
    the account and the region.
    """
    longest = LONGEST_BUCKET - len(f"-uploads-{account.number}-{account.region}")
    if not _NAME.fullmatch(name) or len(name) > longest:
        raise CannotDeploy(
            f'a stack cannot be called "{name}", because its buckets are called after it: small letters, digits and '
            f"hyphens, a letter first, at most {longest} characters in {account.region}"
        )


def check_scale(scale: str, account: Account) -> None:
    """CannotDeploy if the account cannot reserve what the scale takes. It says which fits, and how to ask for more."""
    if account.fits(scale):
        return
    fits = next(other for other in SCALES if account.fits(other))
    wanted = max(WISHED, account.reserved_by_others + RESERVES[scale] + LEFT_UNRESERVED)
    raise CannotDeploy(
        f"the scale {scale} reserves {RESERVES[scale]} concurrent executions, and Lambda keeps {LEFT_UNRESERVED} "
        f"unreserved; this account has {account.concurrent} in {account.region}"
        + (f", of which other functions reserve {account.reserved_by_others}" if account.reserved_by_others else "")
        + f".\nWhat fits today: make deploy SCALE={fits}\n"
        f"To ask for more, which takes AWS a day or two: aws service-quotas request-service-quota-increase "
        f"--region {account.region} --service-code lambda --quota-code {QUOTA} --desired-value {wanted}"
    )


def account_of(session: Any, stack: str) -> Account:
    """The account and region of the environment. What a stack of that name has reserved already, it may use again."""
    functions = session.client("lambda")
    told = functions.get_account_settings()["AccountLimit"]
    reserved = told["ConcurrentExecutions"] - told["UnreservedConcurrentExecutions"]
    own = 0
    for page in functions.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            if function["FunctionName"].startswith(f"{stack}-"):
                kept = functions.get_function_concurrency(FunctionName=function["FunctionName"])
                own += kept.get("ReservedConcurrentExecutions", 0)
    number = session.client("sts").get_caller_identity()["Account"]
    return Account(number, session.region_name, told["ConcurrentExecutions"], reserved - own)


@dataclass(frozen=True, slots=True)
class Before:
    """A stack that may be there: its status, None if it is not, and the parameters it was deployed with."""

    status: str | None = None
    parameters: dict[str, str] = field(default_factory=dict)


def stack_before(session: Any, stack: str) -> Before:
    """The stack of that name as it is."""
    try:
        found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return Before()
        raise
    if found["StackStatus"] in _GONE:
        return Before(found["StackStatus"])
    given = {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", [])}
    return Before(found["StackStatus"], {name: given[name] for name in _KEPT if name in given})


def deploy(
    session: Any, stack: str, parameters: dict[str, str], sam: Callable[[Sequence[str]], None]
) -> dict[str, str]:
    """Deploys. After a first deployment it deploys again, to protect the table and the users. Gives the outputs.

    If a first deployment were protected from its beginning and failed, CloudFormation could not roll it back. Build and
    deployment get the same parameters, so that they agree on runtime and architecture. CannotDeploy, with nothing
    created, if the name or the account does not fit.
    """
    account = account_of(session, stack)
    check_name(stack, account)
    before = stack_before(session, stack)
    chosen = {"Scale": SCALES[0], **before.parameters, **parameters}
    check_scale(chosen["Scale"], account)
    first = before.status is None or before.status in _GONE
    if before.status in _GONE:
        # The first deployment failed and was rolled back. Only the stack's name is left, and must be removed.
        client = session.client("cloudformation")
        client.delete_stack(StackName=stack)
        client.get_waiter("stack_delete_complete").wait(StackName=stack)
    sam(["build", "--build-dir", BUILD, *_overrides(chosen, protected=True)])
    deployment = ["deploy", "--template-file", f"{BUILD}/template.yaml", "--stack-name", stack]
    sam([*deployment, *_overrides(chosen, protected=not first)])
    if first:
        sam([*deployment, "--no-confirm-changeset", *_overrides(chosen, protected=True)])
    described = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}


def _overrides(parameters: dict[str, str], *, protected: bool) -> list[str]:
    chosen = {"Protected": str(protected).lower(), **parameters}
    return [
        "--parameter-overrides",
        *(f'ParameterKey={name},ParameterValue="{value}"' for name, value in chosen.items()),
    ]


def what_next(stack: str, outputs: dict[str, str]) -> str:
    """The last lines of a deployment: how to sign in, and how to open a season."""
    return f"""
The portal is at {outputs["PortalUrl"]}

Next, as docs/first-deployment.md says at more length:
  1. yourself, as the first operator (an invitation comes by e-mail):
       .venv/bin/early-results user add --email YOU@EXAMPLE --role operator --organisation OPERATOR --stack {stack}
  2. a season: schools, pupils, windows and users, one step after the other:
       .venv/bin/early-results season open --service ks1-2023 --stack {stack}
"""


def _sam(arguments: Sequence[str]) -> None:
    # Unless it is told where they are, SAM looks for its settings beside the built template.
    command = [str(LOCAL / "sam" / "bin" / "sam"), *arguments, "--config-file", str(ROOT / "samconfig.toml")]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise CannotDeploy(f"sam {arguments[0]} failed; what it said is above")


def _usual() -> dict[str, Any]:
    """The settings of samconfig.toml for all of its commands, and for the deployment."""
    told = tomllib.loads((ROOT / "samconfig.toml").read_text())["default"]
    return {**told["global"]["parameters"], **told["deploy"]["parameters"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command of this module: 0 if it is deployed."""
    usual = _usual()
    parser = argparse.ArgumentParser(prog="python -m infra.operator.deploying", description=__doc__)
    parser.add_argument("--stack", default=usual["stack_name"])
    parser.add_argument("--scale", choices=SCALES, help="the present scale if not given; full in a first deployment")
    parser.add_argument("--settings", metavar="FILE.toml", help="parameters of template.yaml, one a line")
    parser.add_argument("--set", action="append", default=[], metavar="PARAMETER=VALUE", help="goes over the file's")
    parser.add_argument("--yes", action="store_true", help="do not ask before the change is made")
    options = parser.parse_args(arguments)
    region = os.environ.get("AWS_REGION", usual["region"])
    try:
        kept = tomllib.loads(Path(options.settings).read_text()) if options.settings else {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        print(f"{options.settings} cannot be read: {error}", file=sys.stderr)
        return 2
    parameters = {name: str(value) for name, value in kept.items()}
    parameters |= dict(one.split("=", 1) for one in options.set)
    if options.scale:
        parameters["Scale"] = options.scale

    def sam(given: Sequence[str]) -> None:
        asking = ["--no-confirm-changeset"] if options.yes and given[0] == "deploy" else []
        _sam([*given, "--region", region, *asking])

    try:
        outputs = deploy(
            boto3.session.Session(region_name=region),
            options.stack,
            parameters,
            sam,
        )
    except (BotoCoreError, ClientError) as error:
        print(f"the account could not be asked: {error}", file=sys.stderr)
        return 2
    except CannotDeploy as error:
        print(f"not deployed: {error}", file=sys.stderr)
        return 2
    print(what_next(options.stack, outputs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
