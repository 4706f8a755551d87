"""Functions, queues and events: batches, time-outs, concurrency, retries, schedules, logs, settings."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec
from typing import Any

from infra.operator.deploying import RESERVES, SCALES
from tell.send import SIDE_BY_SIDE

from .reading import (
    FUNCTION,
    QUEUE,
    ROOT,
    Template,
    arn,
    at_scale,
    code_of,
    event_sources,
    number,
    of_type,
    policies,
    props,
    settings_read,
)

POWERTOOLS = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"}
RECEIVES = 5
NOTHING = {"Ref": "AWS::NoValue"}


def test_every_message_queue_hides_messages_six_times_as_long_as_its_function_may_take(template: Template) -> None:
    sources = event_sources(template, "SQS")
    assert len(sources) == 6
    for function, _, event in sources:
        queue = event["Queue"]["Fn::GetAtt"][0]
        hidden = number(template, props(template, queue)["VisibilityTimeout"])
        assert hidden == 6 * number(template, props(template, function)["Timeout"]), (function, queue)


def test_every_queue_is_read_or_is_where_messages_end(template: Template) -> None:
    read = {event["Queue"]["Fn::GetAtt"][0] for _, _, event in event_sources(template, "SQS")}
    last = set(of_type(template, QUEUE)) - read
    assert last == {"UploadParkingQueue", "ReportParkingQueue", "RosterDeadLetterQueue", "StreamFailureQueue"} | {
        "TellDeadLetterQueue",
        "NoticeFailureQueue",
    }
    for name in last:
        assert "RedrivePolicy" not in props(template, name), name


def test_messages_are_received_five_times_and_then_end_in_the_next_queue(template: Template) -> None:
    ends: dict[str, tuple[str, int]] = {}
    for name, queue in of_type(template, QUEUE).items():
        if "RedrivePolicy" in queue:
            policy = queue["RedrivePolicy"]
            ends[name] = (policy["deadLetterTargetArn"]["Fn::GetAtt"][0], policy["maxReceiveCount"])
    assert ends == {
        "UploadQueue": ("UploadDeadLetterQueue", RECEIVES),
        "ReportQueue": ("ReportDeadLetterQueue", RECEIVES),
        "RosterQueue": ("RosterDeadLetterQueue", RECEIVES),
        # SQS goes on counting when it moves a message: five more receives are ten.
        "UploadDeadLetterQueue": ("UploadParkingQueue", 2 * RECEIVES),
        "ReportDeadLetterQueue": ("ReportParkingQueue", 2 * RECEIVES),
        # An account that has sent all that it may send in a day can go on the next: 1,000 times 180 s are 50 hours.
        "TellQueue": ("TellDeadLetterQueue", 1000),
    }


def test_every_queue_is_encrypted_and_keeps_messages_as_long_as_it_may(template: Template) -> None:
    for name, queue in of_type(template, QUEUE).items():
        assert queue["SqsManagedSseEnabled"] is True, name
        assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600, name


def test_every_queue_event_is_one_message_that_reports_its_failure(template: Template) -> None:
    for function, _, event in event_sources(template, "SQS"):
        assert event["BatchSize"] == 1, function
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"], function


def test_the_functions_have_the_concurrency_that_their_queues_may_use(template: Template) -> None:
    for function in {function for function, _, _ in event_sources(template, "SQS")}:
        events = [event for name, _, event in event_sources(template, "SQS") if name == function]
        for scale in SCALES:
            most = [at_scale(event["ScalingConfig"]["MaximumConcurrency"], scale) for event in events]
            assert all(one >= 2 for one in most), "SQS takes no less than two"
            limit = at_scale(props(template, function)["ReservedConcurrentExecutions"], scale)
            assert (limit == NOTHING) if scale == "trial" else limit >= sum(most), (function, scale)


def test_the_scales_reserve_what_they_say(template: Template) -> None:
    conditions = template["Conditions"]
    assert conditions["Full"] == {"Fn::Equals": [{"Ref": "Scale"}, "full"]}
    assert conditions["Reserves"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Scale"}, "trial"]}]}
    assert set(template["Parameters"]["Scale"]["AllowedValues"]) == set(SCALES)
    reserved = [f.get("ReservedConcurrentExecutions", NOTHING) for f in of_type(template, FUNCTION).values()]
    for scale, wanted in RESERVES.items():
        found = [at_scale(value, scale) for value in reserved]
        assert sum(value for value in found if value != NOTHING) == wanted, scale
        told = template["Parameters"]["Scale"]["Description"]
        assert scale == "trial" or f"reserves {wanted}" in told, scale


def test_a_deadlines_files_are_checked_fifty_at_once(template: Template) -> None:
    [event] = [e for f, _, e in event_sources(template, "SQS") if f == "ValidateFunction"]
    assert event["ScalingConfig"]["MaximumConcurrency"] == {"Fn::If": ["Full", 50, 4]}


def test_the_freeze_never_runs_beside_itself_and_is_retried_by_its_schedule_alone(template: Template) -> None:
    freeze = props(template, "FreezeFunction")
    assert freeze["ReservedConcurrentExecutions"] == {"Fn::If": ["Reserves", 1, NOTHING]}
    # Without an age of its own Lambda keeps an event that is held back for six hours, whatever the retries.
    assert freeze["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


def test_the_data_set_is_made_by_one_run_at_a_time_that_its_schedule_alone_retries(template: Template) -> None:
    dataset = props(template, "DatasetFunction")
    assert dataset["ReservedConcurrentExecutions"] == {"Fn::If": ["Reserves", 1, NOTHING]}
    assert dataset["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert dataset["Timeout"] == 900
    [(function, name, event)] = [e for e in event_sources(template, "ScheduleV2") if e[0] == "DatasetFunction"]
    assert (function, name) == ("DatasetFunction", "Release")
    assert event["ScheduleExpression"] == _in_season("ReleaseSchedule")
    assert event["ScheduleExpressionTimezone"] == "Europe/London"
    assert event["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert json.loads(event["Input"]) == {"run": "release"}
    assert event["Name"] == {"Fn::Sub": "${AWS::StackName}-release"}
    assert template["Parameters"]["ReleaseSchedule"]["Default"] == "cron(2/5 * * * ? *)"


def test_reports_of_many_schools_are_made_by_one_run_at_a_time_that_its_schedule_alone_retries(
    template: Template,
) -> None:
    overview = props(template, "OverviewFunction")
    assert overview["ReservedConcurrentExecutions"] == {"Fn::If": ["Reserves", 1, NOTHING]}
    assert overview["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert overview["Timeout"] == 300
    assert overview["Layers"] == [{"Ref": "TypstLayer"}]
    [(_, name, event)] = [e for e in event_sources(template, "ScheduleV2") if e[0] == "OverviewFunction"]
    assert name == "Overview"
    assert event["ScheduleExpression"] == _in_season("OverviewSchedule")
    assert event["ScheduleExpressionTimezone"] == "Europe/London"
    assert event["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert json.loads(event["Input"]) == {"run": "overview"}
    assert event["Name"] == {"Fn::Sub": "${AWS::StackName}-overview"}
    assert template["Parameters"]["OverviewSchedule"]["Default"] == "cron(4/5 * * * ? *)"


def test_the_freeze_and_the_reports_are_two_functions(template: Template) -> None:
    handlers = {name: props(template, name)["Handler"] for name in ("FreezeFunction", "BuildFunction")}
    assert handlers == {"FreezeFunction": "report.freeze.handler", "BuildFunction": "report.build.handler"}


def test_the_schedules_are_in_london_time(template: Template) -> None:
    schedules = {
        name: event for function, name, event in event_sources(template, "ScheduleV2") if function == "FreezeFunction"
    }
    assert set(schedules) == {"Noon", "Sweep"}
    for name, event in schedules.items():
        # The noon hour is watched all year: a window that somebody forgot is frozen all the same.
        always: dict[str, Any] = {"Ref": "NoonSchedule"}
        assert event["ScheduleExpression"] == (always if name == "Noon" else _in_season(f"{name}Schedule"))
        assert event["ScheduleExpressionTimezone"] == "Europe/London", name
        assert event["RetryPolicy"] == {"MaximumRetryAttempts": 0}, name
        assert json.loads(event["Input"]) == {"run": name.lower()}
        # A name that SAM makes is the same in every stack, and one account may hold several.
        assert event["Name"] == {"Fn::Sub": f"${{AWS::StackName}}-{name.lower()}"}
    assert template["Parameters"]["NoonSchedule"]["Default"] == "cron(* 12 * * ? *)"
    assert template["Parameters"]["SweepSchedule"]["Default"] == "cron(0/5 * * * ? *)"


def test_the_stream_brings_good_files_that_wait_for_their_offer_and_nothing_else(template: Template) -> None:
    [event] = [e for function, _, e in event_sources(template, "DynamoDB") if function == "SupersedeFunction"]
    assert event["Stream"] == {"Fn::GetAtt": ["Table", "StreamArn"]}
    [only] = event["FilterCriteria"]["Filters"]
    pattern = json.loads(only["Pattern"])
    assert set(pattern["eventName"]) == {"INSERT", "MODIFY"}
    assert pattern["dynamodb"] == {"NewImage": {"offer_pending": {"S": [{"exists": True}]}}}
    assert event["StartingPosition"] == "TRIM_HORIZON"


def test_a_bad_record_does_not_hold_back_the_stream(template: Template) -> None:
    [event] = [e for function, _, e in event_sources(template, "DynamoDB") if function == "SupersedeFunction"]
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["BisectBatchOnFunctionError"] is True
    assert 1 <= event["MaximumRetryAttempts"] <= 100
    assert 60 <= event["MaximumRecordAgeInSeconds"] <= 86400
    assert event["DestinationConfig"] == {"OnFailure": {"Destination": arn("StreamFailureQueue")}}
    assert event["ParallelizationFactor"] == 10
    assert event["BatchSize"] == 25


def test_the_stream_has_two_readers_and_what_people_are_told_of_never_holds_it_back(template: Template) -> None:
    """More than two readers of a shard may be throttled: DynamoDB Streams' own limit, and the offers must go on."""
    sources = event_sources(template, "DynamoDB")
    assert {function for function, _, _ in sources} == {"SupersedeFunction", "NoticeFunction"}
    [event] = [e for function, _, e in sources if function == "NoticeFunction"]
    files, stragglers = event["FilterCriteria"]["Filters"]
    let_in = {"Keys": {"sk": {"S": [{"prefix": "ADDED#"}]}}}
    assert json.loads(stragglers["Pattern"]) == {"eventName": ["INSERT", "MODIFY"], "dynamodb": let_in}
    pattern = json.loads(files["Pattern"])
    assert pattern["eventName"] == ["MODIFY"]  # a table that is built anew tells nobody anything
    assert pattern["dynamodb"]["Keys"] == {"sk": {"S": ["UPLOAD"]}}
    statuses = pattern["dynamodb"]["NewImage"]["status"]["S"]
    assert set(statuses) == {"SUCCESSFUL", "UPLOAD_ERROR", "OVERWRITTEN"}
    assert event["StartingPosition"] == "LATEST"
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert event["BisectBatchOnFunctionError"] is True
    assert event["MaximumRecordAgeInSeconds"] == 86400  # as long as the stream keeps a record
    assert event["DestinationConfig"] == {"OnFailure": {"Destination": arn("NoticeFailureQueue")}}


