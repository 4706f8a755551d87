"""boto3 clients: low-level, one of each a container. Retries are the SDK's standard ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

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
# Presigned forms and URLs name the bucket in the path or the host as the endpoint wants it; signed with version 4.
S3_CONFIG = CONFIG.merge(Config(signature_version="s3v4"))


@cache
def s3() -> S3Client:
    """The S3 client."""
    return boto3.client("s3", config=S3_CONFIG)


@cache
def dynamodb() -> DynamoDBClient:
    """The DynamoDB client."""
    return boto3.client("dynamodb", config=CONFIG)


@cache
def sqs() -> SQSClient:
    """The SQS client."""
    return boto3.client("sqs", config=CONFIG)


@cache
def cognito() -> CognitoIdentityProviderClient:
    """The Cognito client."""
    return boto3.client("cognito-idp", config=CONFIG)
