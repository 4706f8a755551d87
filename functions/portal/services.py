"""The services and their windows, schools, templates and reports."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from adapters.lookups import Place, calendar_now, standings, window_states
from adapters.rosters import current_roster
from adapters.settings import deployed_service
from adapters.stores import Stores
from early_results import keys
from early_results.access import Role, User
from early_results.checking import messages
from early_results.counting.calendar import Calendar
from early_results.counting.freeze import WindowState
from early_results.counting.registers import register_from_item
from early_results.counting.standing import Standing, school_words
from early_results.counting.uploads import ReportState, Status
from early_results.ids import is_school
from early_results.media import MEDIA_TYPES
from early_results.object_keys import report_key
from early_results.service import LONDON, Column, Service, UnknownService, Window, load_service, service_names
from early_results.times import day_words, moment_words, to_text
from early_results.writes import Item

from . import mail, problems
from .limits import LINK_SECONDS
from .requests import ReportsQuery

if TYPE_CHECKING:
    from . import answers  # 6 ms of a cold start; only the contract reads what is in it


def service_of(name: str) -> Service:
    """The service of that name. Problem (404) if there is none."""
    try:
        return deployed_service(name)
    except UnknownService:
        raise problems.no_such_service(service_names()) from None


def window_of(calendar: Calendar, number: str) -> Window:
    """The window of that number. Problem (404) if there is none."""
    windows = {str(window.number): window for window in calendar.windows}
    if number not in windows:
        raise problems.not_found(f"The windows of {calendar.service} are: {', '.join(windows)}.")
    return windows[number]


def describe_me(stores: Stores, user: User, *, tells: bool) -> answers.Me:
    """Who the user is, their role and the organisations they act for.

    `tells` says that this deployment sends e-mail.
    """
    found = stores.table.get_many(keys.school(school) for school in user.schools)
    schools: list[answers.MyOrganisation] = [
        {
            "organisation": f"SCHOOL#{school}",
            "school": school,
            "name": str(found.get(keys.school(school), {}).get("name", "")),
        }
        for school in sorted(user.schools)
    ]
    organisations = schools
    if user.trust is not None:
        profile = stores.table.get(keys.trust(user.trust)) or {}
        organisations = [{"organisation": user.organisation, "name": str(profile.get("name", ""))}, *schools]
    return {
        "sub": user.sub,
        "name": user.name,
        "role": user.role,
        "organisation": user.organisation,
        "organisations": organisations,
        "may_upload": user.may_upload(),
        "mail": mail.wishes(stores, user) if tells else None,
    }


def describe_services(stores: Stores, now: datetime) -> answers.Services:
    """The services that this stack runs: their windows, which is open, the seconds to its close.

    The service that closes next comes first. A stack runs a service once a pupil list of it has come. Before any has
    come, all services are given.
    """
    begun = stores.table.get_many(keys.service_begun(name) for name in service_names())
    names = [name for name in service_names() if keys.service_begun(name) in begun] or service_names()
    told = [_describe(stores, deployed_service(name), now) for name in names]
    told.sort(key=lambda one: (one["seconds_to_close"] is None, one["seconds_to_close"] or 0))
    return {"services": told, "now": to_text(now)}


def _describe(stores: Stores, service: Service, now: datetime) -> answers.Service:
    calendar = calendar_now(stores, service)
    return describe_service(service, calendar, window_states(stores, calendar), stores.settings.max_upload_bytes, now)


def describe_service(
    service: Service, calendar: Calendar, states: dict[int, WindowState], max_upload_bytes: int, now: datetime
) -> answers.Service:
    """A service and its windows."""
    is_open = calendar.window_of(now)
    return {
        "service": service.name,
        "title": service.title,
        "short_title": service.short_title,
        "year": service.year,
        "year_group": service.year_group,
        "not_statutory": service.words.not_statutory_here,
        "support": {
            "email": service.support.email,
            "telephone": service.support.telephone,
            "hours": list(service.support.hours),
        },
        "columns": [_describe_column(column) for column in service.results],
        "codes": [{"code": code.code, "meaning": code.meaning} for code in service.codes],
        "max_upload_bytes": max_upload_bytes,
        "open_window": is_open.number if is_open else None,
        "seconds_to_close": int((is_open.closes - now).total_seconds()) if is_open else None,
        "windows": [describe_window(window, states[window.number], now) for window in calendar.windows],
    }


def _describe_column(column: Column) -> answers.Column:
    codes = list(column.codes)
    if not column.has_numbers:
        return {"heading": column.heading, "codes": codes}
    if not codes:
        return {"heading": column.heading, "minimum": column.minimum, "maximum": column.maximum}
    return {"heading": column.heading, "codes": codes, "minimum": column.minimum, "maximum": column.maximum}


def describe_window(window: Window, state: WindowState, now: datetime) -> answers.Window:
    """A window and its state."""
    return {
        "number": window.number,
        "opens": to_text(window.opens),
        "closes": to_text(window.closes),
        "closes_words": moment_words(window.closes),
        "reports": window.reports.isoformat(),
        "reports_words": day_words(window.reports),
        "state": state.state,
        "open": window.opens <= now < window.closes,
    }


def describe_schools(stores: Stores, user: User, service: Service) -> answers.Schools:
    """The schools the user acts for: how fresh the pupil list is, which file is `current`, which counts in each window.

    An upload overwrites the file that `current` names, so a page can say that beforehand.
    """
    schools = sorted(user.schools)
    calendar = calendar_now(stores, service)
    stands = standings(stores, [Place(service.name, window.number, s) for s in schools for window in calendar.windows])
    profiles = stores.table.get_many(keys.school(school) for school in schools)
    rosters = stores.table.get_many(keys.roster(service.name, school) for school in schools)
    registers = stores.table.get_many(keys.current_register(service.name, school) for school in schools)
    winners = {key: register_from_item(key, item).winner for key, item in registers.items()}
    uploads = stores.table.get_many(keys.upload(winner) for winner in winners.values() if winner)
    found: list[answers.SchoolInService] = []
    for school in schools:
        roster = rosters.get(keys.roster(service.name, school))
        winner = winners.get(keys.current_register(service.name, school))
        upload = uploads.get(keys.upload(winner)) if winner else None
        found.append(
            {
                "school": school,
                "name": str(profiles.get(keys.school(school), {}).get("name", "")),
                "roster": {"made": roster["made"], "pupils": int(roster["pupils"])} if roster else None,
                "current": {
                    "upload_id": upload["upload_id"],
                    "name": upload["name"],
                    "user": upload["user_name"],
                    "received": upload["received"],
                    "window": upload.get("window"),
                }
                if upload
                else None,
                "windows": [
                    describe_standing(stands[Place(service.name, window.number, school)], window)
                    for window in calendar.windows
                ],
            }
        )
    return {"schools": found}


def describe_standing(stands: Standing, window: Window) -> answers.SchoolInWindow:
    """What counts for a school in a window, and the sentence that says so."""
    return {
        "window": stands.window,
        "upload_id": stands.upload,
        "received": stands.facts.get("received") if stands.upload else None,
        "frozen": stands.sealed,
        "carried_from": stands.carried_from if stands.upload else None,
        "statement": school_words(stands, window.closes),
    }


def school_acted_for(user: User, school: str | None) -> str:
    """The school that is meant. A user who acts for one school need not name it.

    Problem (400, 403) if none is named, or one that the user does not act for.
    """
    if school is None and len(user.schools) == 1:
        school = next(iter(user.schools))
    if school is None:
        raise problems.bad_request("Please name the school: ?school=1231234, seven digits.")
    if school not in user.schools:
        raise problems.forbidden("This school is not one that you act for.")
    return school


def no_pupil_list(service: Service) -> problems.Problem:
    """There is no roster of the school yet, and so no template."""
    return problems.not_found(
        f"We hold no pupil list for this school yet. Please contact {service.support.email}, "
        f"telephone {service.support.telephone}."
    )


def build_template(
    stores: Stores, user: User, service: Service, school: str | None, now: datetime
) -> tuple[str, bytes]:
    """File name and bytes of a school's prefilled workbook, made from its roster as it is now.

    A user who acts for one school need not name it.
    """
    school = school_acted_for(user, school)
    roster = current_roster(stores, service.name, school)
    if roster is None:
        raise no_pupil_list(service)
    deadlines = [messages.deadline(window) for window in calendar_now(stores, service).windows]
    # imported only here: it loads openpyxl, which the other requests do not need
    from adapters.templates import template_workbook

    data = template_workbook(service, roster, now, deadlines=deadlines)
    return f"{service.year}{service.short_title}-{school}.xlsx", data


def list_reports(stores: Stores, user: User, query: ReportsQuery, now: datetime) -> answers.Reports:
    """The reports of the user's schools, or of one school: which are being built, ready, or failed for good."""
    wanted = service_of(query.service).name if query.service else None
    number, school = query.window, query.school
    if school and not user.may_read_school(school):
        raise problems.forbidden("This school is not one that you act for.")
    if not school and user.role is Role.OPERATOR:
        raise problems.bad_request("Please name the school: ?school=1231234.")
    found: list[tuple[str, Item]] = []
    for one in [school] if school else sorted(user.schools):
        items = stores.table.query(f"SCHOOL#{one}", prefix=f"REPORT#{wanted}#" if wanted else "REPORT#")
        kept = [item for item in items if not number or item["window"] == int(number)]
        found += [(one, item) for item in kept]
    calendars = {name: calendar_now(stores, load_service(name)) for name in {item["service"] for _, item in found}}
    uploads = stores.table.get_many(keys.upload(item["upload_id"]) for _, item in found)
    stands = standings(stores, [_place(item, one) for one, item in found])
    return {
        "reports": [
            describe_report(
                user,
                item,
                stands[_place(item, one)],
                one,
                calendars[item["service"]],
                uploads.get(keys.upload(item["upload_id"])),
                now,
            )
            for one, item in found
        ]
    }


