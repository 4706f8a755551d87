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
    from datetime import datetime

    from early_results.results import Pupil
    from early_results.roster import Roster
    from early_results.service import Service

ACCEPTED, ERRORS_FOUND, COULD_NOT_RUN = 0, 1, 2


class CannotRun(Exception):
    """The command cannot be carried out as given; the message says why, for the person at the terminal."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; the exit code: 0 accepted or done, 1 errors found in the file, 2 could not be run."""
    options = parser().parse_args(arguments)
    brief = arguments is None and options.brief
    if brief:
        gc.disable()
    try:
        code: int = options.run(options)
        sys.stdout.flush()
    except CannotRun as error:
        print(f"early-results: {error}", file=sys.stderr)
        return COULD_NOT_RUN
    except BrokenPipeError:  # the reader of our output (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains of it on the way out
        return COULD_NOT_RUN
    finally:
        if brief:
            gc.freeze()
    return code


def parser() -> argparse.ArgumentParser:
    """The command line, one subparser a subcommand; each sets `run`, which takes the options and gives an exit code."""
    top = argparse.ArgumentParser(
        prog="early-results", description="Early Results: templates and checks, as the service makes them."
    )
    top.set_defaults(brief=False)
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND", dest="command")
    _add_template(commands)
    _add_validate(commands)
    _add_operating(commands, "retry", "queue a parked upload again")
    _add_operating(commands, "settle", "close a parked upload as an error, so that its window no longer waits for it")
    return top


def _add_template(commands: Any) -> None:
    command = commands.add_parser("template", help="write a school's template workbook, prefilled from a roster")
    command.add_argument("--service", required=True, metavar="SERVICE", help="for example ks1-2023")
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
    command.add_argument("--service", required=True, metavar="SERVICE", help="for example ks1-2023")
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
    # It is over in a moment: collecting garbage, also on the way out, would be a sixth of its time.
    command.set_defaults(run=_validate, brief=True)


def _add_operating(commands: Any, name: str, words: str) -> None:
    command = commands.add_parser(name, help=words)
    command.add_argument("upload", metavar="UPLOAD", help="the upload's id")
    command.add_argument("--reason", required=True, help="why; it is recorded with the decision")
    command.add_argument("--stack", metavar="NAME", help="a stack on AWS; the one `make run` started if not given")
    command.set_defaults(run=_operate)


def _operate(options: argparse.Namespace) -> int:
    from infra import operating

    try:
        act = {"retry": operating.retry, "settle": operating.settle}[options.command]
        print(act(operating.open_stack(options.stack), options.upload, options.reason))
    except operating.CannotOperate as error:
        raise CannotRun(str(error)) from error
    return ACCEPTED


def _template(options: argparse.Namespace) -> int:
    from adapters.templates import template_workbook

    service = _service(options.service)
    rosters = _rosters(options.roster, service)
    school = options.school or next(iter(rosters))
    if school not in rosters:
        raise CannotRun(f"{options.roster} has no pupils of school {school}")
    if options.school is None and len(rosters) > 1:
        raise CannotRun(f"{options.roster} holds {len(rosters)} schools: name one with --school")
    _write(options.out, template_workbook(service, _roster(school, rosters[school], options.roster), _now()))
    return ACCEPTED


def _validate(options: argparse.Namespace) -> int:
    from early_results.check import judge, read_submission

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
        from early_results.roster import roster_version

        if roster_version(older[school]) == submission.template_roster_version:
            template_roster = _roster(school, older[school], options.template_roster or options.roster)
    verdict = judge(submission, service, allowed_schools=rosters.keys(), roster=roster, template_roster=template_roster)
    if options.annotated:
        from adapters.annotated import annotated_workbook

        _write(options.annotated, annotated_workbook(service, submission, verdict, roster, _now()))
    if options.csv:
        from early_results.listing import findings_csv

        _write(options.csv, findings_csv(verdict.findings))
    if options.format == "json":
        import json

        print(json.dumps(verdict.to_json(), indent=2, ensure_ascii=not _writes_utf8()))
    else:
        from early_results.listing import verdict_text

        text = verdict_text(verdict, colour=_colour())
        print(text if _writes_utf8() else text.encode("ascii", "replace").decode("ascii"), end="")
    return ACCEPTED if verdict.accepted else ERRORS_FOUND


def _service(name: str) -> Service:
    from early_results.service import UnknownService, load_service, service_names

    try:
        return load_service(name)
    except UnknownService as error:
        raise CannotRun(f"no service {name}; there is {', '.join(service_names())}") from error


def _rosters(path: str, service: Service) -> dict[str, tuple[Pupil, ...]]:
    from early_results.roster import BadRoster, parse_rosters

    try:
        with open(path, "rb") as source:
            return parse_rosters(source.read(), service)
    except OSError as error:
        raise CannotRun(f"cannot read {path}: {error.strerror}") from error
    except BadRoster as error:
        raise CannotRun(f"{path}: {error}") from error


def _roster(school: str, pupils: tuple[Pupil, ...], path: str) -> Roster:
    """A roster from a file: its version is its content, its date the file's."""
    from datetime import UTC, datetime

    from early_results.roster import Roster, roster_version

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
    """Whether what we print can hold every letter; a verdict must not be lost over a tick or a curly quote."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _colour() -> bool:
    """Whether to colour: on a terminal that can, and not where NO_COLOR is set (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


if __name__ == "__main__":
    sys.exit(main())
