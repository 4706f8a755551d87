"""Buckets, the table and the user pool: what keeps them private, whole and undeleted."""

from __future__ import annotations

from .reading import BUCKET, Template, arn, branches, of_type, props

OWN_ACCOUNT = "-${AWS::AccountId}-${AWS::Region}"
PROTECTED = {"Fn::If": ["Protect", True, False]}


def test_every_bucket_is_private(template: Template) -> None:
    for name, bucket in of_type(template, BUCKET).items():
        block = bucket["PublicAccessBlockConfiguration"]
        names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
        assert [block[n] for n in names] == [True] * 4, name
        assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}, name


def test_every_bucket_is_encrypted(template: Template) -> None:
    for name, bucket in of_type(template, BUCKET).items():
        rules = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert [r["ServerSideEncryptionByDefault"]["SSEAlgorithm"] for r in rules] == ["AES256"], name


def test_what_holds_data_outlives_its_stack(template: Template) -> None:
    for name in (*of_type(template, BUCKET), "Table"):
        resource = template["Resources"][name]
        # Under names that are always the same, what a failed first deployment left behind would block the next one.
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
        assert resource["UpdateReplacePolicy"] == "Retain", name


def test_the_buckets_are_named_for_their_account(template: Template) -> None:
    names = {name: bucket["BucketName"]["Fn::Sub"] for name, bucket in of_type(template, BUCKET).items()}
    assert names == {
        "UploadsBucket": "${AWS::StackName}-uploads" + OWN_ACCOUNT,
        "ResultsBucket": "${AWS::StackName}-results" + OWN_ACCOUNT,
        "RecordsBucket": "${AWS::StackName}-records" + OWN_ACCOUNT,
        "TrailBucket": "${AWS::StackName}-reads" + OWN_ACCOUNT,
    }


def test_every_bucket_refuses_plain_http(template: Template) -> None:
    refused = set()
    for name, policy in of_type(template, "AWS::S3::BucketPolicy").items():
        bucket = policy["Bucket"]["Ref"]
        statement, *more = policy["PolicyDocument"]["Statement"]
        assert not more or name == "TrailBucketPolicy", name
        assert policy["PolicyDocument"]["Version"] == "2012-10-17"
        assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*"), name
        assert statement["Resource"] == [arn(bucket), {"Fn::Sub": f"${{{bucket}.Arn}}/*"}], name
        assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}, name
        assert template["Resources"][name]["Condition"] == ("Trailed" if more else "TlsOnlyOn"), name
        refused.add(bucket)
    assert refused == set(of_type(template, BUCKET))


def test_uploads_and_records_keep_every_version_and_results_none(template: Template) -> None:
    versioned = {
        n for n, b in of_type(template, BUCKET).items() if b.get("VersioningConfiguration") == {"Status": "Enabled"}
    }
    assert versioned == {"UploadsBucket", "RecordsBucket"}
    assert "VersioningConfiguration" not in props(template, "ResultsBucket")


YEAR = {
    "Id": "after-a-year",
    "Status": "Enabled",
    "ExpirationInDays": {"Ref": "DataRetentionDays"},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
}


