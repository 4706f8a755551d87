"""Problems: what goes wrong in a request, and the one place that turns it into an HTTP answer (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

CONTENT_TYPE = "application/problem+json"
TYPE = "urn:early-results:problem:"
MOST_PLACES = 20  # how many errors of a request one answer names


class Problem(Exception):
    """A request that cannot be done. `kind` is stable and meant for programs, `detail` for people: what to do next."""

    def __init__(self, status: HTTPStatus, kind: str, title: str, detail: str, **more: Any) -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.more = more
        self.headers: dict[str, str | list[str]] = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

    def document(self) -> dict[str, Any]:
        """The problem document."""
        return {
            "type": f"{TYPE}{self.kind}",
            "title": self.title,
            "status": self.status.value,
            "detail": self.detail,
            **self.more,
        }

    def response(self) -> Response[str]:
        """The problem as an HTTP answer."""
        return Response(self.status.value, CONTENT_TYPE, json.dumps(self.document()), dict(self.headers))


def unauthorised() -> Problem:
    """The token is not an access token of this service's own users."""
    return Problem(
        HTTPStatus.UNAUTHORIZED, "not-signed-in", "You are not signed in", "Please sign in again, and then try again."
    )


def unknown_user() -> Problem:
    """The token is good, but the table knows no such user."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "no-access",
        "You do not have access",
        "Your account is not set up for Early Results. Please ask an administrator of your school or trust.",
    )


def codes_needed() -> Problem:
    """An operator signed in with a password alone.

    They must first set up codes of an authenticator app, on the page.
    """
    return Problem(
        HTTPStatus.FORBIDDEN,
        "codes-needed",
        "You need a code to sign in",
        "Operators sign in with a code from an authenticator app besides their password. Please open the page of Early "
        "Results and set yours up; then try again.",
    )


def forbidden(detail: str) -> Problem:
    """The user may not do this."""
    return Problem(HTTPStatus.FORBIDDEN, "not-allowed", "You may not do this", detail)


def no_such_upload() -> Problem:
    """There is no such upload, or the user may not know of it. The answer is the same for both."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "no-such-upload",
        "There is no such upload",
        "It may have been deleted. Please look at your upload history.",
    )


def no_such_service(known: tuple[str, ...]) -> Problem:
    """The service named is not known."""
    return Problem(
        HTTPStatus.NOT_FOUND,
        "no-such-service",
        "There is no such service",
        f"The services are: {', '.join(known)}.",
    )


def not_found(detail: str) -> Problem:
    """Something else that is not there."""
    return Problem(HTTPStatus.NOT_FOUND, "not-found", "Not found", detail)


def method_not_allowed(allowed: list[str]) -> Problem:
    """There is such an address, but not for this method. RFC 9110 asks that the answer names the allowed methods."""
    problem = Problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method-not-allowed",
        "This address does not take that method",
        f"It takes {', '.join(allowed)}.",
    )
    problem.headers["Allow"] = ", ".join(allowed)
    return problem


def bad_request(detail: str, errors: list[dict[str, str]] | None = None) -> Problem:
    """The request is not of the form the API takes; `errors` name each place."""
    more: dict[str, Any] = {"errors": errors} if errors else {}
    return Problem(HTTPStatus.BAD_REQUEST, "bad-request", "The request is not of the right form", detail, **more)


def window_closed(detail: str) -> Problem:
    """No submission window is open."""
    return Problem(HTTPStatus.CONFLICT, "window-closed", "No submission window is open", detail)


def too_many_forms(most: int, seconds: int) -> Problem:
    """The user, or the organisation, has as many open upload forms as are allowed."""
    minutes = -(-seconds // 60)
    problem = Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-uploads",
        "That is too many uploads at once",
        f"At most {most:,} uploads can be under way at a time for one account or organisation. Nothing you uploaded "
        f"has been lost. Please try again in about {minutes} minute{'s' if minutes > 1 else ''}.",
    )
    problem.headers["Retry-After"] = str(seconds)
    return problem


def not_matched(detail: str) -> Problem:
    """An export cannot be matched to the template. `detail` says why, and quotes nothing of the export."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not-matched", "This file cannot be matched", detail)


def not_corrected(detail: str) -> Problem:
    """A file's results cannot be corrected so. `detail` says why, and quotes nothing of the file."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "not-corrected", "This cannot be corrected here", detail)


def roster_changed(year_group: str) -> Problem:
    """The school's pupil list is another than the one that the corrections were made by."""
    return Problem(
        HTTPStatus.CONFLICT,
        "roster-changed",
        "Your pupil list has changed",
        f"A newer list of your {year_group} pupils has come from your MIS meanwhile. Nothing has been uploaded. Please "
        "check the corrections by the new list, and then select Check again.",
    )


def too_many_requests(seconds: int) -> Problem:
    """The user has made as many requests this minute as are allowed."""
    problem = Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        "too-many-requests",
        "That is too many requests",
        "Your account has asked for too much in one minute. Nothing you sent has been lost. Please wait a minute, and "
        "then try again.",
    )
    problem.headers["Retry-After"] = str(seconds)
    return problem


def still_checking() -> Problem:
    """An upload that is awaited or being checked cannot be deleted yet."""
    return Problem(
        HTTPStatus.CONFLICT,
        "still-checking",
        "This file is still being checked",
        "Please wait until the check has ended, usually a few seconds, and then delete it.",
    )


def our_fault() -> Problem:
    """Something failed on our side."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "our-fault",
        "Something went wrong on our side",
        "Nothing you sent has been lost. Please try again in a moment; if it goes on, contact support.",
    )
