"""`make deploy`: what is asked before anything is created, and what a first deployment does that a second does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.operator import deploying
from infra.operator.deploying import Account, CannotDeploy, check_name, check_scale, deploy

NUMBER = "123456789012"


class Session:
    """The answers of an account: its quota, what its functions reserve, and a stack if there is one."""

    region_name = "eu-west-2"

    def __init__(self, concurrent: int = 1000, reserved: dict[str, int] | None = None, **stack: Any) -> None:
        self.concurrent = concurrent
        self.reserved = reserved or {}
        self.stack = stack
        self.removed: list[str] = []

    def client(self, _: str) -> Session:
        return self

    def get_account_settings(self) -> dict[str, Any]:
        left = self.concurrent - sum(self.reserved.values())
        return {"AccountLimit": {"ConcurrentExecutions": self.concurrent, "UnreservedConcurrentExecutions": left}}

    def get_paginator(self, _: str) -> Session:
        return self

    def paginate(self) -> list[dict[str, Any]]:
        return [{"Functions": [{"FunctionName": name} for name in self.reserved]}]

    def get_function_concurrency(self, FunctionName: str) -> dict[str, int]:  # noqa: N803 - boto3's own name
        return {"ReservedConcurrentExecutions": self.reserved[FunctionName]}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": NUMBER}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803
        if not self.stack:
            raise ClientError({"Error": {"Message": f"Stack {StackName} does not exist"}}, "DescribeStacks")
        return {"Stacks": [{"Outputs": [], **self.stack}]}

    def delete_stack(self, StackName: str) -> None:  # noqa: N803
        self.removed.append(StackName)

    def get_waiter(self, _: str) -> Session:
        return self

    def wait(self, StackName: str) -> None:  # noqa: N803
        assert self.removed == [StackName]


class Sam:
    """Notes what SAM was told; a deployment makes the stack."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[Sequence[str]] = []

    def __call__(self, arguments: Sequence[str]) -> None:
        self.told.append(arguments)
        if arguments[0] == "deploy":
            self.session.stack = {"StackStatus": "CREATE_COMPLETE"}

    def parameter(self, name: str) -> list[str]:
        """What each command was told of a parameter."""
        start = f"ParameterKey={name},ParameterValue="
        return [next((a.removeprefix(start).strip('"') for a in told if a.startswith(start)), "") for told in self.told]


def account(concurrent: int = 1000, others: int = 0, region: str = "eu-west-2") -> Account:
    return Account(NUMBER, region, concurrent, others)


@pytest.mark.parametrize("name", ["Early-Results", "early_results", "1st", "early--results", "e" * 33, "", "-a", "a-"])
def test_a_name_that_buckets_cannot_have_is_refused_before_anything_is_created(name: str) -> None:
    with pytest.raises(CannotDeploy, match="at most 32 characters in eu-west-2"):
        check_name(name, account())


def test_the_longest_name_depends_on_the_region() -> None:
    check_name("e" * 32, account())
    assert len(f"{'e' * 32}-uploads-{NUMBER}-eu-west-2") == 63
    with pytest.raises(CannotDeploy, match="at most 27 characters in ap-southeast-5"):
        check_name("e" * 28, account(region="ap-southeast-5"))


@pytest.mark.parametrize(
    ("concurrent", "others", "fits"),
    [(1000, 0, "full"), (185, 0, "full"), (184, 0, "small"), (1000, 850, "small"), (122, 0, "trial"), (10, 0, "trial")],
)
def test_the_scale_that_fits_is_named_with_the_words_that_ask_for_more(concurrent: int, others: int, fits: str) -> None:
    asked = account(concurrent, others)
    check_scale(fits, asked)
    for scale in deploying.SCALES[: deploying.SCALES.index(fits)]:
        with pytest.raises(CannotDeploy) as refused:
            check_scale(scale, asked)
        assert f"make deploy SCALE={fits}" in str(refused.value)
        assert "aws service-quotas request-service-quota-increase" in str(refused.value)
        assert f"this account has {concurrent}" in str(refused.value)


def test_nothing_is_created_under_a_name_that_buckets_cannot_have() -> None:
    session = Session()
    sam = Sam(session)
    with pytest.raises(CannotDeploy, match="cannot be called"):
        deploy(session, "Early_Results", {}, sam)
    assert sam.told == []


def test_nothing_is_created_where_the_scale_does_not_fit() -> None:
    session = Session(concurrent=50)
    sam = Sam(session)
    with pytest.raises(CannotDeploy):
        deploy(session, "early-results", {}, sam)
    assert sam.told == []


def test_a_first_deployment_is_protected_by_a_second() -> None:
    session = Session()
    sam = Sam(session)
    deploy(session, "early-results", {}, sam)
    assert [told[0] for told in sam.told] == ["build", "deploy", "deploy"]
    assert sam.parameter("Protected")[1:] == ["false", "true"]
    assert "--no-confirm-changeset" in sam.told[2]
    assert "--no-confirm-changeset" not in sam.told[1]


def test_a_later_deployment_is_protected_throughout() -> None:
    session = Session(StackStatus="UPDATE_COMPLETE", Parameters=[])
    sam = Sam(session)
    deploy(session, "early-results", {}, sam)
    assert [told[0] for told in sam.told] == ["build", "deploy"]
    assert sam.parameter("Protected") == ["true", "true"]
    assert session.removed == []


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"])
def test_what_a_failed_first_deployment_left_is_removed_and_the_next_is_a_first_one(status: str) -> None:
    session = Session(StackStatus=status)
    sam = Sam(session)
    deploy(session, "early-results", {}, sam)
    assert session.removed == ["early-results"]
    assert sam.parameter("Protected")[1:] == ["false", "true"]


def test_a_later_deployment_is_built_for_what_runs() -> None:
    """Code for one architecture under functions of another is only found out by the first import."""
    given = [
        {"ParameterKey": "Architecture", "ParameterValue": "x86_64"},
        {"ParameterKey": "Scale", "ParameterValue": "small"},
        {"ParameterKey": "AlarmEmail", "ParameterValue": "a@b.example"},
    ]
    sam = Sam(session := Session(StackStatus="UPDATE_COMPLETE", Parameters=given))
    deploy(session, "early-results", {}, sam)
    assert sam.parameter("Architecture") == ["x86_64", "x86_64"]
    assert sam.parameter("Scale") == ["small", "small"]
    deploy(session, "early-results", {"Architecture": "arm64"}, sam)
    assert sam.parameter("Architecture")[2:] == ["arm64", "arm64"]


def test_what_the_stack_itself_reserves_is_its_own_to_use() -> None:
    reserved = {"early-results-ValidateFunction-1": 50, "early-results-BuildFunction-1": 20, "other": 30}
    found = deploying.account_of(Session(200, reserved), "early-results")
    assert found.reserved_by_others == 30


def test_the_last_lines_say_how_the_first_operator_gets_in() -> None:
    words = deploying.what_next("early-results", {"PortalUrl": "https://portal.example/"})
    assert "--role operator --organisation OPERATOR --stack early-results" in words
    assert "https://portal.example/" in words