def test_without_a_sender_nothing_is_there_that_could_send(template: Template) -> None:
    named = {name for name, value in template["Conditions"].items() if "Tells" in str(value)} | {"Tells"}
    ours = ("Tell", "Notice", "Mail", "AlarmTopicPolicy", "SendAnyhow")
    for name, resource in template["Resources"].items():
        assert (resource.get("Condition") in named) == name.startswith(ours), name
    both = [{"Condition": "HasEmailIdentity"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "MailFrom"}, ""]}]}]
    assert template["Conditions"]["Tells"] == {"Fn::And": both}
    assert template["Parameters"]["MailFrom"]["Default"] == ""
    portal = props(template, "PortalFunction")["Environment"]["Variables"]
    assert portal["TELLS"] == {"Fn::If": ["Tells", "yes", "no"]}


def test_emails_go_out_no_faster_than_one_account_may_send_and_a_try_ends_before_it_is_given_up(
    template: Template,
) -> None:
    tell = props(template, "TellFunction")
    assert tell["Environment"]["Variables"]["TELL_TIMEOUT"] == str(tell["Timeout"])
    [event] = [e for function, _, e in event_sources(template, "SQS") if function == "TellFunction"]
    assert event["ScalingConfig"] == {"MaximumConcurrency": SIDE_BY_SIDE}
    # A wait between two e-mails fits into an invocation, in SES's sandbox too.
    assert SIDE_BY_SIDE / template["Parameters"]["MailsPerSecond"]["MinValue"] < tell["Timeout"]


