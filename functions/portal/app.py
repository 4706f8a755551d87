"""The portal's API (DESIGN 8) and the page it serves."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.metrics import MetricUnit

from adapters.logs import open_logger
from adapters.people import has_codes
from adapters.rosters import user_of
from adapters.settings import setting
from adapters.stores import Stores, open_stores
from early_results import ids, keys
from early_results.access import Role, User
from early_results.media import MEDIA_TYPES, XLSX

from . import (
    board,
    changes,
    correcting,
    downloads,
    figures,
    history,
    mail,
    matching,
    overviews,
    page,
    problems,
    pupils,
    services,
    uploading,
)
from .requests import (
    BoardQuery,
    FiguresQuery,
    FindingsQuery,
    OverviewQuery,
    OverviewsQuery,
    Query,
    ReportQuery,
    ReportsQuery,
    TemplateQuery,
    UploadsQuery,
    corrections_request,
    mail_request,
    match_request,
    query_of,
    upload_request,
)

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = open_logger()
metrics = Metrics()
app = APIGatewayHttpResolver()

NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
MOST_LOGGED = 120  # the most characters of a path that the log keeps
# What the log says of the request that is being answered. One at a time: that is how Lambda calls a function.
_noted: dict[str, Any] = {}


@app.exception_handler(problems.Problem)
def _problem(problem: problems.Problem) -> Response[str]:
    return problem.response()


@app.exception_handler(NotFoundError)
def _no_route(_: NotFoundError) -> Response[Any]:
    path = app.current_event.path
    _noted["path"] = None  # a user may have typed it, so it is not logged
    allowed = sorted({route.method for route in [*app._static_routes, *app._dynamic_routes] if route.rule.match(path)})
    if allowed:
        return problems.method_not_allowed(allowed).response()
    if not path.startswith("/api/") and app.current_event.request_context.http.method == "GET":
        return page.no_such_page(path)
    return problems.not_found("There is no such address in this service.").response()


@app.exception_handler(Exception)
def _ours(error: Exception) -> Response[str]:
    logger.error("request failed", exc_info=error)
    metrics.add_metric("RequestFailed", MetricUnit.Count, 1)
    return problems.our_fault().response()


def caller(*, looking: bool = False) -> User:
    """Who is asking: an access token's `sub`, looked up in the table. Problem (401, 403) for anybody else.

    A page that is `looking` asks every few seconds, all day, whether anything changed. A few looks a minute are not
    counted in the table, because counting would cost more than the look.
    """
    claims = app.current_event.request_context.authorizer.jwt_claim or {}
    _noted["sub"] = claims.get("sub")
    if claims.get("token_use") != "access" or not claims.get("sub"):
        raise problems.unauthorised()
    if not (looking and _is_seldom(claims["sub"])):
        _count_request(claims["sub"])
    user = user_of(open_stores(), claims["sub"])
    if user is None:
        raise problems.unknown_user()
    if user.role is Role.OPERATOR and setting("OPERATORS_NEED_CODES") == "true":
        _demand_codes(user.sub)
    return user


UPLOAD_PATH = re.compile(rf"/uploads/({ids.ULID})(?:/|$)")
CODES_LAST = timedelta(minutes=5)  # after this the pool is asked again whether an operator signs in with codes
_with_codes: dict[str, datetime] = {}


def _count_request(sub: str) -> None:
    """Problem (429) for a user who has used up this minute's requests, so that others do not wait because of them."""
    now = int(datetime.now(UTC).timestamp())
    minute = now // 60
    count = open_stores().table.add_one(keys.requests(sub, minute), (minute + 10) * 60)
    if count > int(setting("REQUESTS_A_MINUTE")):
        raise problems.too_many_requests((minute + 1) * 60 - now)


def _demand_codes(sub: str) -> None:
    """Problem (403) for an operator who signs in with a password alone."""
    now = datetime.now(UTC)
    if sub in _with_codes and now < _with_codes[sub]:
        return
    _with_codes.pop(sub, None)
    if not has_codes(setting("USER_POOL_ID"), sub):
        raise problems.codes_needed()
    _with_codes[sub] = now + CODES_LAST


def query(model: type[Query]) -> Query:
    """The query of the request. Problem (400) if it is not of the right form."""
    return query_of(model, dict(app.current_event.query_string_parameters or {}))


