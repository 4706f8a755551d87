"""Who may do what: nothing by wildcard, nothing on another's things, and what MiniStack does not ask for."""

from __future__ import annotations

import json
import re

from portal.contract import document
from tests.openapi import operations

from .reading import (
    FUNCTION,
    ROOT,
    Template,
    arn,
    denials,
    event_sources,
    listed,
    of_type,
    policies,
    props,
    role_of,
    statements,
)

# MiniStack asks for sqs:SendMessageBatch, which is no action of AWS's; this covers it.
WILDCARD_ACTIONS = {"sqs:SendMessage*"}
# What a file leaves in the results bucket: its deletion removes all of it.
RESULTS = [{"Fn::Sub": f"${{ResultsBucket.Arn}}/{prefix}/*"} for prefix in ("findings", "extracts", "reports")]
# Who look up what a user may do: the freeze as it adopts an object whose record was lost.
WITH_USERS = {"ValidateFunction", "RescueFunction", "PortalFunction", "FreezeFunction"}
# And who write to them.
WITH_USERS |= {"NoticeFunction", "TellFunction"}
# What is allowed on narrower terms than a resource's name can say.
ON_TERMS = {
    "LedgerAlone": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["TOLD#*"]}},
    "SendAsOurselves": {"StringEquals": {"ses:FromAddress": {"Ref": "MailFrom"}}},
}


def test_every_statement_allows_named_actions_on_named_things(template: Template) -> None:
    for function in of_type(template, FUNCTION):
        assert set(policies(template, function)) == {"runs", "works"}, function
        for policy in policies(template, function).values():
            assert policy["Version"] == "2012-10-17", function
        for statement in statements(template, function):
            assert statement["Effect"] == "Allow", function
            assert statement.pop("Condition", None) == ON_TERMS.get(statement["Sid"]), function
            assert set(statement) == {"Sid", "Effect", "Action", "Resource"}, function
            for action in listed(statement["Action"]):
                assert "*" not in action or action in WILDCARD_ACTIONS, (function, action)
            for resource in listed(statement["Resource"]):
                if statement["Sid"] != "Trace":
                    _is_named(function, resource)


def _is_named(function: str, resource: object) -> None:
    assert isinstance(resource, dict), (function, resource)
    if "Fn::Sub" in resource:
        text = resource["Fn::Sub"]
        if text.startswith("arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"):
            assert text.rpartition(":")[2] in ("identity/${EmailIdentity}", "configuration-set/${MailSet}"), text
            return
        assert text.startswith("${"), (function, text)
        assert not text.endswith(".Arn}/*"), (function, text)
    else:
        assert resource["Fn::GetAtt"][1] in ("Arn", "StreamArn"), (function, resource)


def test_functions_log_into_a_group_of_their_own_and_trace_and_take_from_their_own_queues(template: Template) -> None:
    queues: dict[str, list[object]] = {}
    for function, _, event in event_sources(template, "SQS"):
        queues.setdefault(function, []).append(event["Queue"])
    streams = {function: event["Stream"] for function, _, event in event_sources(template, "DynamoDB")}
    for function, properties in of_type(template, FUNCTION).items():
        found = {s["Sid"]: (listed(s["Action"]), listed(s["Resource"])) for s in _runs(template, function)}
        wanted: dict[str, tuple[list[str], list[object]]] = {
            "Log": (
                ["logs:CreateLogStream", "logs:PutLogEvents"],
                [arn(properties["LoggingConfig"]["LogGroup"]["Ref"])],
            ),
            "Trace": (["xray:PutTraceSegments", "xray:PutTelemetryRecords"], ["*"]),
        }
        if function in queues:
            taken = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            wanted["Receive"] = (taken, queues[function])
        if function in streams:
            read = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
            wanted["ReadStream"] = (read, [streams[function]])
            wanted["FindStream"] = (["dynamodb:ListStreams"], [{"Fn::Sub": "${Table.Arn}/stream/*"}])
        assert found == wanted, function


