"""Alarms and the dashboard: each watches something that is really emitted, and everything that needs one has one."""

from __future__ import annotations

import json
import re
from typing import Any

from .reading import ALARM, FUNCTION, QUEUE, Template, code_of, of_type, props

# What each service may report, by the package of its handlers. Powertools adds the dimension `service`.
PACKAGES = {
    "validate": "validate",
    "rescue": "validate",
    "supersede": "supersede",
    "freeze": "report",
    "build": "report",
    "roster": "roster",
    "dataset": "dataset",
    "overview": "overview",
    "notice": "tell",
    "tell": "tell",
    "portal": "portal",
}
# Which of a package's handlers reports a metric, where two functions share a package.
NEEDS_NOBODY = {
    "UploadAccepted",
    "UploadRefused",
    "SweptQueuedAgain",
    "SweptOffered",
    "ExtractTakenIn",
    "ReportReady",
    "ReportDeleted",
    "DatasetReleased",
    "OverviewBuilt",
    "NoticeQueued",
    "MailSent",
    "MailHeldBack",
}
NEEDS_SOMEBODY = {
    ("UploadParked", "rescue"),
    ("ObjectUnattributed", "validate"),
    ("ObjectUnattributed", "rescue"),
    ("ObjectUnattributed", "freeze"),
    ("ReplayUnderTombstone", "validate"),
    ("ReplayUnderTombstone", "rescue"),
    ("Straggler", "supersede"),
    ("Straggler", "freeze"),
    ("ExtractRefused", "roster"),
    ("ReportFailed", "build"),
    ("RequestFailed", "portal"),
    ("DatasetFailed", "dataset"),
    ("DatasetBehind", "dataset"),
    ("OverviewFailed", "overview"),
    ("OverviewBehind", "overview"),
    ("MailRefused", "tell"),
    ("MailGivenUp", "tell"),
    ("FreezeWaitsFor", "freeze"),
    ("FreezeOverdueMinutes", "freeze"),
}


def _emitted(package: str) -> set[str]:
    """The metrics that a package's code names."""
    source = code_of(package)
    tables = re.findall(r"METRICS = \{(.*?)\}", source, re.DOTALL)
    return set(re.findall(r'add_metric\(\s*"(\w+)"', source)) | {n for t in tables for n in re.findall(r'"(\w+)"', t)}


