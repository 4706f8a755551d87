"""Every copy of the template with one thing taken out: generated from the template, so that none is forgotten."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.template.reading import Template

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One thing taken out of the template. `plays` are the seasons that may notice, the likeliest first; none where
    MiniStack has nothing that could notice, and a test on the template's text must."""

    name: str
    path: Path
    plays: tuple[str, ...]

    def applied(self, template: Template) -> Template:
        """A copy of the template without that thing."""
        found = copy.deepcopy(template)
        *way, last = self.path
        at: Any = found
        for step in way:
            at = at[step]
        del at[last]
        if len(self.path) == 2:
            # A resource that is gone is waited for by nobody: what must be noticed is that it does not work.
            for resource in found["Resources"].values():
                if self.path[1] in resource.get("DependsOn", []):
                    resource["DependsOn"].remove(self.path[1])
        return found


ALL = ("season", "poison", "rescue")
RESCUE = ("rescue", "poison", "season")
POISON = ("poison", "season", "rescue")
# Statements that MiniStack does not enforce, and what it does instead: tests on the text speak for these.
UNENFORCED = {
    "MissingIs404": "answers 404 for what is not there to who may not list the bucket too",
    "GiveUp": "never sends stream records that failed for good to their queue",
    "Log": "asks no right for logs",
    "Trace": "keeps no traces",
    "Receive": "asks no right of an event source's role",
    "ReadStream": "asks no right of an event source's role",
    "FindStream": "asks no right of an event source's role",
    "NobodyIsLookedUp": "a denial: without it everything works, and more",
    "SendAsOurselves": "knows neither identity nor sender when it asks for the right: another policy allows it there",
}
# Resources whose wiring the seasons exercise, and those that only a test on the text can speak for.
_FUNCTION = "AWS::Serverless::Function"
_ROLE = "AWS::IAM::Role"
_WIRES = (
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::SQS::QueuePolicy",
)


def wires(template: Template) -> list[Mutation]:
    """Everything that carries a message, a call or a right: what the seasons must notice, if MiniStack enforces it."""
    found: list[Mutation] = []
    for name, resource in template["Resources"].items():
        properties: dict[str, Any] = resource.get("Properties", {})
        at: Path = ("Resources", name, "Properties")
        if resource["Type"] == _FUNCTION:
            found += _of_function(name, properties, at)
        elif resource["Type"] == _ROLE:
            found += _of_role(name, properties, at)
        elif resource["Type"] in _WIRES:
            found.append(Mutation(name, ("Resources", name), ALL))
        elif resource["Type"] == "AWS::SQS::Queue" and "RedrivePolicy" in properties:
            found.append(Mutation(f"{name}: redrive policy", (*at, "RedrivePolicy"), POISON))
        elif resource["Type"] == "AWS::S3::Bucket":
            found += _of_bucket(name, properties, at)
        elif resource["Type"] == "AWS::DynamoDB::Table":
            for index, entry in enumerate(properties["GlobalSecondaryIndexes"]):
                found.append(
                    Mutation(f"{name}: index {entry['IndexName']}", (*at, "GlobalSecondaryIndexes", index), ALL)
                )
        if "AuthorizerId" in properties:
            # A route without its authorizer must be one that says so too, or the API would not be created at all.
            found.append(Mutation(f"{name}: authorization", (*at, "AuthorizationType"), ALL))
    shared: Path = ("Globals", "Function", "Environment", "Variables")
    for variable in template["Globals"]["Function"]["Environment"]["Variables"]:
        found.append(Mutation(f"every function: {variable}", (*shared, variable), ALL))
    return found


def _of_function(name: str, properties: dict[str, Any], at: Path) -> Iterator[Mutation]:
    plays = RESCUE if name == "RescueFunction" else ALL
    for event, source in properties.get("Events", {}).items():
        yield Mutation(f"{name}: event {event}", (*at, "Events", event), plays)
        for field in ("FilterCriteria", "FunctionResponseTypes", "DestinationConfig"):
            if field in source["Properties"]:
                path: Path = (*at, "Events", event, "Properties", field)
                yield Mutation(f"{name}: event {event}: {field}", path, ())
    for variable in properties["Environment"]["Variables"]:
        yield Mutation(f"{name}: {variable}", (*at, "Environment", "Variables", variable), plays)
    if "Layers" in properties:
        yield Mutation(f"{name}: layers", (*at, "Layers"), plays)