def test_every_bucket_forgets_in_the_end_and_none_within_a_season(template: Template) -> None:
    rules = {name: b["LifecycleConfiguration"]["Rules"] for name, b in of_type(template, BUCKET).items()}
    assert rules["UploadsBucket"] == [
        {
            "Id": "abandoned-multipart-uploads",
            "Status": "Enabled",
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
        YEAR,
        {"Id": "delete-markers-of-nothing", "Status": "Enabled", "ExpiredObjectDeleteMarker": True},
    ]
    assert rules["ResultsBucket"] == [YEAR]
    assert rules["TrailBucket"] == [
        {"Id": "old-reads", "Status": "Enabled", "ExpirationInDays": {"Ref": "ReadTrailDays"}}
    ]
    unlocked = {
        "Status": "Enabled",
        "ExpirationInDays": {"Ref": "RecordsRetentionDays"},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    }
    # Those that name a user by their id; what a rebuild needs of users themselves stays, and so do the manifests.
    names = ("verdicts", "tombstones", "operations", "amendments", "stragglers", "handovers")
    assert rules["RecordsBucket"] == [{"Id": name, "Prefix": f"{name}/", **unlocked} for name in names]
    parameters = template["Parameters"]
    assert (parameters["DataRetentionDays"]["Default"], parameters["DataRetentionDays"]["MinValue"]) == (400, 366)
    assert (parameters["RecordsRetentionDays"]["Default"], parameters["RecordsRetentionDays"]["MinValue"]) == (
        1100,
        731,
    )
    assert (parameters["ReadTrailDays"]["Default"], parameters["ReadTrailDays"]["MinValue"]) == (400, 30)


def test_who_read_what_is_kept_by_a_trail_of_the_three_buckets(template: Template) -> None:
    assert template["Conditions"]["Trailed"] == {"Fn::Equals": [{"Ref": "ReadTrail"}, "true"]}
    assert template["Parameters"]["ReadTrail"]["Default"] == "true"
    for name in ("Trail", "TrailBucket", "TrailBucketPolicy"):
        assert template["Resources"][name]["Condition"] == "Trailed", name
    assert template["Resources"]["Trail"]["DependsOn"] == "TrailBucketPolicy"
    trail = props(template, "Trail")
    assert (trail["IsLogging"], trail["EnableLogFileValidation"]) == (True, True)
    assert (trail["IncludeGlobalServiceEvents"], trail["IsMultiRegionTrail"]) == (False, False)
    assert trail["S3BucketName"] == {"Ref": "TrailBucket"}
    assert trail["TrailName"] == {"Fn::Sub": "${AWS::StackName}-reads"}
    [selected] = trail["AdvancedEventSelectors"]
    assert selected["FieldSelectors"] == [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": ["AWS::S3::Object"]},
        {
            "Field": "resources.ARN",
            "StartsWith": [
                {"Fn::Sub": f"${{{name}.Arn}}/"} for name in ("UploadsBucket", "ResultsBucket", "RecordsBucket")
            ],
        },
    ]
    _, looks, writes = props(template, "TrailBucketPolicy")["PolicyDocument"]["Statement"]
    account = "${AWS::Partition}:cloudtrail:${AWS::Region}:${AWS::AccountId}"
    ours = {"StringEquals": {"aws:SourceArn": {"Fn::Sub": f"arn:{account}:trail/${{AWS::StackName}}-reads"}}}
    for statement, action, resource in (
        (looks, "s3:GetBucketAcl", arn("TrailBucket")),
        (writes, "s3:PutObject", {"Fn::Sub": "${TrailBucket.Arn}/AWSLogs/${AWS::AccountId}/*"}),
    ):
        assert (statement["Effect"], statement["Action"], statement["Resource"]) == ("Allow", action, resource)
        assert statement["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        assert statement["Condition"] == ours


def test_records_are_locked_and_nothing_else_is(template: Template) -> None:
    records = props(template, "RecordsBucket")
    assert records["ObjectLockEnabled"] is True
    lock = records["ObjectLockConfiguration"]
    assert lock["ObjectLockEnabled"] == "Enabled"
    assert lock["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Years": 2}
    for name in ("UploadsBucket", "ResultsBucket"):
        assert not {"ObjectLockEnabled", "ObjectLockConfiguration"} & set(props(template, name)), name


def test_the_portals_page_may_post_to_the_uploads_bucket(template: Template) -> None:
    [rule] = props(template, "UploadsBucket")["CorsConfiguration"]["CorsRules"]
    assert rule["AllowedMethods"] == ["POST", "GET"]
    own, other = branches(rule["AllowedOrigins"][0])
    assert own == {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}"}
    assert other == {"Ref": "PortalOrigin"}
    assert len(rule["AllowedOrigins"]) == 1
    assert rule["AllowedHeaders"] == ["*"]
    assert set(rule["ExposedHeaders"]) == {"ETag", "x-amz-version-id"}
    assert rule["MaxAge"] == 3000


def test_the_bucket_tells_its_queues_of_every_object_under_their_prefix(template: Template) -> None:
    bucket = props(template, "UploadsBucket")
    told = {}
    for entry in bucket["NotificationConfiguration"]["QueueConfigurations"]:
        assert entry["Event"] == "s3:ObjectCreated:*"
        [rule] = entry["Filter"]["S3Key"]["Rules"]
        assert rule["Name"] == "prefix"
        told[rule["Value"]] = entry["Queue"]
    assert told == {"uploads/": arn("UploadQueue"), "rosters/": arn("RosterQueue")}
    # S3 tries its queues when the notification is made: their policies must stand before.
    assert set(template["Resources"]["UploadsBucket"]["DependsOn"]) == {"UploadQueuePolicy", "RosterQueuePolicy"}


def test_only_the_uploads_bucket_of_this_account_may_send_to_the_queues(template: Template) -> None:
    for queue in ("UploadQueue", "RosterQueue"):
        policy = props(template, f"{queue}Policy")
        assert policy["Queues"] == [{"Ref": queue}]
        assert policy["PolicyDocument"]["Version"] == "2012-10-17"
        [statement] = policy["PolicyDocument"]["Statement"]
        assert statement["Effect"] == "Allow"
        assert statement["Principal"] == {"Service": "s3.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert statement["Resource"] == arn(queue)
        name = props(template, "UploadsBucket")["BucketName"]["Fn::Sub"]
        assert statement["Condition"]["ArnEquals"] == {
            "aws:SourceArn": {"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::{name}"}
        }
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_the_table_is_keyed_and_indexed_as_the_records_are(template: Template) -> None:
    table = props(template, "Table")
    assert _keys(table) == ("pk", "sk")
    indexes = {i["IndexName"]: (_keys(i), i["Projection"]) for i in table["GlobalSecondaryIndexes"]}
    whole, keys_only = {"ProjectionType": "ALL"}, {"ProjectionType": "KEYS_ONLY"}
    assert indexes == {
        "by_school": (("by_school", "order"), whole),
        "by_trust": (("by_trust", "order"), whole),
        "unsettled": (("unsettled", "order"), keys_only),
    }
    defined = {d["AttributeName"]: d["AttributeType"] for d in table["AttributeDefinitions"]}
    assert defined == dict.fromkeys(("pk", "sk", "by_school", "by_trust", "unsettled", "order"), "S")


def _keys(of: dict[str, list[dict[str, str]]]) -> tuple[str, str]:
    found = {key["KeyType"]: key["AttributeName"] for key in of["KeySchema"]}
    return found["HASH"], found["RANGE"]


def test_the_table_can_be_brought_back_and_is_not_deleted_by_a_slip(template: Template) -> None:
    table = props(template, "Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == PROTECTED
    # Another generation is another table: under an unchanged template a deleted one is not made again.
    assert table["TableName"] == {"Fn::Sub": "${AWS::StackName}-${TableGeneration}"}
    assert template["Parameters"]["TableGeneration"]["Default"] == 1
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"  # a deadline is a hundred times a usual hour


def test_the_stream_shows_items_as_they_are_after_the_change(template: Template) -> None:
    assert props(template, "Table")["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}


def test_what_is_on_by_default(template: Template) -> None:
    defaults = {name: parameter["Default"] for name, parameter in template["Parameters"].items()}
    assert defaults["TlsOnly"] == "true"
    assert template["Conditions"]["TlsOnlyOn"] == {"Fn::Equals": [{"Ref": "TlsOnly"}, "true"]}
    assert defaults["AllowPasswordAuth"] == "false"
    assert template["Conditions"]["PasswordAuthOn"] == {"Fn::Equals": [{"Ref": "AllowPasswordAuth"}, "true"]}
    assert defaults["Scale"] == "full"
    # Off in a first deployment, which could not be rolled back: `make deploy` turns it on by a second one.
    assert defaults["Protected"] == "false"
    assert template["Conditions"]["Protect"] == {"Fn::Equals": [{"Ref": "Protected"}, "true"]}
    assert defaults["OperatorsNeedCodes"] == "true"
    assert defaults["RequestsPerMinute"] == 1200
    assert (defaults["Runtime"], defaults["Architecture"]) == ("python3.13", "arm64")
    assert defaults["GraceSeconds"] == 180
    assert defaults["SweepAgeSeconds"] == 60
    # What a file that kills its function takes to be parked: five receives, and three of the rescue function.
    assert defaults["StalledSeconds"] > 5 * defaults["UploadVisibility"] + 3 * defaults["RescueTimeout"] * 4
    assert defaults["MaxUploadBytes"] == 10 * 1024 * 1024
    assert defaults["LogRetentionDays"] == 90
    assert [defaults[n] for n in ("PortalOrigin", "CognitoEndpoint", "AlarmEmail", "EmailIdentity", "EmailFrom")] == [
        ""
    ] * 5
    assert template["Conditions"]["OwnOrigin"] == {"Fn::Equals": [{"Ref": "PortalOrigin"}, ""]}
    assert template["Conditions"]["OwnCognito"] == {"Fn::Equals": [{"Ref": "CognitoEndpoint"}, ""]}


def test_users_are_made_by_administrators_and_cannot_make_themselves_anything(template: Template) -> None:
    pool, client = props(template, "UserPool"), props(template, "UserPoolClient")
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
    assert pool["UsernameAttributes"] == ["email"]
    assert pool["AutoVerifiedAttributes"] == ["email"]
    assert pool["DeletionProtection"] == {"Fn::If": ["Protect", "ACTIVE", "INACTIVE"]}
    assert pool["AccountRecoverySetting"] == {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]}
    # Head@School.example is head@school.example; a pool that was made otherwise stays so for good.
    assert pool["UsernameConfiguration"] == {"CaseSensitive": False}
    assert client["WriteAttributes"] == ["name"]
    assert client["UserPoolId"] == {"Ref": "UserPool"}


def test_a_code_can_be_asked_for_besides_the_password(template: Template) -> None:
    pool = props(template, "UserPool")
    # Not ON, which would ask every school for one. Operators are turned away by the portal until they have theirs.
    assert pool["MfaConfiguration"] == "OPTIONAL"
    assert pool["EnabledMfas"] == ["SOFTWARE_TOKEN_MFA"]


def test_invitations_are_sent_by_ses_where_an_identity_is_named(template: Template) -> None:
    assert template["Conditions"]["HasEmailIdentity"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "EmailIdentity"}, ""]}]}
    condition, named, usual = props(template, "UserPool")["EmailConfiguration"]["Fn::If"]
    assert condition == "HasEmailIdentity"
    assert named == {
        "EmailSendingAccount": "DEVELOPER",
        "SourceArn": {
            "Fn::Sub": "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${EmailIdentity}"
        },
        "From": {"Ref": "EmailFrom"},
    }
    assert usual == {"EmailSendingAccount": "COGNITO_DEFAULT"}