def answer(body: Any, status: HTTPStatus = HTTPStatus.OK) -> Response[str]:
    """A JSON answer that nobody caches."""
    return Response(status.value, "application/json", json.dumps(body), dict(NO_STORE))


FREE_LOOKS = 10  # looks a minute: an open page makes four, and one more whenever a file is chosen or sent


class _Looks:
    """How many looks of each user this container has answered in a minute of the clock."""

    def __init__(self) -> None:
        self.minute = 0
        self.by_sub: dict[str, int] = {}

    def another(self, sub: str, minute: int) -> int:
        """Counts one more look of a user, and gives how many there were in this minute."""
        if minute != self.minute:
            self.minute, self.by_sub = minute, {}
        self.by_sub[sub] = self.by_sub.get(sub, 0) + 1
        return self.by_sub[sub]


_looks = _Looks()


def _is_seldom(sub: str) -> bool:
    """Whether this container has answered only few looks of a user this minute."""
    return _looks.another(sub, int(datetime.now(UTC).timestamp()) // 60) <= FREE_LOOKS


def _asking() -> tuple[Stores, User, datetime]:
    return open_stores(), caller(), datetime.now(UTC)


@app.get("/api/openapi.json", compress=True)
def _contract() -> Response[str]:
    from . import contract  # imported only here, since few people read the contract, and seldom

    return contract.serve(_held())


@app.get("/api/me")
def _me() -> Response[str]:
    stores, user, _ = _asking()
    return answer(services.describe_me(stores, user, tells=_tells()))


@app.put("/api/me/mail")
def _mail() -> Response[str]:
    stores, user, _ = _asking()
    return answer(mail.change(stores, user, mail_request(app.current_event.decoded_body), tells=_tells()))


def _tells() -> bool:
    """Whether this deployment sends e-mail."""
    return setting("TELLS") == "yes"


@app.get("/api/services")
def _services() -> Response[str]:
    stores, _, now = _asking()
    return answer(services.describe_services(stores, now))


@app.get("/api/services/<service>/schools")
def _schools(service: str) -> Response[str]:
    stores, user, _ = _asking()
    return answer(services.describe_schools(stores, user, services.service_of(service)))


@app.get("/api/services/<service>/changes")
def _changes(service: str) -> Response[str]:
    stores, user, now = open_stores(), caller(looking=True), datetime.now(UTC)
    return changes.serve(changes.name_of(stores, user, services.service_of(service), now), _held())


@app.get("/api/services/<service>/template")
def _template(service: str) -> Response[bytes]:
    stores, user, now = _asking()
    found = services.service_of(service)
    name, data = services.build_template(stores, user, found, query(TemplateQuery).school, now)
    return _workbook(name, data)


@app.post("/api/services/<service>/match")
def _match(service: str) -> Response[str]:
    stores, user, _ = _asking()
    request = match_request(app.current_event.decoded_body)
    return answer(matching.propose(stores, user, services.service_of(service), request))


@app.post("/api/services/<service>/match/workbook")
def _match_workbook(service: str) -> Response[bytes]:
    stores, user, now = _asking()
    request = match_request(app.current_event.decoded_body)
    name, data = matching.build(stores, user, services.service_of(service), request, now)
    return _workbook(name, data)


@app.post("/api/uploads")
def _upload() -> Response[str]:
    stores, user, now = _asking()
    request = upload_request(app.current_event.decoded_body)
    forms = uploading.issue_forms(stores, user, services.service_of(request.service), request, now)
    _noted["correlation_id"] = [form["upload_id"] for form in forms]
    return answer(forms, HTTPStatus.CREATED)


@app.get("/api/uploads")
def _uploads() -> Response[str]:
    stores, user, now = _asking()
    return answer(history.list_uploads(stores, user, query(UploadsQuery), now))


@app.get("/api/uploads/<upload_id>")
def _one_upload(upload_id: str) -> Response[str]:
    stores, user, _ = _asking()
    return answer(history.one_upload(stores, user, history.find_upload(stores, user, upload_id)))


@app.get("/api/uploads/<upload_id>/file")
def _file(upload_id: str) -> Response[str]:
    stores, user, _ = _asking()
    return answer(downloads.file_link(stores, history.find_upload(stores, user, upload_id)))


@app.get("/api/uploads/<upload_id>/findings")
def _findings(upload_id: str) -> Response[str]:
    stores, user, now = _asking()
    upload = history.find_upload(stores, user, upload_id)
    return answer(downloads.findings_link(stores, user, upload, query(FindingsQuery).format, now))


@app.get("/api/uploads/<upload_id>/pupils")
def _pupils(upload_id: str) -> Response[str]:
    stores, user, _ = _asking()
    return answer(pupils.describe_pupils(stores, user, history.find_upload(stores, user, upload_id)))


@app.get("/api/uploads/<upload_id>/corrections")
def _corrections(upload_id: str) -> Response[str]:
    stores, user, _ = _asking()
    return answer(correcting.describe_corrections(stores, user, history.find_upload(stores, user, upload_id)))


@app.post("/api/uploads/<upload_id>/corrections")
def _corrected(upload_id: str) -> Response[bytes]:
    stores, user, now = _asking()
    upload = history.find_upload(stores, user, upload_id)
    request = corrections_request(app.current_event.decoded_body)
    name, data = correcting.build_corrected(stores, user, upload, request, now)
    return _workbook(name, data)


def _workbook(name: str, data: bytes) -> Response[bytes]:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', **NO_STORE}
    return Response(HTTPStatus.OK.value, XLSX, data, headers)


@app.delete("/api/uploads/<upload_id>")
def _delete(upload_id: str) -> Response[str]:
    stores, user, now = _asking()
    upload = history.find_upload(stores, user, upload_id)
    uploading.delete(stores, user, services.service_of(upload.service), upload, now)
    return Response(HTTPStatus.NO_CONTENT.value, None, "", dict(NO_STORE))


@app.get("/api/reports")
def _reports() -> Response[str]:
    stores, user, now = _asking()
    return answer(services.list_reports(stores, user, query(ReportsQuery), now))


@app.get("/api/reports/<service>/<window>/<school>")
def _report(service: str, window: str, school: str) -> Response[str]:
    stores, user, now = _asking()
    form = query(ReportQuery).format
    return answer(services.report_link(stores, user, services.service_of(service), window, school, form, now))


@app.get("/api/overviews")
def _overviews() -> Response[str]:
    stores, user, now = _asking()
    return answer(overviews.list_overviews(stores, user, query(OverviewsQuery), now))


@app.get("/api/overviews/<service>/<window>")
def _overview(service: str, window: str) -> Response[str]:
    stores, user, now = _asking()
    form = query(OverviewQuery).format
    return answer(overviews.overview_link(stores, user, services.service_of(service), window, form, now))


@app.get("/api/figures/<service>/<window>", compress=True)
def _figures(service: str, window: str) -> Response[str]:
    stores, user, now = _asking()
    found, asked = services.service_of(service), query(FiguresQuery)
    number, page = figures.find_figures(stores, user, found, window, asked, now)
    if asked.format == "json":
        return answer(figures.figures_json(found, number, page))
    headers: dict[str, str | list[str]] = {**NO_STORE, "X-Next-Cursor": page.cursor or ""}
    text = figures.figures_csv(found, number, page.schools)
    return Response(HTTPStatus.OK.value, MEDIA_TYPES["csv"], text, headers)


@app.get("/api/windows/<service>/<window>", compress=True)
def _board(service: str, window: str) -> Response[str]:
    stores, user, now = _asking()
    found = services.service_of(service)
    return answer(board.deadline_board(stores, user, found, window, query(BoardQuery), now))


def _held() -> str | None:
    """The `ETag` of what the browser says it has already."""
    return app.current_event.headers.get("if-none-match")


@app.get("/")
def _page() -> Response[bytes | str]:
    return page.serve(page.PAGE, if_none_match=_held())


@app.get("/page/<version>/<name>")
def _asset(version: str, name: str) -> Response[bytes | str]:
    return page.serve(name, version, _held())


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """A request of the HTTP API. The log says who asked for what, and what became of it: never a query or a body."""
    asked = event["requestContext"]
    _noted.clear()
    _noted.update(sub=None, path=asked["http"]["path"][:MOST_LOGGED])
    answered = app.resolve(event, context)
    upload = UPLOAD_PATH.search(_noted["path"] or "")
    if upload:
        _noted["correlation_id"] = [upload[1]]
    if answered["statusCode"] == HTTPStatus.NOT_MODIFIED.value:
        return answered  # the answer held nothing, so the log need not say who read it
    logger.info(
        "request",
        extra={
            **_noted,
            "method": asked["http"]["method"],
            "status": answered["statusCode"],
            "api_request_id": asked.get("requestId"),
        },
    )
    return answered