def _of_role(name: str, properties: dict[str, Any], at: Path) -> Iterator[Mutation]:
    plays = RESCUE if name == "RescueRole" else ALL
    for number, policy in enumerate(properties["Policies"]):
        for index, statement in enumerate(policy["PolicyDocument"]["Statement"]):
            path: Path = (*at, "Policies", number, "PolicyDocument", "Statement", index)
            able = () if statement["Sid"] in UNENFORCED else plays
            for field, what in (("Action", str), ("Resource", _short)):
                yield from _each(f"{name}: {statement['Sid']}", statement, field, path, what, able)


def _each(
    name: str, statement: dict[str, Any], field: str, path: Path, what: Callable[[Any], str], plays: tuple[str, ...]
) -> Iterator[Mutation]:
    """Every entry of a list; a single action stands for its whole statement, a single resource goes with it."""
    values = statement[field]
    if isinstance(values, list):
        for index, value in enumerate(values):
            yield Mutation(f"{name}: {what(value)}", (*path, field, index), plays)
    elif field == "Action":
        yield Mutation(f"{name}: {what(values)}", path, plays)


def _of_bucket(name: str, properties: dict[str, Any], at: Path) -> Iterator[Mutation]:
    queues = properties.get("NotificationConfiguration", {}).get("QueueConfigurations", [])
    for index, entry in enumerate(queues):
        prefix = entry["Filter"]["S3Key"]["Rules"][0]["Value"]
        path: Path = (*at, "NotificationConfiguration", "QueueConfigurations", index)
        yield Mutation(f"{name}: notification of {prefix}", path, ALL)
        yield Mutation(f"{name}: filter of {prefix}", (*path, "Filter"), ALL)
    if "VersioningConfiguration" in properties:
        yield Mutation(f"{name}: versioning", (*at, "VersioningConfiguration"), ALL)


def _short(value: Any) -> str:
    """A resource of a statement, in few words."""
    if isinstance(value, dict):
        [(function, argument)] = value.items()
        return ".".join(argument) if isinstance(argument, list) and function == "Fn::GetAtt" else str(argument)
    return str(value)


# What says nothing to a machine: names and words for people, and where a built artifact lies.
WORDS = frozenset(
    {"Description", "Metadata", "Sid", "Id", "Name", "PolicyName", "ClientName", "AlarmDescription", "UserPoolName"}
)


def properties(template: Template) -> list[Mutation]:
    """Every property of every resource and of the shared settings, at any depth; every resource; every condition and
    every parameter's default. A test on the text must notice each."""
    found: list[Mutation] = []
    for name, resource in template["Resources"].items():
        found.append(Mutation(f"{name}", ("Resources", name), ()))
        kept = [f for f in ("DeletionPolicy", "UpdateReplacePolicy", "Condition", "DependsOn") if f in resource]
        found += [Mutation(f"{name}: {field}", ("Resources", name, field), ()) for field in kept]
        found += _within(name, resource.get("Properties", {}), ("Resources", name, "Properties"))
    found += _within("every function", template["Globals"]["Function"], ("Globals", "Function"))
    found += [Mutation(f"condition {name}", ("Conditions", name), ()) for name in template["Conditions"]]
    found += [Mutation(f"default of {name}", ("Parameters", name, "Default"), ()) for name in template["Parameters"]]
    return found


def _within(name: str, value: Any, path: Path) -> Iterator[Mutation]:
    """Everything inside a value that can be taken out by itself; functions of CloudFormation are one thing."""
    if isinstance(value, dict):
        if len(value) == 1 and (next(iter(value)) == "Ref" or next(iter(value)).startswith("Fn::")):
            return
        entries: list[tuple[str | int, Any]] = [(key, inner) for key, inner in value.items() if key not in WORDS]
    elif isinstance(value, list):
        entries = list(enumerate(value))
    else:
        return
    for key, inner in entries:
        label = f"{name}: {key}" if not isinstance(key, int) else f"{name}[{key}]"
        yield Mutation(label, (*path, key), ())
        yield from _within(label, inner, (*path, key))
