"""Reading the template: what a value comes to, by its parameters' defaults and each branch of its conditions."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE = ROOT / "template.yaml"
Template = dict[str, Any]

FUNCTION = "AWS::Serverless::Function"
QUEUE = "AWS::SQS::Queue"
BUCKET = "AWS::S3::Bucket"
ALARM = "AWS::CloudWatch::Alarm"


class _Loader(yaml.CSafeLoader):
    """YAML with CloudFormation's short forms. cfn-lint reads them too, and takes four seconds to be imported."""


def _written_out(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """A short form in full: `!Sub x` is `{"Fn::Sub": "x"}`."""
    if isinstance(node, yaml.ScalarNode):
        text = str(loader.construct_scalar(node))
        return (
            {tag: text}
            if tag in ("Ref", "Condition")
            else {f"Fn::{tag}": text.split(".", 1) if tag == "GetAtt" else text}
        )
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{tag}": loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {f"Fn::{tag}": loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _written_out)


def load_template(path: Path = TEMPLATE) -> Template:
    """The template with CloudFormation's short forms written out: plain dictionaries, lists, texts and numbers."""
    with path.open("rb") as file:
        found = yaml.load(file, _Loader)  # noqa: S506 - a SafeLoader
    return dict(json.loads(json.dumps(found, default=str)))  # shared anchors parted; dates are texts, as to AWS


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """The properties of every resource of a type, by logical name. AssertionError if there is none."""
    found = {n: r.get("Properties", {}) for n, r in template["Resources"].items() if r["Type"] == kind}
    assert found, f"there is no {kind}"
    return found


def props(template: Template, name: str) -> Any:
    """The properties of a resource."""
    return template["Resources"][name]["Properties"]


def branches(value: Any) -> list[Any]:
    """What a value may come to: both branches of an `!If`, or the value itself."""
    if isinstance(value, dict) and "Fn::If" in value:
        _, yes, no = value["Fn::If"]
        return [*branches(yes), *branches(no)]
    return [value]


def at_scale(value: Any, scale: str) -> Any:
    """What a value comes to at a scale: the branch that the conditions Full and Reserves lead to."""
    while isinstance(value, dict) and "Fn::If" in value:
        condition, yes, no = value["Fn::If"]
        value = yes if {"Full": scale == "full", "Reserves": scale != "trial"}[condition] else no
    return value


def number(template: Template, value: Any) -> int:
    """A number, or the default of the parameter that it refers to."""
    if isinstance(value, dict):
        return int(template["Parameters"][value["Ref"]]["Default"])
    return int(value)


def arn(name: str) -> dict[str, Any]:
    """`!GetAtt Name.Arn` written out."""
    return {"Fn::GetAtt": [name, "Arn"]}


def listed(value: Any) -> list[Any]:
    """A list, also of one that stands alone."""
    return value if isinstance(value, list) else [value]


def role_of(template: Template, function: str) -> str:
    """The logical name of a function's role."""
    name, attribute = props(template, function)["Role"]["Fn::GetAtt"]
    assert attribute == "Arn", function
    return str(name)


def policies(template: Template, function: str) -> dict[str, Any]:
    """The policies of a function's role, by name: `runs`, what each function needs to run, and `works`, its own."""
    return {p["PolicyName"]: p["PolicyDocument"] for p in props(template, role_of(template, function))["Policies"]}


def statements(template: Template, function: str) -> list[dict[str, Any]]:
    """The statements of a function's policies that allow something."""
    everything = [s for policy in policies(template, function).values() for s in policy["Statement"]]
    return [statement for statement in everything if statement["Effect"] == "Allow"]


def denials(template: Template, function: str) -> list[dict[str, Any]]:
    """The statements of a function's policies that deny something."""
    everything = [s for policy in policies(template, function).values() for s in policy["Statement"]]
    return [statement for statement in everything if statement["Effect"] != "Allow"]


def event_sources(template: Template, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Every event source of a type: function, event, properties."""
    return [
        (function, name, event["Properties"])
        for function, properties in of_type(template, FUNCTION).items()
        for name, event in properties.get("Events", {}).items()
        if event["Type"] == kind
    ]


def code_of(package: str) -> str:
    """The sources of one of the functions' packages."""
    return "\n".join(path.read_text() for path in sorted((ROOT / "functions" / package).glob("*.py")))


def settings_read(source: str) -> set[str]:
    """The settings that sources ask for by name."""
    return set(re.findall(r'(?:setting|open_queue)\(\s*"([A-Z_]+)"', source))
