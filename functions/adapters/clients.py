"""The SDK's low-level clients, one of each in a container. Retries are the SDK's standard ones.

They are made by botocore. `boto3.client` makes the same clients, but imports the transfer manager of S3, which nothing
here uses and which takes a tenth of a cold start.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session, get_session

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5},
    connect_timeout=3,
    read_timeout=20,
    max_pool_connections=32,
)
# Forms and links must name the bucket's host in its region. Unless told so, the SDK signs for S3's global host. There
# S3 redirects requests for a new bucket, and a browser's preflight does not follow a redirect; newer regions answer 400
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingRouting.html). An endpoint by IP address keeps its path.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))


@cache
def _session() -> Session:
    return get_session()


def _client(name: str, config: Config = CONFIG) -> Any:
    return _session().create_client(name, config=config)


@cache
def s3() -> S3Client:
    """The S3 client."""
    client: S3Client = _client("s3", S3_CONFIG)
    return client


@cache
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client."""
    client: DynamoDBClient = _client("dynamodb")
    return client


@cache
def sqs() -> SQSClient:
    """The SQS client."""
    client: SQSClient = _client("sqs")
    return client


@cache
def cognito() -> CognitoIdentityProviderClient:
    """The Cognito client; only operators' requests need it."""
    client: CognitoIdentityProviderClient = _client("cognito-idp")
    return client


@cache
def ses() -> Any:
    """The SES client. It never tries again by itself: SES would send a message twice if only its answer was lost."""
    return _client("sesv2", CONFIG.merge(Config(retries={"total_max_attempts": 1}, read_timeout=10)))