def test_who_cannot_be_reached_is_told_to_the_operators_and_is_sent_no_more(template: Template) -> None:
    assert props(template, "MailSet")["SuppressionOptions"] == {"SuppressedReasons": ["BOUNCE", "COMPLAINT"]}
    told = props(template, "MailEvents")["EventDestination"]
    assert told["Enabled"] is True
    assert set(told["MatchingEventTypes"]) == {"bounce", "complaint", "reject"}
    assert told["SnsDestination"] == {"TopicARN": {"Ref": "AlarmTopic"}}
    assert props(template, "MailEvents")["ConfigurationSetName"] == {"Ref": "MailSet"}
    # SES tries the topic when it is told of it: the right must be there before.
    assert template["Resources"]["MailEvents"]["DependsOn"] == ["AlarmTopicPolicy"]
    policy = props(template, "AlarmTopicPolicy")
    assert policy["Topics"] == [{"Ref": "AlarmTopic"}]
    assert policy["PolicyDocument"]["Version"] == "2012-10-17"
    # A topic's own policy goes when it is given another: CloudWatch's right must be said again, or no alarm arrives.
    alarms, mails = policy["PolicyDocument"]["Statement"]
    account, ours = {"Ref": "AWS::AccountId"}, "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
    for statement, who in ((alarms, "cloudwatch.amazonaws.com"), (mails, "ses.amazonaws.com")):
        assert (statement["Effect"], statement["Principal"]) == ("Allow", {"Service": who})
        assert (statement["Action"], statement["Resource"]) == ("sns:Publish", {"Ref": "AlarmTopic"})
    assert alarms["Condition"] == {"StringEquals": {"aws:SourceAccount": account}}
    only = {"AWS:SourceAccount": account, "AWS:SourceArn": {"Fn::Sub": f"{ours}configuration-set/${{MailSet}}"}}
    assert mails["Condition"] == {"StringEquals": only}