def _runs(template: Template, function: str) -> list[dict[str, object]]:
    return [s for s in policies(template, function)["runs"]["Statement"] if s["Effect"] == "Allow"]


def test_who_looks_up_no_user_reads_and_writes_none(template: Template) -> None:
    for function in of_type(template, FUNCTION):
        denied = denials(template, function)
        if function in WITH_USERS:
            assert denied == [], function
            continue
        [denial] = denied
        assert denial == {
            "Sid": "NobodyIsLookedUp",
            "Effect": "Deny",
            "Action": "dynamodb:*",
            "Resource": [arn("Table"), {"Fn::Sub": "${Table.Arn}/index/*"}],
            "Condition": {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]}},
        }, function


def test_only_the_code_that_looks_users_up_names_their_items() -> None:
    """Who may not read users never asks for one: the code of those functions reaches no key of theirs."""
    asking = re.compile(r"user_of\(|keys\.user\(")
    named = {path.name for path in (ROOT / "functions" / "workflow").glob("*.py") if asking.search(path.read_text())}
    assert named == {"check_upload.py", "adopt_object.py", "tell_person.py", "find_news.py"}


def test_only_the_tell_function_sends_and_only_as_the_deployments_own_sender(template: Template) -> None:
    may = {f: s for f in of_type(template, FUNCTION) for s in statements(template, f) if "ses:" in str(s["Action"])}
    assert set(may) == {"TellFunction"}
    assert may["TellFunction"]["Action"] == "ses:SendEmail"
    ours = "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:"
    on = [{"Fn::Sub": f"{ours}identity/${{EmailIdentity}}"}, {"Fn::Sub": f"{ours}configuration-set/${{MailSet}}"}]
    assert may["TellFunction"]["Resource"] == on
    # The right that MiniStack needs is on everything, and is not there on AWS.
    anyhow = template["Resources"]["SendAnyhow"]
    assert anyhow["Condition"] == "SendsAnyhow"
    off = {"Fn::Equals": [{"Ref": "SenderAlone"}, "false"]}
    assert template["Conditions"]["SendsAnyhow"] == {"Fn::And": [{"Condition": "Tells"}, off]}
    assert template["Parameters"]["SenderAlone"]["Default"] == "true"
    assert anyhow["Properties"]["Roles"] == [{"Ref": "TellRole"}]
    everything = {"Sid": "SendAnyhow", "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*"}
    assert anyhow["Properties"]["PolicyDocument"] == {"Version": "2012-10-17", "Statement": [everything]}


def test_what_a_deletion_removes_from_the_results_is_named_by_prefix(template: Template) -> None:
    for function in ("FreezeFunction", "PortalFunction"):
        removes = [s for s in statements(template, function) if "s3:DeleteObject" in listed(s["Action"])]
        assert [statement["Resource"] for statement in removes] == [RESULTS], function


def test_the_dataset_function_writes_releases_and_their_records_and_removes_releases_alone(template: Template) -> None:
    writes = {
        (action, resource["Fn::Sub"])
        for statement in statements(template, "DatasetFunction")
        for action in listed(statement["Action"])
        if action.startswith(("s3:Put", "s3:Delete"))
        for resource in listed(statement["Resource"])
    }
    assert writes == {
        ("s3:PutObject", "${RecordsBucket.Arn}/releases/*"),
        ("s3:PutObject", "${ResultsBucket.Arn}/dataset/*"),
        ("s3:DeleteObject", "${ResultsBucket.Arn}/dataset/*"),
    }
    [tables] = [s for s in statements(template, "DatasetFunction") if "Table" in str(s["Resource"])]
    assert tables["Action"] == ["dynamodb:GetItem", "dynamodb:Query"]
    # S3 answers 403 for what is not there to who may not list, and what is not there decides what a run does.
    [lists] = [s for s in statements(template, "DatasetFunction") if "s3:ListBucket" in listed(s["Action"])]
    assert lists["Resource"] == [arn("RecordsBucket"), arn("ResultsBucket")]