def _place(item: Item, school: str) -> Place:
    return Place(item["service"], int(item["window"]), school)


def describe_report(
    user: User, item: Item, stands: Standing, school: str, calendar: Calendar, upload: Item | None, now: datetime
) -> answers.Report:
    """A report. Problem (404) if its file no longer counts for its window: then the report is about to be removed."""
    window = window_of(calendar, str(item["window"]))
    counts = stands.upload == item["upload_id"]
    kept = upload is not None and upload["status"] != Status.DELETED.value
    return {
        "service": item["service"],
        "window": item["window"],
        "school": school,
        "upload_id": item["upload_id"],
        "file": {
            "name": upload["name"],
            "user": upload["user_name"],
            "received": upload.get("received"),
            "window": upload.get("window"),
        }
        if upload and kept
        else None,
        "state": item["state"],
        "available": counts and item["state"] == ReportState.READY.value and published(user, window, now),
        "available_from": window.reports.isoformat(),
        "available_from_words": day_words(window.reports),
        "statement": school_words(stands, window.closes),
    }


def published(user: User, window: Window, now: datetime) -> bool:
    """Whether a report may be seen: from its date on, London time. Operators may see it before."""
    return user.role is Role.OPERATOR or now.astimezone(LONDON).date() >= window.reports


def report_link(
    stores: Stores, user: User, service: Service, number: str, school: str, form: str, now: datetime
) -> answers.Link:
    """A short-lived link to a school's report. Problem if it is not the user's, not there, or not published yet."""
    if not is_school(school):
        raise problems.bad_request("The school is its DfE number, seven digits.")
    if not user.may_read_school(school):
        raise problems.forbidden("This school is not one that you act for.")
    if form == "staff" and not user.may_read_pupils(school):
        raise problems.forbidden("The copy that lists pupils is for those who act for the school.")
    window = window_of(calendar_now(stores, service), number)
    item = stores.table.get(keys.report(service.name, window.number, school))
    if item is None:
        raise problems.not_found("There is no report of this school for this window.")
    if item["state"] == ReportState.FAILED.value:
        raise problems.not_found("The report could not be built. We have been told and are looking into it.")
    if item["state"] != ReportState.READY.value:
        raise problems.not_found("The report is still being built. Please try again in a few minutes.")
    if not published(user, window, now):
        raise problems.not_found(f"Reports of this window are available from {day_words(window.reports)}.")
    if form not in item["sha256"]:
        raise problems.not_found("This report was built before there was a copy that lists pupils.")
    name = f"{service.year}{service.short_title}-report-{school}-window-{window.number}"
    url = stores.results.link(
        report_key(service.name, window.number, school, item["upload_id"], form),
        filename=f"{name}-staff.pdf" if form == "staff" else f"{name}.{form}",
        content_type=MEDIA_TYPES["pdf" if form == "staff" else form],
        seconds=LINK_SECONDS,
    )
    return {"url": url}
