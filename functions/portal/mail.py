"""What a user wants to be told by e-mail: shown with who they are, and changed by themselves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapters.errors import Conflict
from adapters.stores import Stores
from early_results import keys
from early_results.access import User
from early_results.telling.notices import Kind
from early_results.telling.wishes import set_wishes, wishes_of

from . import problems

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it
    from .requests import MailWishes


def wishes(stores: Stores, user: User) -> answers.Mail | None:
    """What the user is told. None for an operator, who is told nothing: alarms have a list of their own."""
    if not user.may_upload():
        return None
    return _told(wishes_of(stores.table.get(keys.user(user.sub)) or {}))


def change(stores: Stores, user: User, wanted: MailWishes, *, tells: bool) -> answers.Mail:
    """Keeps what the user wants. Problem (403, 404) where there is nothing to want."""
    if not tells:
        raise problems.not_found("This service tells nobody anything by e-mail.")
    if not user.may_upload():
        raise problems.forbidden("Operators are told of alarms, and of nothing else by e-mail.")
    chosen = {Kind(name): value for name, value in wanted.model_dump().items()}
    try:
        stores.table.write(set_wishes(keys.user(user.sub), chosen))
    except Conflict:
        raise problems.unknown_user() from None  # removed at this moment
    return _told(chosen)


def _told(chosen: dict[Kind, bool]) -> answers.Mail:
    return {
        "verdict": chosen[Kind.VERDICT],
        "reminder": chosen[Kind.REMINDER],
        "frozen": chosen[Kind.FROZEN],
        "report": chosen[Kind.REPORT],
    }