def test_the_overview_function_writes_and_removes_overviews_alone(template: Template) -> None:
    objects = {
        (action, resource["Fn::Sub"])
        for statement in statements(template, "OverviewFunction")
        for action in listed(statement["Action"])
        if action.startswith(("s3:Put", "s3:Delete", "s3:Get"))
        for resource in listed(statement["Resource"])
    }
    assert objects == {
        ("s3:GetObject", "${RecordsBucket.Arn}/figures/*"),  # neither a file nor an extract: sums are enough
        ("s3:PutObject", "${ResultsBucket.Arn}/overviews/*"),
        ("s3:GetObject", "${ResultsBucket.Arn}/overviews/*"),
        ("s3:DeleteObject", "${ResultsBucket.Arn}/overviews/*"),
    }
    [lists] = [s for s in statements(template, "OverviewFunction") if "s3:ListBucket" in listed(s["Action"])]
    assert lists["Resource"] == [arn("RecordsBucket"), arn("ResultsBucket")]


def test_lambda_alone_takes_on_a_functions_role(template: Template) -> None:
    for function in of_type(template, FUNCTION):
        policy = props(template, role_of(template, function))["AssumeRolePolicyDocument"]
        [statement] = policy["Statement"]
        assert policy["Version"] == "2012-10-17", function
        assert statement["Effect"] == "Allow", function
        assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}, function
        assert statement["Action"] == "sts:AssumeRole", function


def test_statements_are_named_once(template: Template) -> None:
    for function in of_type(template, FUNCTION):
        names = [statement["Sid"] for statement in statements(template, function)]
        assert len(names) == len(set(names)), function


def test_nobody_removes_records_or_lifts_their_lock(template: Template) -> None:
    for function in of_type(template, FUNCTION):
        for statement in statements(template, function):
            actions = set(listed(statement["Action"]))
            assert not actions & {"s3:BypassGovernanceRetention", "s3:PutObjectRetention", "s3:PutBucketPolicy"}, (
                function
            )
            removes = actions & {"s3:DeleteObject", "s3:DeleteObjectVersion"}
            touched = str(statement["Resource"])
            assert not removes or "RecordsBucket" not in touched, function
            # A version that counts is never replaced by a delete marker: what is removed is removed by version.
            assert "s3:DeleteObject" not in actions or "UploadsBucket" not in touched, function


def test_who_writes_once_may_read_back_what_was_there_already(template: Template) -> None:
    for function in of_type(template, FUNCTION):
        for statement in statements(template, function):
            if "s3:PutObject" in listed(statement["Action"]) and "RecordsBucket" in str(statement["Resource"]):
                assert "s3:GetObject" in listed(statement["Action"]), function


def test_check_and_sweep_may_read_who_sent_an_object_that_has_no_record(template: Template) -> None:
    for function in ("ValidateFunction", "RescueFunction", "FreezeFunction"):
        may = [s for s in statements(template, function) if "s3:GetObjectVersion" in listed(s["Action"])]
        assert {"Fn::Sub": "${UploadsBucket.Arn}/uploads/*"} in [s["Resource"] for s in may], function


def test_what_is_not_there_can_be_told_from_what_may_not_be_read(template: Template) -> None:
    for function in ("ValidateFunction", "RescueFunction", "PortalFunction"):
        may_list = [s for s in statements(template, function) if "s3:ListBucket" in listed(s["Action"])]
        on = [resource for statement in may_list for resource in listed(statement["Resource"])]
        assert on == [arn("UploadsBucket"), arn("ResultsBucket")], function
    [lists] = [s for s in statements(template, "BuildFunction") if "s3:ListBucket" in listed(s["Action"])]
    assert lists["Resource"] == arn("ResultsBucket")


