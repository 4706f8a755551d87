"""The `early-results` command: make a template, check a workbook, with the code the service itself runs and no AWS.

Each subcommand imports what it needs when it runs: checking a file must not wait for openpyxl or boto3.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from early_results.checking.roster import Roster
    from early_results.results import Pupil
    from early_results.service import Service
    from infra.operator.operating import OperatorSession

ACCEPTED, ERRORS_FOUND, COULD_NOT_RUN = 0, 1, 2


class CannotRun(Exception):
    """The command cannot be carried out as it was given. The message tells the person at the terminal why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command. Gives the exit code: 0 accepted or done, 1 errors found in the file, 2 could not be run."""
    options = parser().parse_args(arguments)
    without_collector = arguments is None and options.without_collector
    if without_collector:
        gc.disable()
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except CannotRun as error:
        print(f"early-results: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except BrokenPipeError:  # whoever reads our output (head, less) has closed the pipe
        # otherwise Python complains about the closed pipe when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_RUN
    finally:
        if without_collector:
            gc.freeze()
    return code


def parser() -> argparse.ArgumentParser:
    """The command line, with a parser for each command.

    Each sets `run`, which takes the options and gives an exit code.
    """
    top = argparse.ArgumentParser(
        prog="early-results", description="Early Results: templates and checks, as the service makes them."
    )
    top.set_defaults(without_collector=False)
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    _add_template(commands)
    _add_validate(commands)
    _add_match(commands)
    _add_deciding(commands)
    _add_calendar(commands)
    _add_season(commands)
    _add_handover(commands)
    _add_estimates(commands)
    _add_tracing(commands)
    _add_verifying(commands)
    _add_restoring(commands)
    _add_user(commands)
    _add_service(commands)
    return top


def _add_service(commands: Any) -> None:
    command = commands.add_parser("service", help="what the service files say, and next year's draft")
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    actions.add_parser("list", help="every service and when its windows close").set_defaults(run=_list_services)
    show = actions.add_parser("show", help="what one service collects, and how it is counted")
    show.add_argument("name", metavar="NAME", help="for example phonics-2026")
    show.set_defaults(run=_show_service)
    check = actions.add_parser(
        "check",
        help="whether a service file fits",
        description="Loads it as the functions do. Exit code: 0 it fits, 1 it does not, 2 could not be run.",
    )
    check.add_argument("file", metavar="FILE.toml")
    check.set_defaults(run=_check_service)
    new = actions.add_parser("new", help="write a next year's draft, its days moved and its weekdays kept")
    new.add_argument("name", metavar="NAME", help="for example phonics-2027")
    new.add_argument("--from", required=True, dest="other", metavar="OTHER", help="for example phonics-2026")
    new.add_argument("--year", required=True, type=int, metavar="Y")
    new.add_argument("--out", metavar="FILE.toml", help="the file to write, NAME.toml here if none")
    new.set_defaults(run=_new_service)


def _add_template(commands: Any) -> None:
    command = commands.add_parser("template", help="write a school's template workbook, prefilled from a roster")
    _add_service_option(command)
    command.add_argument("--roster", required=True, metavar="ROSTER.csv", help="the school's pupils")
    command.add_argument("--out", required=True, metavar="FILE.xlsx", help="the workbook to write")
    command.add_argument("--school", metavar="NUMBER", help="which school, if the roster holds several")
    command.set_defaults(run=_template)


def _add_validate(commands: Any) -> None:
    command = commands.add_parser(
        "validate",
        help="check a filled-in workbook",
        description="Checks a filled-in workbook. Exit code: 0 accepted, 1 errors found, 2 could not be run.",
    )
    command.add_argument("file", metavar="FILE.xlsx")
    _add_service_option(command)
    command.add_argument(
        "--roster", required=True, metavar="ROSTER.csv", help="the current pupils; may hold many schools"
    )
    command.add_argument(
        "--template-roster",
        metavar="OLD.csv",
        help="the pupils the template was made from, to tell who has joined or left since",
    )
    command.add_argument("--format", choices=("text", "json"), default="text")
    command.add_argument("--annotated", metavar="OUT.xlsx", help="write a copy with the bad cells coloured and noted")
    command.add_argument("--csv", metavar="OUT.csv", help="write all findings as CSV")
    # Without garbage collection, also at the end: it would take a sixth of the time of so short a command.
    command.set_defaults(run=_validate, without_collector=True)


def _add_match(commands: Any) -> None:
    command = commands.add_parser(
        "match",
        help="make the template workbook from a CSV or MIS export with results",
        description="Proposes which column of an export is which of the template's, and shows the first rows as they "
        "would be read. Writes the template workbook only with --out, from the columns that you name with --column or "
        "accept with --accept. Exit code: 0 done, 2 could not be run.",
    )
    command.add_argument("file", metavar="EXPORT")
    _add_service_option(command)
    command.add_argument("--roster", required=True, metavar="ROSTER.csv", help="the school's current pupils")
    command.add_argument("--school", metavar="NUMBER", help="which school, if the roster holds several")
    command.add_argument(
        "--column", action="append", default=[], metavar="THEIRS=OURS", help="a heading of the export, and ours for it"
    )
    command.add_argument(
        "--code",
        action="append",
        default=[],
        metavar="WORD=CODE",
        help="a word of the export, and the code that it means",
    )
    command.add_argument("--accept", action="store_true", help="use the columns that are proposed")
    command.add_argument("--out", metavar="FILE.xlsx", help="the workbook to write")
    command.set_defaults(run=_match)


def _add_deciding(commands: Any) -> None:
    """What an operator decides about one upload."""
    retry = commands.add_parser("retry", help="queue a parked upload again")
    settle = commands.add_parser(
        "settle",
        help="decide a parked upload or a straggler",
        description="Closes a parked upload as an upload error, so that its window waits no longer. Of a straggler, "
        "say whether it is let in beside the manifest or refused.",
    )
    decision = settle.add_mutually_exclusive_group()
    decision.add_argument("--admit", action="store_true", help="let a straggler in, as an amendment")
    decision.add_argument("--refuse", action="store_true", help="close it as an upload error; its uploader is told why")
    for command in (retry, settle):
        command.add_argument("upload", metavar="UPLOAD", help="the upload's id")
        _add_reason(command)
        _add_stack(command)
        command.set_defaults(run=_operated, act=_decide)


def _add_calendar(commands: Any) -> None:
    command = commands.add_parser("calendar", help="show a service's windows, or let one close later")
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    show = actions.add_parser("show", help="the windows, in London time")
    extend = actions.add_parser("extend", help="let a window close later, until a minute before its close")
    extend.add_argument("--window", required=True, type=int, metavar="N")
    extend.add_argument("--closes", required=True, metavar="TIME", help='the new close, London: "2023-06-30 15:00"')
    _add_reason(extend)
    change = actions.add_parser(
        "set",
        help="move a window's opening, close or day of reports",
        description="Moves what lies ahead of a window. Several windows that have not opened: `season open --window`.",
    )
    change.add_argument("--window", required=True, type=int, metavar="N")
    change.add_argument("--opens", metavar="TIME", help='London: "2023-06-05 00:00"')
    change.add_argument("--closes", metavar="TIME", help='London: "2023-06-30 12:00"')
    change.add_argument("--reports", metavar="DAY", help='"2023-07-07"')
    _add_reason(change)
    windows = commands.add_parser("windows", help="the windows, what a freeze waits for, what waits for an operator")
    chase = commands.add_parser(
        "chase",
        help="write who still has to submit, with email addresses, for a mail merge",
        description="Writes a line for each person of a school, or of its trust, that has nothing or only errors in a "
        "window. A school whose earlier file is carried forward is left out.",
    )
    chase.add_argument("--window", required=True, type=int, metavar="N")
    chase.add_argument("--out", required=True, metavar="FILE.csv", help="the list to write; it has email addresses")
    for one, act in (
        (show, _show_calendar),
        (extend, _extend),
        (change, _set),
        (windows, _show_windows),
        (chase, _chase),
    ):
        _add_service_option(one)
        _add_stack(one)
        one.set_defaults(run=_operated, act=act)


def _add_tracing(commands: Any) -> None:
    trace = commands.add_parser(
        "trace",
        help="tell the life of one upload, from its form to its report, with times",
        description="Tells the life of one upload from the table, the buckets and the functions' logs: form, object, "
        "verdict, offer, seal, report, what operators decided, deletion. Without an upload's id, lists the uploads "
        "of a school, or those whose file name holds a text.",
    )
    trace.add_argument(
        "upload", nargs="?", metavar="UPLOAD", help="the upload's id, or its reference, such as 7QK4M-2XB30"
    )
    trace.add_argument("--school", metavar="NUMBER", help="list this school's uploads, newest first")
    trace.add_argument("--name", metavar="TEXT", help="list the uploads whose file name holds this text")
    trace.add_argument("--no-logs", action="store_true", help="do not read the functions' logs")
    _add_stack(trace)
    trace.set_defaults(run=_operated, act=_trace)


def _add_season(commands: Any) -> None:
    command = commands.add_parser("season", help="open a season step by step, or close it and remove its data")
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    opening = actions.add_parser(
        "open",
        help="take in schools and pupils, set the windows, and see what is missing",
        description="Does what it is given, and then says what is there and what is missing before schools can upload. "
        "Exit code: 0 ready, 1 something is missing, 2 could not be run.",
    )
    for kind, what in (("schools", "School DFE,Name,Trust"), ("trusts", "Trust,Name"), ("pupils", "the MIS extract")):
        opening.add_argument(f"--{kind}", metavar="FILE.csv", help=f"an extract to take in: {what}")
    opening.add_argument(
        "--window",
        nargs=4,
        action="append",
        default=[],
        metavar=("N", "OPENS", "CLOSES", "REPORTS"),
        help='a window in London time: 1 "2027-06-07 00:00" "2027-06-25 12:00" 2027-07-02; once for each',
    )
    opening.add_argument("--reason", help="why the windows are set so; it is recorded")
    closing = actions.add_parser(
        "close",
        help="remove a season's files, pupils, results and reports once all is over",
        description="Counts what a season has left, and removes it with --yes: files, pupils, findings, extracts, "
        "reports and the data set, and what the table says of them. What was frozen stays in evidence by school and "
        "hash.",
    )
    closing.add_argument("--yes", action="store_true", help="remove it; nothing brings it back")
    _add_reason(closing)
    for one, act in ((opening, _open_season), (closing, _close_season)):
        _add_service_option(one)
        _add_stack(one)
        one.set_defaults(run=_operated, act=act)


def _add_handover(commands: Any) -> None:
    command = commands.add_parser(
        "handover",
        help="fetch the last release of a service's data set, each file held against its hash",
        description="Fetches the last release of a service's data set: CSV, and Parquet where pyarrow is installed. "
        "Refuses a release that is not what counts now.",
    )
    command.add_argument("service", metavar="SERVICE", help="for example ks1-2023")
    command.add_argument("--to", required=True, dest="folder", metavar="DIR", help="where to write it")
    _add_stack(command)
    command.set_defaults(run=_operated, act=_hand_over)


def _add_estimates(commands: Any) -> None:
    command = commands.add_parser(
        "apply-estimates",
        help="apply a model of later outcomes to a data set that was handed over",
        description="Writes, for each pupil of a release, the chances of each later outcome and how many pupils they "
        "rest on. Refuses a model that does not fit the service. Takes no stack and no AWS.",
    )
    command.add_argument("model", metavar="MODEL.json", help="the model: docs/estimates.md has its form")
    command.add_argument(
        "--data", default="handed-over", metavar="DIR", help="a release, or where it was handed over to (handed-over)"
    )
    command.add_argument("--out", default="estimates", metavar="DIR", help="where to write (estimates)")
    command.add_argument(
        "--school", action="append", default=[], metavar="NUMBER", help="this school alone; once for each"
    )
    command.set_defaults(run=_apply_estimates)


def _add_verifying(commands: Any) -> None:
    verify = commands.add_parser(
        "verify-window",
        help="work out from the buckets what a window must have frozen, and compare",
        description="Works out from the buckets alone what a window must have frozen, and compares it with manifest, "
        "amendments and registers. Exit code: 0 all agrees, 1 differences found, 2 could not be run.",
    )
    _add_service_option(verify)
    verify.add_argument("--window", required=True, type=int, metavar="N")
    _add_stack(verify)
    verify.set_defaults(run=_operated, act=_verify)
    rebuild = commands.add_parser(
        "rebuild",
        help="write the table again from the buckets, after it was lost",
        description="Writes an empty table again from the buckets. Safe to run again if it is interrupted.",
    )
    rebuild.add_argument(
        "--calendar",
        action="append",
        default=[],
        metavar="SERVICE=RECORD",
        help="which record of its calendar was in force, where the evidence cannot tell; 0 for the service file's own",
    )
    _add_stack(rebuild)
    rebuild.set_defaults(run=_operated, act=_rebuild)


def _add_restoring(commands: Any) -> None:
    restore = commands.add_parser(
        "restore",
        help="copy a table that was restored from a backup into the stack's own, empty one",
        description="Copies every item of another table of the account, as point-in-time recovery makes one, into the "
        "stack's own table, which must be empty. Safe to run again if it is interrupted.",
    )
    restore.add_argument("--from", required=True, dest="source", metavar="TABLE", help="the restored table")
    _add_stack(restore)
    restore.set_defaults(run=_operated, act=_restore)


def _add_user(commands: Any) -> None:
    command = commands.add_parser("user", help="add users, list them, invite again, shut out, let in, remove")
    actions = command.add_subparsers(title="actions", required=True, metavar="ACTION", dest="action")
    add = actions.add_parser("add", help="add a user, who gets a temporary password by email")
    add.add_argument("--email", required=True, metavar="ADDRESS")
    add.add_argument("--role", required=True, choices=("school", "trust", "operator"))
    add.add_argument(
        "--organisation", required=True, metavar="ORG", help="SCHOOL#1231234, TRUST#<id>, or OPERATOR for an operator"
    )
    _add_stack(add)
    add.set_defaults(run=_operated, act=_add_one_user)
    several = actions.add_parser(
        "import",
        help="add the users of a CSV file",
        description="Adds every user of a CSV file with the headings email, role, organisation. Nobody is added if "
        "a line is wrong. Users who are there already stay as they are, so the command may be repeated.",
    )
    several.add_argument("file", metavar="FILE.csv")
    listing = actions.add_parser("list", help="list the users, what they may do, and who signs in with codes")
    resend = actions.add_parser("resend", help="send another invitation to somebody who has not signed in yet")
    disable = actions.add_parser("disable", help="shut a user out, from their next request on")
    enable = actions.add_parser("enable", help="let a user in again")
    remove = actions.add_parser("remove", help="remove a user for good; their uploads stay")
    for one in (resend, disable, enable, remove):
        one.add_argument("--email", required=True, metavar="ADDRESS")
    for one in (disable, enable, remove):
        _add_reason(one)
    for one in (several, listing, resend, disable, enable, remove):
        _add_stack(one)
        one.set_defaults(run=_operated, act=_people)


def _add_reason(command: argparse.ArgumentParser) -> None:
    command.add_argument("--reason", required=True, help="why you decide so; it is recorded with the decision")


def _add_service_option(command: argparse.ArgumentParser) -> None:
    command.add_argument("--service", required=True, metavar="SERVICE", help="for example ks1-2023")


def _add_stack(command: argparse.ArgumentParser) -> None:
    command.add_argument("--stack", metavar="NAME", help="a stack on AWS; the one `make run` started if not given")


def _operated(options: argparse.Namespace) -> int:
    """Carries out an operator's command on a stack. A command gives what it has to say, or else its exit code."""
    from infra.operator import operating

    try:
        told: str | int = options.act(options, operating.open_stack(options.stack))
    except operating.CannotOperate as error:
        raise CannotRun(str(error)) from error
    if isinstance(told, str):
        print(told)
        return ACCEPTED
    return told