def test_passwords_are_long_and_mixed(template: Template) -> None:
    policy = props(template, "UserPool")["Policies"]["PasswordPolicy"]
    assert policy["MinimumLength"] >= 12
    assert [policy[f"Require{kind}"] for kind in ("Lowercase", "Uppercase", "Numbers")] == [True] * 3
    assert policy["RequireSymbols"] is False


def test_scripts_cannot_sign_in_with_a_password_unless_asked_for(template: Template) -> None:
    asked, usual = branches(props(template, "UserPoolClient")["ExplicitAuthFlows"])
    assert props(template, "UserPoolClient")["ExplicitAuthFlows"]["Fn::If"][0] == "PasswordAuthOn"
    assert set(usual) == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert set(asked) == {*usual, "ALLOW_USER_PASSWORD_AUTH"}


def test_tokens_are_short_lived_and_can_be_revoked(template: Template) -> None:
    client = props(template, "UserPoolClient")
    assert client["TokenValidityUnits"] == {"AccessToken": "minutes", "IdToken": "minutes", "RefreshToken": "days"}
    assert (client["AccessTokenValidity"], client["IdTokenValidity"], client["RefreshTokenValidity"]) == (60, 60, 1)
    assert client["EnableTokenRevocation"] is True
    assert client["PreventUserExistenceErrors"] == "ENABLED"
    assert client["GenerateSecret"] is False  # a page cannot keep one
