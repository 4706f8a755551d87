"""What SAM makes of the template: the rights and roles that it adds, and that MiniStack does not ask for."""

from __future__ import annotations

import copy
import json
import subprocess
from typing import Any

import pytest

from .reading import FUNCTION, ROOT, Template, event_sources, of_type, role_of

Resources = dict[str, Any]


# SAM's translator is in MiniStack's environment, not in ours (infra/setup.sh).
_PYTHON = ROOT / ".local" / "ministack" / "bin" / "python"
_TRANSLATE = """
import json, sys
from samtranslator.translator.transform import transform
class NoManagedPolicies:
    def load(self):
        return {}
print(json.dumps(transform(json.load(sys.stdin), {}, NoManagedPolicies())["Resources"]))
"""

# What the schedules are called in the end, and what each runs.
SCHEDULED = {
    "FreezeFunctionNoon": "FreezeFunction",
    "FreezeFunctionSweep": "FreezeFunction",
    "DatasetFunctionRelease": "DatasetFunction",
    "OverviewFunctionOverview": "OverviewFunction",
    "NoticeFunctionLook": "NoticeFunction",
}


@pytest.fixture(scope="module")
def transformed(template: Template) -> Resources:
    """The resources as CloudFormation is given them, by logical name."""
    source = copy.deepcopy(template)
    source["Globals"]["Function"]["CodeUri"] = "s3://artifacts/code.zip"
    source["Resources"]["TypstLayer"]["Properties"]["ContentUri"] = "s3://artifacts/layer.zip"
    done = subprocess.run(
        [str(_PYTHON), "-c", _TRANSLATE],
        input=json.dumps(source),
        capture_output=True,
        text=True,
        env={"AWS_DEFAULT_REGION": "eu-west-2"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Resources = json.loads(done.stdout)
    return found


def test_every_role_is_ours_but_those_of_the_schedules_and_none_has_a_managed_policy(
    transformed: Resources, template: Template
) -> None:
    """What SAM adds to a role that it makes itself is allowed on everything in the account."""
    roles = {name: r["Properties"] for name, r in transformed.items() if r["Type"] == "AWS::IAM::Role"}
    ours = {role_of(template, function) for function in of_type(template, FUNCTION)}
    assert len(ours) == len(of_type(template, FUNCTION))
    assert set(roles) == ours | {f"{schedule}Role" for schedule in SCHEDULED}
    for name, role in roles.items():
        assert "ManagedPolicyArns" not in role, name
    for function in of_type(template, FUNCTION):
        assert transformed[function]["Properties"]["Role"] == {"Fn::GetAtt": [role_of(template, function), "Arn"]}


def test_a_schedule_may_run_its_function_and_nothing_else(transformed: Resources) -> None:
    schedules = {n: r["Properties"] for n, r in transformed.items() if r["Type"] == "AWS::Scheduler::Schedule"}
    assert set(schedules) == set(SCHEDULED)
    for name, schedule in schedules.items():
        assert schedule["Target"]["Arn"] == {"Fn::GetAtt": [SCHEDULED[name], "Arn"]}, name
        assert schedule["ScheduleExpressionTimezone"] == "Europe/London", name
        assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}, name
        role = transformed[schedule["Target"]["RoleArn"]["Fn::GetAtt"][0]]["Properties"]
        [assumes] = role["AssumeRolePolicyDocument"]["Statement"]
        assert assumes["Principal"] == {"Service": ["scheduler.amazonaws.com"]}, name
        [policy] = role["Policies"]
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Action"] == "lambda:InvokeFunction", name
        assert statement["Resource"] == {"Fn::GetAtt": [SCHEDULED[name], "Arn"]}, name


def test_only_lambda_may_take_a_functions_role(transformed: Resources, template: Template) -> None:
    for function in of_type(template, FUNCTION):
        [statement] = transformed[role_of(template, function)]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Effect"] == "Allow", function
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}, function
        assert statement["Action"] == "sts:AssumeRole", function


def test_every_event_source_reaches_its_function_as_it_is_written(transformed: Resources, template: Template) -> None:
    mappings = [r["Properties"] for r in transformed.values() if r["Type"] == "AWS::Lambda::EventSourceMapping"]
    assert len(mappings) == len(event_sources(template, "SQS")) + len(event_sources(template, "DynamoDB"))
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["FunctionName"]["Ref"] in of_type(template, FUNCTION)
