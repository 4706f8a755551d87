"""The one thing that the portal asks the user pool: whether a user signs in with more than a password."""

from __future__ import annotations

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
