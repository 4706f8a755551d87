"""One MiniStack, the functions packaged once, and a stack of its own for every copy of the template."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from infra.local import stack as local
from infra.local.stack import LOCAL, Stack
from tests.template.reading import Template

from .season import Broken, Season

FOLDER = LOCAL / "wiring"
_ARTIFACTS = "wiring-artifacts"
_CODE, _LAYER = "code.zip", "typst.zip"
_CREATE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Workbench:
    """A running MiniStack with the packaged functions, on which stacks are made and removed in a second."""

    base: Stack

    @contextmanager
    def stack(self, template: Template, name: str, **parameters: str) -> Iterator[tuple[Stack, dict[str, str]]]:
        """A stack of a template and its resources by logical name. Broken if it cannot be created."""
        client = self.base.client("cloudformation")
        chosen = {
            **local.host_parameters(),
            "TlsOnly": "false",
            "AllowPasswordAuth": "true",
            "NoonSchedule": "rate(1 day)",
            "SweepSchedule": "rate(1 day)",
            "ReleaseSchedule": "rate(1 day)",
            "OverviewSchedule": "rate(1 day)",
            "GraceSeconds": "1",
            "PortalTimeout": "120",
            "SweepAgeSeconds": "1",
            "Scale": "small",
            "PortalOrigin": self.base.endpoint,
            "CognitoEndpoint": f"{self.base.endpoint}/",
            "OperatorsNeedCodes": "false",
            "RequestsPerMinute": "60000",
            "ReadTrail": "false",
            **local.MAIL,
            "LookSchedule": "rate(1 day)",
            "MailsPerSecond": "100",
            "SenderAlone": "false",
            "PortalAddress": f"{self.base.endpoint}/_aws/execute-api/{{api}}/",
            **parameters,
        }
        # By address: a body may have 51,200 characters.
        body = json.dumps(_packaged(template)).encode()
        self.base.client("s3").put_object(Bucket=_ARTIFACTS, Key=f"{name}.json", Body=body)
        try:
            client.create_stack(
                StackName=name,
                TemplateURL=f"{self.base.endpoint}/{_ARTIFACTS}/{name}.json",
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in chosen.items()],
            )
        except ClientError as error:
            raise Broken(f"the stack is not created: {str(error)[-300:]}") from error
        try:
            described = self._created(name)
            listed = client.describe_stack_resources(StackName=name)["StackResources"]
            resources = {entry["LogicalResourceId"]: entry["PhysicalResourceId"] for entry in listed}
            outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
            yield replace(self.base, outputs=outputs, name=name), resources
        finally:
            self._remove(name)

    def _remove(self, name: str) -> None:
        """Removes a stack, its functions first: their processes and unpacked code would outlive a stack that takes
        them with it, 300 MB of memory for each."""
        functions = self.base.client("lambda")
        for page in functions.get_paginator("list_functions").paginate():
            for function in page["Functions"]:
                if function["FunctionName"].startswith(f"{name}-"):
                    functions.delete_function(FunctionName=function["FunctionName"])
        self.base.client("cloudformation").delete_stack(StackName=name)

    def _created(self, name: str) -> dict[str, Any]:
        client = self.base.client("cloudformation")
        deadline = time.monotonic() + _CREATE_SECONDS
        while time.monotonic() < deadline:
            described: dict[str, Any] = client.describe_stacks(StackName=name)["Stacks"][0]
            if described["StackStatus"] == "CREATE_COMPLETE":
                return described
            if not described["StackStatus"].endswith("IN_PROGRESS") or "ROLLBACK" in described["StackStatus"]:
                events = client.describe_stack_events(StackName=name)["StackEvents"]
                why = [
                    f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
                    for event in events
                    if event["ResourceStatus"] == "CREATE_FAILED"
                ]
                raise Broken(f"the stack is not created: {'; '.join(why)[:300] or described.get('StackStatusReason')}")
            time.sleep(0.1)
        raise Broken("the stack is not created in time")


def play(bench: Workbench, template: Template, name: str, kind: str) -> None:
    """Plays one kind of season (`season`, `rescue`, `poison`) on a stack of its own. Broken if it does not hold."""
    with bench.stack(template, name) as (stack, resources):
        season = Season(stack, resources, rescue=kind == "rescue")
        if kind == "poison":
            season.play_poison()
        else:
            season.play()


PLAYS = ("season", "rescue", "poison")


@contextmanager
def workbench(folder: Path = FOLDER) -> Iterator[Workbench]:
    """A MiniStack of its own with the packaged functions; both are gone at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    with local.ministack(folder) as (endpoint, key, secret):
        yield bench_on(Stack(endpoint, key, secret, {}, folder))


def bench_on(base: Stack) -> Workbench:
    """Puts what `sam build` made onto a running MiniStack, for stacks beside the ones that are there."""
    local.verify_sender(base.endpoint, base.access_key, base.secret_key)
    s3 = base.client("s3")
    s3.create_bucket(Bucket=_ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": base.region})
    for built, name in ((local.FUNCTIONS, _CODE), (local.LAYER, _LAYER)):
        s3.upload_file(str(local.BUILD / f"{built}.zip"), _ARTIFACTS, name)
    return Workbench(base)


def _packaged(template: Template) -> Template:
    """The template with the packaged functions in place of their sources, as `sam package` leaves it."""
    found: Template = json.loads(json.dumps(template))
    for resource in found["Resources"].values():
        resource.pop("Metadata", None)
    found["Globals"]["Function"]["CodeUri"] = {"Bucket": _ARTIFACTS, "Key": _CODE}
    layer = found["Resources"].get("TypstLayer")
    if layer:
        layer["Properties"]["ContentUri"] = {"Bucket": _ARTIFACTS, "Key": _LAYER}
    return found