def test_records_given_up_may_be_sent_to_their_queue(template: Template) -> None:
    for function, queue in (("SupersedeFunction", "StreamFailureQueue"), ("NoticeFunction", "NoticeFailureQueue")):
        may = [s for s in statements(template, function) if listed(s["Action"]) == ["sqs:SendMessage"]]
        assert [s["Resource"] for s in may] == [arn(queue)], function


def test_only_the_http_api_calls_the_portal(template: Template) -> None:
    [permission] = of_type(template, "AWS::Lambda::Permission").values()
    assert permission["Action"] == "lambda:InvokeFunction"
    assert permission["FunctionName"] == {"Ref": "PortalFunction"}
    assert permission["Principal"] == "apigateway.amazonaws.com"
    source = permission["SourceArn"]["Fn::Sub"]
    assert source == "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"


def test_the_api_is_for_signed_in_users_and_only_the_page_and_the_contract_are_for_all(template: Template) -> None:
    routes = of_type(template, "AWS::ApiGatewayV2::Route")
    asked = {route["RouteKey"]: route["AuthorizationType"] for route in routes.values()}
    assert asked == {
        "ANY /api/{proxy+}": "JWT",
        "GET /api/openapi.json": "NONE",
        "GET /": "NONE",
        "GET /page/{proxy+}": "NONE",
        "GET /{proxy+}": "NONE",
    }
    for name, route in routes.items():
        assert route["ApiId"] == {"Ref": "Api"}, name
        assert route["Target"] == {"Fn::Sub": "integrations/${ApiIntegration}"}, name
        signed = route["AuthorizationType"] == "JWT"
        assert route.get("AuthorizerId") == ({"Ref": "ApiAuthorizer"} if signed else None), name


def test_the_routes_without_a_token_are_those_of_the_contract(template: Template) -> None:
    routes = of_type(template, "AWS::ApiGatewayV2::Route").values()
    open_to_all = {tuple(route["RouteKey"].split()) for route in routes if route["AuthorizationType"] == "NONE"}
    told = {
        (method, f"/api{path}")
        for (method, path), operation in operations(document()).items()
        if operation.get("security") == []
    }
    assert {route for route in open_to_all if route[1].startswith("/api")} == told
    assert ("ANY", "/api/{proxy+}") in {tuple(route["RouteKey"].split()) for route in routes}


def test_tokens_are_of_this_pool_and_for_this_client(template: Template) -> None:
    authorizer = props(template, "ApiAuthorizer")
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["ApiId"] == {"Ref": "Api"}
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]
    jwt = authorizer["JwtConfiguration"]
    assert jwt["Audience"] == [{"Ref": "UserPoolClient"}]
    assert jwt["Issuer"] == {"Fn::Sub": "https://cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}"}


def test_the_api_hands_every_request_to_the_portal(template: Template) -> None:
    assert props(template, "Api")["ProtocolType"] == "HTTP"
    integration = props(template, "ApiIntegration")
    assert integration["ApiId"] == {"Ref": "Api"}
    assert integration["IntegrationType"] == "AWS_PROXY"
    assert integration["IntegrationUri"] == arn("PortalFunction")
    assert integration["PayloadFormatVersion"] == "2.0"
    stage = props(template, "ApiStage")
    assert (stage["ApiId"], stage["StageName"], stage["AutoDeploy"]) == ({"Ref": "Api"}, "$default", True)
    log = stage["AccessLogSettings"]
    assert log["DestinationArn"] == arn("AccessLogs")
    fields = json.loads(log["Format"])
    assert fields["sub"] == "$context.authorizer.claims.sub"
    assert {"api_request_id", "time", "ip", "sub", "method", "path", "status", "bytes", "error"} == set(fields)
    limits = stage["DefaultRouteSettings"]
    assert limits["ThrottlingBurstLimit"] >= limits["ThrottlingRateLimit"] >= 100
    assert "DetailedMetricsEnabled" not in limits  # seven metrics a route at 0.30 USD a month: the log has as much