def _alarms(template: Template, namespace: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The alarms on a namespace by metric and the value of their one dimension."""
    found = {}
    for alarm in of_type(template, ALARM).values():
        if alarm["Namespace"] == namespace and "Dimensions" in alarm:
            [dimension] = alarm["Dimensions"]
            found[alarm["MetricName"], _name(dimension["Value"])] = alarm
    return found


def _name(value: Any) -> str:
    """The resource that a dimension's value names, or the text that it is."""
    if not isinstance(value, dict):
        return str(value)
    return str(value["Ref"]) if "Ref" in value else str(value["Fn::GetAtt"][0])


def test_every_metric_in_the_code_is_known_here() -> None:
    known = NEEDS_NOBODY | {metric for metric, _ in NEEDS_SOMEBODY}
    assert {metric for package in set(PACKAGES.values()) for metric in _emitted(package)} == known


def test_everything_an_operator_must_know_of_has_an_alarm(template: Template) -> None:
    assert set(_alarms(template, "EarlyResults")) == NEEDS_SOMEBODY
    for metric, service in NEEDS_SOMEBODY:
        assert metric in _emitted(PACKAGES[service]), (metric, service)
    services = {f["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for f in of_type(template, FUNCTION).values()}
    assert services == set(PACKAGES)
    assert template["Globals"]["Function"]["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"] == "EarlyResults"


def test_every_alarm_tells_somebody_at_once(template: Template) -> None:
    for name, alarm in of_type(template, ALARM).items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
        assert alarm["AlarmDescription"].endswith("."), name
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 900, name
        assert alarm["Statistic"] in ("Sum", "Maximum", "Minimum"), name


def test_one_of_our_own_metrics_is_enough(template: Template) -> None:
    for (metric, service), alarm in _alarms(template, "EarlyResults").items():
        assert [d["Name"] for d in alarm["Dimensions"]] == ["service"], (metric, service)
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold", (metric, service)
        if metric in ("FreezeOverdueMinutes", "DatasetBehind", "OverviewBehind"):
            continue
        assert (alarm["Threshold"], alarm["TreatMissingData"]) == (0, "notBreaching"), (metric, service)
        if metric != "FreezeWaitsFor":
            assert (alarm["Statistic"], alarm["EvaluationPeriods"]) == ("Sum", 1), (metric, service)


def test_a_freeze_that_waits_alarms_only_when_it_waits_for_long(template: Template) -> None:
    alarm = _alarms(template, "EarlyResults")["FreezeWaitsFor", "freeze"]
    # Minimum: every run of the period waited. Ten minutes are two runs of the sweep, or ten of the noon hour.
    assert (alarm["Statistic"], alarm["Period"], alarm["EvaluationPeriods"]) == ("Minimum", 300, 2)


def test_a_window_that_closed_and_is_not_frozen_alarms_and_so_does_silence_about_it(template: Template) -> None:
    alarm = _alarms(template, "EarlyResults")["FreezeOverdueMinutes", "freeze"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["TreatMissingData"]) == ("Maximum", 15, "breaching")
    # The sweep's runs are five minutes apart: a period always holds one.
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 3)


def test_a_data_set_that_stays_behind_alarms_and_so_does_silence_about_it(template: Template) -> None:
    alarm = _alarms(template, "EarlyResults")["DatasetBehind", "dataset"]
    # Minimum: every run of a quarter of an hour was behind. Runs are five minutes apart.
    assert (alarm["Statistic"], alarm["Threshold"], alarm["TreatMissingData"]) == ("Minimum", 0, "breaching")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 3)


def test_reports_of_many_schools_that_stay_behind_alarm_and_so_does_silence_about_them(template: Template) -> None:
    alarm = _alarms(template, "EarlyResults")["OverviewBehind", "overview"]
    # Minimum: nothing was built in any run of a quarter of an hour. Runs are five minutes apart.
    assert (alarm["Statistic"], alarm["Threshold"], alarm["TreatMissingData"]) == ("Minimum", 0, "breaching")
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 3)


def test_queues_that_must_be_empty_alarm_when_they_are_not(template: Template) -> None:
    alarms = {n: a for (m, n), a in _alarms(template, "AWS/SQS").items() if m == "ApproximateNumberOfMessagesVisible"}
    assert set(alarms) == set(of_type(template, QUEUE)) - {"UploadQueue", "ReportQueue", "RosterQueue", "TellQueue"}
    for name, alarm in alarms.items():
        assert alarm["Dimensions"][0]["Name"] == "QueueName", name
        assert alarm["Dimensions"][0]["Value"] == {"Fn::GetAtt": [name, "QueueName"]}, name
        assert (alarm["Statistic"], alarm["Threshold"]) == ("Maximum", 0), name
        assert alarm["ComparisonOperator"] == "GreaterThanThreshold", name
        assert alarm["TreatMissingData"] == "notBreaching", name


def test_work_that_waits_for_too_long_alarms(template: Template) -> None:
    ages = {n: a for (m, n), a in _alarms(template, "AWS/SQS").items() if m == "ApproximateAgeOfOldestMessage"}
    assert {name: alarm["Threshold"] for name, alarm in ages.items()} == {
        "UploadQueue": 300,
        "RosterQueue": 900,
        "ReportQueue": 7200,
        "TellQueue": 7200,
    }
    for name, alarm in ages.items():
        assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}]
    ages["offers"] = _alarms(template, "AWS/Lambda")["IteratorAge", "SupersedeFunction"]
    assert ages["offers"]["Threshold"] == 60_000  # milliseconds
    for name, alarm in ages.items():
        assert (alarm["Statistic"], alarm["ComparisonOperator"]) == ("Maximum", "GreaterThanThreshold"), name
        assert alarm["TreatMissingData"] == "notBreaching", name