def test_who_looks_for_news_is_retried_by_its_schedule_and_its_stream_alone(template: Template) -> None:
    notice = props(template, "NoticeFunction")
    assert notice["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert template["Parameters"]["LookSchedule"]["Default"] == "cron(4/5 * * * ? *)"
    [event] = [e for function, _, e in event_sources(template, "ScheduleV2") if function == "NoticeFunction"]
    assert event["ScheduleExpression"] == _in_season("LookSchedule")
    assert event["ScheduleExpressionTimezone"] == "Europe/London"
    assert event["RetryPolicy"] == {"MaximumRetryAttempts": 0}
    assert json.loads(event["Input"]) == {"run": "look"}
    assert event["Name"] == {"Fn::Sub": "${AWS::StackName}-look"}


def _in_season(schedule: str) -> dict[str, Any]:
    """A schedule that is a parameter's while a season is on, and once a night otherwise."""
    return {"Fn::If": ["InSeason", {"Ref": schedule}, "cron(30 3 * * ? *)"]}


def test_users_are_on_the_plan_that_has_all_that_is_used_and_no_more(template: Template) -> None:
    assert props(template, "UserPool")["UserPoolTier"] == {"Ref": "UserPoolTier"}
    assert template["Parameters"]["UserPoolTier"]["Default"] == "LITE"
    # Codes by e-mail, passkeys and threat protection would need another.
    assert props(template, "UserPool")["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]
    flows = str(props(template, "UserPoolClient")["ExplicitAuthFlows"])
    assert "ALLOW_USER_AUTH" not in flows


def test_a_season_is_on_unless_somebody_says_that_it_is_over(template: Template) -> None:
    assert template["Parameters"]["Season"]["Default"] == "on"
    conditions = template["Conditions"]
    assert conditions["InSeason"] == {"Fn::Equals": [{"Ref": "Season"}, "on"]}
    assert conditions["OutOfSeason"] == {"Fn::Not": [{"Condition": "InSeason"}]}
    assert conditions["TellsInSeason"] == {"Fn::And": [{"Condition": "Tells"}, {"Condition": "InSeason"}]}
    assert template["Outputs"]["Season"]["Value"] == {"Ref": "Season"}


def test_every_handler_is_there(template: Template) -> None:
    for name, function in of_type(template, FUNCTION).items():
        module, attribute = function["Handler"].rsplit(".", 1)
        assert find_spec(module), name
        assert f"def {attribute}(" in code_of(module.split(".")[0]), name


def test_validate_and_rescue_are_the_same_code_with_the_same_rights(template: Template) -> None:
    validate, rescue = props(template, "ValidateFunction"), props(template, "RescueFunction")
    assert (validate["Handler"], rescue["Handler"]) == ("validate.app.handler", "validate.app.rescue")
    assert policies(template, "ValidateFunction")["works"] == policies(template, "RescueFunction")["works"]
    assert rescue["MemorySize"] > validate["MemorySize"]
    assert number(template, rescue["Timeout"]) > number(template, validate["Timeout"])


def test_memory_and_time_are_chosen(template: Template) -> None:
    for name, function in of_type(template, FUNCTION).items():
        assert 512 <= function["MemorySize"] <= 10240, name
        assert 20 <= number(template, function["Timeout"]) <= 900, name
    # The API gives up on a request after 30 seconds.
    assert number(template, props(template, "PortalFunction")["Timeout"]) < 30


def test_runtime_architecture_and_tracing_are_those_of_all(template: Template) -> None:
    shared = template["Globals"]["Function"]
    assert shared["CodeUri"] == "functions/"
    assert shared["Runtime"] == {"Ref": "Runtime"}
    assert shared["Architectures"] == [{"Ref": "Architecture"}]
    assert shared["Tracing"] == "Active"


def test_every_function_logs_json_to_a_group_of_its_own_that_does_not_grow_for_ever(template: Template) -> None:
    assert template["Globals"]["Function"]["LoggingConfig"] == {"LogFormat": "JSON"}
    used = []
    for name, function in of_type(template, FUNCTION).items():
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name
        used.append(function["LoggingConfig"]["LogGroup"]["Ref"])
    groups = of_type(template, "AWS::Logs::LogGroup")
    assert sorted([*used, "AccessLogs"]) == sorted(groups)
    for name, group in groups.items():
        assert group == {"RetentionInDays": {"Ref": "LogRetentionDays"}}, name


def test_only_functions_that_build_reports_carry_the_pdf_compiler(template: Template) -> None:
    carried = {n: f["Layers"] for n, f in of_type(template, FUNCTION).items() if "Layers" in f}
    assert carried == {name: [{"Ref": "TypstLayer"}] for name in ("BuildFunction", "OverviewFunction")}
    layer = props(template, "TypstLayer")
    # The parameter picks the folder, and the folder's Makefile the wheel: they cannot say different things.
    assert layer["ContentUri"] == {"Fn::Sub": "infra/typst-layer/${Architecture}"}
    assert template["Resources"]["TypstLayer"]["Metadata"] == {
        "BuildMethod": "makefile",
        "BuildArchitecture": {"Ref": "Architecture"},
    }
    machines = {"arm64": "aarch64", "x86_64": "x86_64"}
    assert set(template["Parameters"]["Architecture"]["AllowedValues"]) == set(machines)
    for architecture, machine in machines.items():
        makefile = (ROOT / "infra" / "typst-layer" / architecture / "Makefile").read_text()
        assert re.findall(r"--python-platform (\S+)", makefile) == [f"{machine}-unknown-linux-gnu"]
    assert layer["CompatibleRuntimes"] == [{"Ref": "Runtime"}]
    assert layer["CompatibleArchitectures"] == [{"Ref": "Architecture"}]


def test_every_setting_that_is_read_is_set_and_every_one_set_is_read(template: Template) -> None:
    shared: dict[str, Any] = template["Globals"]["Function"]["Environment"]["Variables"]
    of_all = settings_read(code_of("adapters"))
    assert set(shared) - POWERTOOLS == of_all
    # The portal deletes with the report's purging, and supersede's joining: neither asks for settings of its own.
    packages = {"validate": ("ValidateFunction", "RescueFunction"), "supersede": ("SupersedeFunction",)}
    packages |= {
        "report": ("FreezeFunction", "BuildFunction"),
        "roster": ("RosterFunction",),
        "dataset": ("DatasetFunction",),
        "overview": ("OverviewFunction",),
        "tell": ("NoticeFunction", "TellFunction"),
        "portal": ("PortalFunction",),
    }
    assert {f for functions in packages.values() for f in functions} == set(of_type(template, FUNCTION))
    for package, functions in packages.items():
        own = [props(template, function)["Environment"]["Variables"] for function in functions]
        assert {name for variables in own for name in variables} - POWERTOOLS == settings_read(code_of(package)), (
            package
        )


def test_settings_name_the_things_they_are_called_after(template: Template) -> None:
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    assert {name: value["Ref"] for name, value in shared.items() if name not in POWERTOOLS} == {
        "TABLE": "Table",
        "UPLOADS_BUCKET": "UploadsBucket",
        "RESULTS_BUCKET": "ResultsBucket",
        "RECORDS_BUCKET": "RecordsBucket",
        "GRACE_SECONDS": "GraceSeconds",
        "SWEEP_AGE_SECONDS": "SweepAgeSeconds",
        "STALLED_SECONDS": "StalledSeconds",
        "MAX_UPLOAD_BYTES": "MaxUploadBytes",
        "SUPPORT_EMAIL": "SupportEmail",
        "SUPPORT_TELEPHONE": "SupportTelephone",
        "SUPPORT_HOURS": "SupportHours",
    }
    assert shared["POWERTOOLS_METRICS_NAMESPACE"] == "EarlyResults"
    names = {
        n: f["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"] for n, f in of_type(template, FUNCTION).items()
    }
    assert names == {name: name.removesuffix("Function").lower() for name in names}