def _decide(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import operating

    if options.command == "retry":
        act = operating.retry
    elif options.admit:
        act = operating.admit
    else:
        act = operating.refuse if options.refuse else operating.settle
    return act(session, options.upload, options.reason)


def _show_calendar(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import operating

    return operating.show_calendar(session, _service(options.service).name, _now())


def _chase(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import chasing

    service = _service(options.service)
    if options.window not in [window.number for window in service.windows]:
        raise CannotRun(f"{service.name} has no window {options.window}")
    data, schools, nobody = chasing.chase_csv(session, service, options.window, _now())
    _write(options.out, data)
    return f"{schools} schools written to {options.out}; of {nobody} no user is known"


def _show_windows(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import handing, operating

    service = _service(options.service)
    windows = operating.show_windows(session, service.name, _now())
    return f"{windows}\ndata set: {handing.standing_release(session.stores, service)[1]}"


def _extend(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import operating

    service, closes = _service(options.service).name, london_moment(options.closes)
    return operating.extend(session, service, options.window, closes, options.reason, _now())


def _trace(options: argparse.Namespace, session: OperatorSession) -> int:
    from infra.operator import tracing

    if options.upload is None:
        if options.school is None and options.name is None:
            raise CannotRun("name an upload, or a school with --school, or a part of a file's name with --name")
        found = tracing.find_uploads(session.stores, options.school, options.name)
        print(tracing.describe_found(found))
        return ACCEPTED
    logs = None if options.no_logs else session.logs
    try:
        upload_id = tracing.upload_of(session.stores, options.upload)
        print(tracing.describe(*tracing.trace_upload(session.stores, upload_id, logs)))
    except tracing.CannotTrace as error:
        raise CannotRun(str(error)) from error
    return ACCEPTED


def _set(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import seasons

    moments = seasons.Moments(
        london_moment(options.opens) if options.opens else None,
        london_moment(options.closes) if options.closes else None,
        _day(options.reports) if options.reports else None,
    )
    service, changes = _service(options.service).name, {options.window: moments}
    return seasons.set_calendar(session, service, changes, options.reason, _now())


def _open_season(options: argparse.Namespace, session: OperatorSession) -> int:
    from infra.operator import seasons

    service = _service(options.service)
    if options.window and not options.reason:
        raise CannotRun("say with --reason why the windows are set so")
    changes = {
        _window_number(number): seasons.Moments(london_moment(opens), london_moment(closes), _day(reports))
        for number, opens, closes, reports in options.window
    }
    given = {"schools": options.schools, "trusts": options.trusts, "pupils": options.pupils}
    extracts = {kind: _read(path) for kind, path in given.items() if path}
    if extracts:
        print(seasons.take_in(session, service, extracts))
    if changes:
        print(seasons.set_calendar(session, service.name, changes, options.reason, _now()))
    words, ready = seasons.checklist(session, service, _now())
    print(words)
    return ACCEPTED if ready else ERRORS_FOUND


def _close_season(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import seasons

    service = _service(options.service)
    closed = seasons.close_season(session, service, options.reason, really=options.yes)
    return seasons.describe_closed(closed, service.name, really=options.yes)


def _hand_over(options: argparse.Namespace, session: OperatorSession) -> int:
    from pathlib import Path

    from infra.operator import handing

    try:
        print(handing.hand_over(session, _service(options.service), Path(options.folder)))
    except OSError as error:
        raise CannotRun(f"cannot write to {options.folder}: {error.strerror}") from error
    return ACCEPTED


def _apply_estimates(options: argparse.Namespace) -> int:
    from pathlib import Path

    from infra.operator import estimating

    out = Path(options.out)
    try:
        model = estimating.load_model(Path(options.model))
        release = estimating.find_release(Path(options.data), model.service)
        done = estimating.apply_estimates(model, release, out, frozenset(options.school))
    except estimating.CannotEstimate as error:
        raise CannotRun(str(error)) from error
    except OSError as error:
        raise CannotRun(f"cannot write to {out}: {error.strerror}") from error
    print(estimating.describe(model, done, out))
    return ACCEPTED


def _window_number(text: str) -> int:
    if not text.isdigit():
        raise CannotRun(f'"{text}" is not the number of a window')
    return int(text)


def _day(text: str) -> date:
    from datetime import date

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CannotRun(f'"{text}" is not a day; write it as "2023-07-07"') from None


def _verify(options: argparse.Namespace, session: OperatorSession) -> int:
    from infra.operator import verifying

    service = _service(options.service)
    try:
        told = verifying.verify_window(session.stores, service, options.window)
    except verifying.CannotVerify as error:
        raise CannotRun(str(error)) from error
    print(verifying.describe(told, service))
    return ERRORS_FOUND if told.differences else ACCEPTED


def _rebuild(options: argparse.Namespace, session: OperatorSession) -> int:
    from infra.operator import rebuilding
    from infra.operator.evidence import EvidenceUnclear
    from infra.operator.operations import decide_calendar

    try:
        for told in options.calendar:
            service, _, record = told.partition("=")
            decide_calendar(session.stores.records, _service(service).name, record, session.who)
        print(rebuilding.describe(rebuilding.rebuild(session, _now())))
    except KeyError as error:
        raise CannotRun(f"there is no record {error} of that calendar") from error
    except (rebuilding.CannotRebuild, EvidenceUnclear) as error:
        raise CannotRun(str(error)) from error
    return ACCEPTED


def _restore(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import restoring

    return f"{restoring.restore(session, options.source):,} items copied. The table is restored."


def _add_one_user(options: argparse.Namespace, session: OperatorSession) -> str:
    from early_results.access import Role
    from infra.operator import operating

    return operating.add_user(session, options.email, Role(options.role), options.organisation)


def _people(options: argparse.Namespace, session: OperatorSession) -> str:
    from infra.operator import people

    if options.action == "import":
        return people.import_users(session, _read(options.file))
    if options.action == "list":
        return people.list_users(session)
    if options.action == "resend":
        return people.resend(session, options.email)
    act = {"disable": people.disable, "enable": people.enable, "remove": people.remove}[options.action]
    return act(session, options.email, options.reason)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as source:
            return source.read()
    except OSError as error:
        raise CannotRun(f"cannot read {path}: {error.strerror}") from error


def london_moment(text: str) -> datetime:
    """A moment of London's clock, `2023-06-30 15:00`. CannotRun if that moment is missing or comes twice that day."""
    from datetime import UTC, datetime

    from early_results.service import LONDON

    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LONDON)
    except ValueError:
        raise CannotRun(f'"{text}" is not a time; write it as "2023-06-30 15:00", London time') from None
    if moment.utcoffset() != moment.replace(fold=1).utcoffset():
        raise CannotRun(f"the clocks change in London at {text}: choose another time")
    return moment.astimezone(UTC)


def _template(options: argparse.Namespace) -> int:
    from adapters.templates import template_workbook

    service = _service(options.service)
    _write(options.out, template_workbook(service, _one_roster(options, service), _now()))
    return ACCEPTED


def _one_roster(options: argparse.Namespace, service: Service) -> Roster:
    """The roster of the school that is named, or of the only one there is."""
    rosters = _rosters(options.roster, service)
    school = options.school or next(iter(rosters))
    if school not in rosters:
        raise CannotRun(f"{options.roster} has no pupils of school {school}")
    if options.school is None and len(rosters) > 1:
        raise CannotRun(f"{options.roster} holds {len(rosters)} schools: name one with --school")
    return _roster(school, rosters[school], options.roster)


def _match(options: argparse.Namespace) -> int:
    from early_results.checking import matching
    from early_results.workbook import Unreadable

    service = _service(options.service)
    roster = _one_roster(options, service)
    try:
        with open(options.file, "rb") as source:
            export = matching.read_export(source.read())
    except OSError as error:
        raise CannotRun(f"cannot read {options.file}: {error.strerror}") from error
    except (matching.NotMatched, Unreadable) as error:
        raise CannotRun(f"{options.file}: {error}") from error
    proposed = matching.propose(export, service)
    columns = {**(proposed if options.accept else {}), **_named_columns(options.column, export, service)}
    words = dict(_pair(one, "--code") for one in options.code)
    codes = {(c.key, word.casefold()): code.upper() for word, code in words.items() for c in service.results}
    repairs = matching.repairs(export, {**proposed, **columns}, service)
    for line in _match_lines(export, service, proposed, columns, repairs, codes):
        print(line)
    if not options.out:
        print("\nNothing is written. Accept the columns with --accept, or name them with --column, and give --out.")
        return ACCEPTED
    try:
        matched = matching.apply_match(export, columns, codes, service, roster)
    except matching.NotMatched as error:
        raise CannotRun(str(error)) from error
    from adapters.templates import template_workbook

    _write(options.out, template_workbook(service, roster, _now(), results=matched.results, repairs=matched.repaired))
    print(f"\nWritten: {options.out}, with results of {sum(map(bool, matched.results.values()))} pupils.")
    headings = {column.key: column.heading for column in service.columns}
    for repair in matched.repaired:
        print(f"  {repair.word} was taken for {repair.code} ({headings[repair.column]})")
    for rows, told in (
        (matched.unknown, "not on the school's list"),
        (matched.repeated, "a pupil who is on an earlier row"),
    ):
        if rows:
            print(f"  Left out, on the export's row {', '.join(map(str, rows))}: {told}.")
    return ACCEPTED


def _match_lines(export: Any, service: Service, proposed: Any, columns: Any, repairs: Any, codes: Any) -> list[str]:
    """The columns as they are matched, the first rows as they will be read, and the words that are not codes."""
    from early_results.checking.listing import terminal_safe

    shown = {**proposed, **columns}
    lines = [f"{'The template':<36}The export"]
    for column in (c for c in service.columns if c.key == "upn" or c.kind != "identity"):
        theirs = export.headings[shown[column.key]] if column.key in shown else "-"
        how = "" if column.key in columns or column.key not in shown else "   (proposed)"
        lines.append(f"{column.heading:<36}{terminal_safe(theirs)}{how}")
    lines.append("\nThe first rows as they will be read:")
    ours = [column for column in service.results if column.key in shown]
    for row, cells in export.rows[:5]:
        told = [(c.key, str(cells.get(shown[c.key], "") or "")) for c in ours]
        values = [terminal_safe(codes.get((key, text.casefold()), text)) for key, text in told]
        lines.append(f"  row {row}: " + " | ".join(values))
    for repair in repairs:
        if (repair.column, repair.word.casefold()) not in codes:
            offer = f'; if it means {repair.code}, give --code "{repair.word}={repair.code}"' if repair.code else ""
            lines.append(f"  {terminal_safe(repair.word)} is not a code{offer}")
    return lines


def _named_columns(given: Sequence[str], export: Any, service: Service) -> dict[str, int]:
    from early_results.checking.cells import heading_key

    theirs = {heading_key(heading): place for place, heading in export.headings.items()}
    ours = {heading_key(column.heading): column.key for column in service.columns}
    named = {}
    for left, right in (_pair(one, "--column") for one in given):
        if heading_key(left) not in theirs:
            raise CannotRun(f"the export has no column {left}")
        if heading_key(right) not in ours:
            raise CannotRun(f"the template has no column {right}")
        named[ours[heading_key(right)]] = theirs[heading_key(left)]
    return named


def _pair(text: str, option: str) -> tuple[str, str]:
    left, mark, right = text.rpartition("=")
    if not mark or not left.strip() or not right.strip():
        raise CannotRun(f'{option} "{text}": write it as THEIRS=OURS')
    return left.strip(), right.strip()


def _validate(options: argparse.Namespace) -> int:
    from early_results.checking.check import judge, read_submission

    service = _service(options.service)
    rosters = _rosters(options.roster, service)
    older = _rosters(options.template_roster, service) if options.template_roster else rosters
    try:
        with open(options.file, "rb") as source:
            submission = read_submission(source, service)
    except OSError as error:
        raise CannotRun(f"cannot read {options.file}: {error.strerror}") from error
    school = submission.school or ""
    roster = _roster(school, rosters[school], options.roster) if school in rosters else None
    template_roster = None
    if submission.template_roster_version and school in older:
        from early_results.checking.roster import roster_version

        if roster_version(older[school]) == submission.template_roster_version:
            template_roster = _roster(school, older[school], options.template_roster or options.roster)
    verdict = judge(submission, service, allowed_schools=rosters.keys(), roster=roster, template_roster=template_roster)
    if options.annotated:
        from adapters.annotated import annotated_workbook

        _write(options.annotated, annotated_workbook(service, submission, verdict, roster, _now()))
    if options.csv:
        from early_results.checking.listing import findings_csv

        _write(options.csv, findings_csv(verdict.findings))
    if options.format == "json":
        import json

        print(json.dumps(verdict.to_json(), indent=2, ensure_ascii=not _writes_utf8()))
    else:
        from early_results.checking.listing import verdict_text

        text = verdict_text(verdict, colour=_colour())
        print(text if _writes_utf8() else text.encode("ascii", "replace").decode("ascii"), end="")
    return ACCEPTED if verdict.accepted else ERRORS_FOUND


def _list_services(_: argparse.Namespace) -> int:
    from infra.operator import collections

    print(collections.describe_all())
    return ACCEPTED


def _show_service(options: argparse.Namespace) -> int:
    from infra.operator import collections

    print(collections.describe(_service(options.name)))
    return ACCEPTED


def _check_service(options: argparse.Namespace) -> int:
    from pathlib import Path

    from early_results.service import BadServiceFile
    from infra.operator import collections

    try:
        service = collections.check(Path(options.file))
    except OSError as error:
        raise CannotRun(f"{options.file}: {error.strerror}") from error
    except BadServiceFile as error:
        print(error)
        return ERRORS_FOUND
    print(f"{options.file} fits. It says:\n\n{collections.describe(service)}")
    return ACCEPTED


def _new_service(options: argparse.Namespace) -> int:
    from pathlib import Path

    from infra.operator import collections

    other = _service(options.other)
    out = Path(options.out or f"{options.name}.toml")
    if out.exists():
        raise CannotRun(f"{out} exists already and is not overwritten")
    try:
        text = collections.draft(collections.text_of(other), other, options.name, options.year)
    except collections.CannotDraft as error:
        raise CannotRun(str(error)) from error
    _write(str(out), text.encode())
    print(f"{out} is a draft of {options.name}. Check its lists and days, then: early-results service check {out}")
    return ACCEPTED


def _service(name: str) -> Service:
    from early_results.service import UnknownService, load_service, service_names

    try:
        return load_service(name)
    except UnknownService as error:
        raise CannotRun(f"no service {name}; there is {', '.join(service_names())}") from error


def _rosters(path: str, service: Service) -> dict[str, tuple[Pupil, ...]]:
    from early_results.checking.roster import BadRoster, parse_rosters

    try:
        with open(path, "rb") as source:
            return parse_rosters(source.read(), service)
    except OSError as error:
        raise CannotRun(f"cannot read {path}: {error.strerror}") from error
    except BadRoster as error:
        raise CannotRun(f"{path}: {error}") from error


def _roster(school: str, pupils: tuple[Pupil, ...], path: str) -> Roster:
    """A roster from a file. Its version is a check sum of its pupils, its date that of the file."""
    from datetime import UTC, datetime

    from early_results.checking.roster import Roster, roster_version

    return Roster(school, roster_version(pupils), datetime.fromtimestamp(os.path.getmtime(path), UTC), pupils)


def _write(path: str, data: bytes) -> None:
    try:
        with open(path, "wb") as target:
            target.write(data)
    except OSError as error:
        raise CannotRun(f"cannot write {path}: {error.strerror}") from error


def _now() -> datetime:
    from datetime import UTC, datetime

    return datetime.now(UTC).replace(microsecond=0)


def _writes_utf8() -> bool:
    """Whether the terminal takes every letter. A verdict must not be lost because of a tick or a curly quote."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _colour() -> bool:
    """Whether to colour: on a terminal that can, and not where NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


if __name__ == "__main__":
    sys.exit(main())