def test_every_function_alarms_when_it_fails_or_is_held_back(template: Template) -> None:
    alarms, functions = _alarms(template, "AWS/Lambda"), set(of_type(template, FUNCTION))
    assert {name for metric, name in alarms if metric == "Errors"} == functions
    # These are held back by design: they never run beside themselves.
    beside = {"FreezeFunction", "DatasetFunction", "OverviewFunction"}
    # An e-mail may wait: its queue's age has an alarm.
    beside |= {"NoticeFunction", "TellFunction"}
    assert {name for metric, name in alarms if metric == "Throttles"} == functions - beside
    for (metric, name), alarm in alarms.items():
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": name}}]
        if metric in ("Errors", "Throttles"):
            assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 0), name
            assert alarm["ComparisonOperator"] == "GreaterThanThreshold", name
            assert alarm["TreatMissingData"] == "notBreaching", name


def test_a_freeze_that_no_longer_runs_alarms(template: Template) -> None:
    alarm = _alarms(template, "AWS/Lambda")["Invocations", "FreezeFunction"]
    assert (alarm["Statistic"], alarm["Threshold"], alarm["ComparisonOperator"]) == ("Sum", 1, "LessThanThreshold")
    assert alarm["TreatMissingData"] == "breaching"  # a function that never runs has no data at all
    assert alarm["Period"] == 900


def test_the_apis_own_errors_alarm(template: Template) -> None:
    alarm = _alarms(template, "AWS/ApiGateway")["5xx", "Api"]
    assert alarm["Dimensions"][0]["Name"] == "ApiId"
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 0)
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanThreshold", "notBreaching")


def test_alarms_can_be_mailed(template: Template) -> None:
    subscription = template["Resources"]["AlarmSubscription"]
    assert subscription["Condition"] == "HasAlarmEmail"
    assert template["Conditions"]["HasAlarmEmail"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]}
    mail = {"TopicArn": {"Ref": "AlarmTopic"}, "Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}
    assert subscription["Properties"] == mail
    topic = template["Resources"]["AlarmTopic"]
    assert topic["Type"] == "AWS::SNS::Topic"
    # CloudWatch has no rights on the key alias/aws/sns: alarms would go nowhere, in silence.
    assert "KmsMasterKeyId" not in topic.get("Properties", {})


def test_the_dashboard_shows_what_is_emitted(template: Template) -> None:
    body = json.loads(props(template, "Dashboard")["DashboardBody"]["Fn::Sub"])
    shown = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    own = {(name, value) for space, name, _, value in shown if space == "EarlyResults"}
    for metric, service in own:
        assert metric in _emitted(PACKAGES[service]), (metric, service)
    assert {metric for metric, _ in own} == {m for p in set(PACKAGES.values()) for m in _emitted(p)} - {
        "ExtractTakenIn"
    }
    queues = {value for space, _, _, value in shown if space == "AWS/SQS"}
    assert queues == {f"${{{name}.QueueName}}" for name in ("UploadQueue", "ReportQueue", "RosterQueue")}
    assert props(template, "Dashboard")["DashboardName"] == {"Fn::Sub": "${AWS::StackName}"}


def test_while_a_season_is_on_every_alarm_stands_and_otherwise_one_for_all_functions(template: Template) -> None:
    out = {}
    for name, alarm in of_type(template, ALARM).items():
        condition = template["Resources"][name]["Condition"]
        if condition == "OutOfSeason":
            out[name] = alarm
            continue
        ours = any(str(value).startswith(("Tell", "Notice", "tell")) for value in map(_name, _values(alarm)))
        assert condition == ("TellsInSeason" if ours else "InSeason"), name
    assert set(out) == {"OutOfSeasonAlarm"}
    alarm = out["OutOfSeasonAlarm"]
    # Lambda gives this metric without a dimension too: of all functions of the account together.
    assert (alarm["Namespace"], alarm["MetricName"], alarm.get("Dimensions")) == ("AWS/Lambda", "Errors", None)
    assert (alarm["Statistic"], alarm["Threshold"]) == ("Sum", 0)
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("GreaterThanThreshold", "notBreaching")


def _values(alarm: dict[str, Any]) -> list[Any]:
    return [dimension["Value"] for dimension in alarm["Dimensions"]]
