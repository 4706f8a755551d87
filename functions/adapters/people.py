"""What is asked of the user pool: whether a user signs in with more than a password, and who there is."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from . import clients
from .errors import OutsideError

CODES = "SOFTWARE_TOKEN_MFA"


def has_codes(pool: str, name: str) -> bool:
    """Whether a user of the pool signs in with codes of an authenticator app: the pool then asks for one each time."""
    try:
        found = clients.cognito().admin_get_user(UserPoolId=pool, Username=name)
    except ClientError as error:
        raise OutsideError("the user pool could not be asked") from error
    return CODES in found.get("UserMFASettingList", [])


def everybody(pool: str) -> Iterator[list[str]]:
    """The `sub` of every user of the pool, sixty at a time: as many as Cognito gives in one answer."""
    pages = clients.cognito().get_paginator("list_users").paginate(UserPoolId=pool, AttributesToGet=["sub"])
    try:
        for page in pages:
            yield [attribute["Value"] for user in page["Users"] for attribute in user.get("Attributes", ())]
    except ClientError as error:
        raise OutsideError("the user pool could not be asked") from error
