"""`make demo`: plays whole seasons as users would, from templates to reports.

Two collections side by side, or those that `make demo SERVICE=...` names. It exits 0 only if every step held.
Templates, findings, manifests and reports are left in `out/`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from early_results.findings import cell_reference
from early_results.service import Service, load_service, service_names
from early_results.times import from_text

from .client import PortalClient, Refused, post_form
from .demonstration import (
    BESIDE,
    CROWD,
    OUTSIDE,
    SERVICE,
    Seeded,
    exported,
    fill,
    results_of,
    seed_services,
    with_errors,
)
from .stack import LOCAL, ROOT, LocalError, Stack, build, running

OUT = ROOT / "out"
# How long the uploads take on two busy cores: of one service, and more for each service beside it. The window must
# not close before.
NEEDED, BESIDE_IT = timedelta(seconds=28), timedelta(seconds=10)
CROWDED = timedelta(seconds=12)  # for the schools that stand beside, so that reports have something to compare with
SLOWEST = 4.0  # a window does not wait longer than this many times all that, however busy the machine is


class StepFailed(AssertionError):
    """A step of the season did not do what it should. The message says what."""


def hold(so: bool, what: str) -> None:
    """StepFailed, with these words, if it does not hold."""
    if not so:
        raise StepFailed(what)


@dataclass(slots=True)
class Season:
    """One play of one service: the stack, who is signed in, and what happened so far."""

    stack: Stack
    service: Service
    seeded: Seeded
    began: float
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)
    people: dict[str, PortalClient] = field(default_factory=dict)

    def person(self, organisation: str) -> PortalClient:
        """The administrator of an organisation, signed in when first asked for."""
        if organisation not in self.people:
            user = next(u for u in self.seeded.users if u["organisation"] == organisation)
            self.people[organisation] = PortalClient.of(self.stack, user["email"], user["password"])
        return self.people[organisation]

    def school(self, school: str) -> PortalClient:
        """A school's administrator."""
        return self.person(f"SCHOOL#{school}")

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Says a step once it is done, and how long it took."""
        start = time.monotonic()
        yield
        ended = time.monotonic()
        print(f"  {ended - self.began:5.1f} s  {self.name}: {words}, done in {ended - start:.1f} s", flush=True)

    @property
    def name(self) -> str:
        """What people call the service."""
        return f"{self.service.short_title} {self.service.year}"

    def note(self, who: str, did: str, came: str) -> None:
        """A line of the closing table."""
        self.rows.append((f"{time.monotonic() - self.began:6.1f}", who, f"{self.name}: {did}", came))


def play(season: Season) -> None:
    """The season, step by step."""
    service = season.service
    name, schools = service.name, list(season.seeded.pupils)
    first = schools[0]
    results = {s: {p.upn: results_of(service, p) for p in season.seeded.pupils[s]} for s in schools}
    aside = ThreadPoolExecutor(1)
    beside = aside.submit(_crowd, season)
    aside.shutdown(wait=False)

    with season.step("Templates are downloaded and filled in"):
        templates = {school: season.school(school).template(name, school) for school in schools}
        for school, data in templates.items():
            _write(f"{name}/templates/{school}.xlsx", data)
        good = {school: fill(templates[school], service, results[school]) for school in schools}
        season.note(f"{len(schools)} schools", "download their templates", "prefilled from the roster")

    with season.step("A file with errors is refused, with its cells"):
        mistaken = with_errors(service, results[first])
        wrong = fill(templates[first], service, mistaken)
        refused = _checked(season, season.school(first), f"{first}-first try.xlsx", wrong)
        hold(refused["status"] == "UPLOAD_ERROR", f"a file with errors became {refused['status']}")
        cells = [finding["cell"] for finding in refused["findings"]]
        changed = _changed(service, results[first], mistaken)
        hold(cells == changed, f"the findings name {cells}, and what was changed is {changed}")
        for form in ("json", "csv", "xlsx"):
            data = season.school(first).follow(f"/uploads/{refused['upload_id']}/findings", format=form)
            _write(f"{name}/findings/{first}.{form}", data)
        season.note(first, "uploads a file with errors", f"refused: {', '.join(cells)}")

    with season.step("Corrected, it is accepted"):
        own = _checked(season, season.school(first), f"{first}.xlsx", good[first])
        hold(own["status"] == "SUCCESSFUL", f"the corrected file became {own['status']}")
        season.note(first, "uploads it corrected", "accepted")

    with season.step("The school outside the trust uploads, and posts its form twice"):
        twice = season.school(OUTSIDE).forms(name, {"ours.xlsx": good[OUTSIDE]})[0]
        hold(post_form(twice["post"], good[OUTSIDE]) == 204, "the form was not taken")
        outside = season.school(OUTSIDE).verdict(twice["upload_id"])
        hold(outside["status"] == "SUCCESSFUL", f"the outside school's file became {outside['status']}")
        post_form(twice["post"], wrong)
        again = season.school(OUTSIDE).verdict(twice["upload_id"])
        hold(again["receipt"]["sha256"] == outside["receipt"]["sha256"], "a replay changed what counts")
        season.note(OUTSIDE, "uploads, and posts its form twice", "accepted, the oldest version counts")

    with season.step("The trust uploads in bulk, over its school's file"):
        trust = season.person("TRUST#ABC")
        bulk = {f"{school} results.xlsx": good[school] for school in schools}
        ids = {}
        for issued in trust.forms(name, bulk):
            hold(post_form(issued["post"], bulk[issued["name"]]) == 204, "a bulk form was not taken")
            ids[issued["name"][:7]] = issued["upload_id"]
        for school, upload_id in ids.items():
            came = trust.verdict(upload_id)
            if school == OUTSIDE:
                hold(came["findings"][0]["code"] == "wrong-school", "a stranger's file was not refused as such")
                season.note("ABC Trust", f"uploads {school}, not its own", "refused: wrong-school")
            else:
                hold(came["status"] == "SUCCESSFUL", f"the trust's file of {school} became {came['status']}")
                season.note("ABC Trust", f"uploads {school}", "accepted")
        before = season.school(first).get(f"/uploads/{own['upload_id']}")
        hold(before["status"] == "OVERWRITTEN", f"the school's own file is {before['status']}")
        season.note(first, "looks at its own file", "overwritten by its trust's")

    if season.seeded.crowd:
        with season.step(f"{len(season.seeded.crowd)} schools more upload through their trusts, beside all this"):
            season.note(f"{beside.result()} schools more", "upload through their trusts", "accepted")

    closes = season.seeded.calendar.windows[0].closes
    with season.step("A form is asked for just before noon"):
        late = season.school(OUTSIDE).forms(name, {"late.xlsx": good[OUTSIDE]})[0]
        hold(from_text(late["expires_at"]) <= closes, "a form outlives its window")
    _count_down(season, closes)

    with season.step("Noon. The form is not taken any more; a new one is for the next window"):
        while datetime.now(UTC) < closes + timedelta(seconds=1):
            time.sleep(0.1)
        hold(post_form(late["post"], good[OUTSIDE]) == 403, "a form was taken after its window")
        season.note(OUTSIDE, "posts an old form after noon", "refused by S3")
        second = _checked(season, season.school(OUTSIDE), "after noon.xlsx", good[OUTSIDE])
        hold(second["receipt"]["window"] == 2, "a late file is not in the next window")
        season.note(OUTSIDE, "uploads after noon", "counts for window 2")

    with season.step("The schedule freezes window 1"):
        board = _frozen(season)
        season.note("schedule", "freezes window 1", f"manifest {board['manifest']['sha256'][:12]}")

    with season.step("The manifest is checked against the buckets"):
        manifest = _object(season, "RecordsBucketName", board["manifest"]["key"])
        _write(f"{name}/manifest.jsonl", manifest)
        lines = {line["school"]: line for line in map(json.loads, manifest.splitlines())}
        expected = recomputed_from(season.stack, closes, name)
        hold(set(schools) <= set(lines), "the manifest does not name every school")
        found = {school: line["upload"] for school, line in lines.items() if line["upload"]}
        hold(found == expected, "the manifest is not what the buckets say")
        hold(found[OUTSIDE] == outside["upload_id"], "the wrong file was frozen for the outside school")
        season.note("auditor", "recomputes window 1 from the buckets", f"{len(lines)} schools agree")

    with season.step("Reports are built and fetched"):
        for school in schools:
            for form, end in (("pdf", "pdf"), ("staff", "staff.pdf"), ("xlsx", "xlsx")):
                _write(f"{name}/reports/{school}.{end}", _report(season, school, form))
            season.note(school, "fetches its report", "PDF, staff copy and workbook")
        # As the schedule does every minute here, which is not waited for.
        season.stack.client("lambda").invoke(
            FunctionName=season.stack.outputs["OverviewFunctionName"], Payload=b'{"run": "overview"}'
        )
        for who, whose in ((trust, "trust-ABC"), (season.person("OPERATOR"), "operators-summary")):
            for form in ("pdf", "xlsx"):
                _write(f"{name}/reports/{whose}.{form}", _patiently(who, f"/overviews/{name}/1", form))
        season.note("ABC Trust", "fetches the report of its schools", "PDF and workbook")
        season.note("an operator", "fetches the summary", "PDF and workbook")
        try:
            season.person("OPERATOR").get(f"/reports/{name}/1/{first}", format="staff")
        except Refused as refusal:
            hold(refusal.status == 403, f"an operator who asked for pupils' names was answered with {refusal.status}")
        else:
            raise StepFailed("an operator was given a list of pupils")
        try:
            season.school(OUTSIDE).get(f"/reports/{name}/1/{first}", format="pdf")
        except Refused as refusal:
            hold(refusal.status == 403, f"a stranger's report was answered with {refusal.status}")
        else:
            raise StepFailed("a stranger was given a report")


def _crowd(season: Season) -> int:
    """The schools that stand beside the others: each trust posts its schools' files at once. Gives how many got in.

    On a busy machine noon strikes before all are there; then there are fewer to compare with, as in any season.
    """
    posted = []
    for trust in sorted({CROWD[school][1] for school in season.seeded.crowd}):
        files = {
            f"{school}.xlsx": exported(season.service, pupils)
            for school, pupils in season.seeded.crowd.items()
            if CROWD[school][1] == trust
        }
        for form in season.person(f"TRUST#{trust}").forms(season.service.name, files):
            answered = post_form(form["post"], files[form["name"]])
            late = datetime.now(UTC) >= season.seeded.calendar.windows[0].closes
            hold(answered == 204 or late, "a form of another school was not taken")
            if answered == 204:
                posted.append((trust, form["upload_id"]))
    for trust, upload_id in posted:
        came = season.person(f"TRUST#{trust}").verdict(upload_id)
        hold(came["status"] == "SUCCESSFUL", f"the file of another school became {came['status']}")
    return len(posted)


def recomputed_from(stack: Stack, closes: datetime, service: str = SERVICE) -> dict[str, str]:
    """What must be frozen, from the buckets alone: the latest accepted upload a school that S3 received in time."""
    best: dict[str, tuple[datetime, str]] = {}
    s3 = stack.client("s3")
    verdicts = stack.outputs["RecordsBucketName"]
    files = stack.outputs["UploadsBucketName"]
    for entry in s3.list_objects_v2(Bucket=verdicts, Prefix=f"verdicts/{service}/").get("Contents", []):
        verdict = json.loads(s3.get_object(Bucket=verdicts, Key=entry["Key"])["Body"].read())
        versions = s3.list_object_versions(Bucket=files, Prefix=verdict["key"])["Versions"]
        received = min(version["LastModified"] for version in versions).replace(microsecond=0)
        if verdict["outcome"] == "accepted" and received < closes:
            candidate = (received, verdict["upload"])
            best[verdict["school"]] = max(best.get(verdict["school"], candidate), candidate)
    return {school: upload for school, (_, upload) in best.items()}


def _changed(
    service: Service, right: dict[str, dict[str, str | int]], wrong: dict[str, dict[str, str | int]]
) -> list[str]:
    """The cells of a template that differ between two sets of results, in the order of the rows and columns."""
    return [
        cell_reference(row, at)
        for row, upn in enumerate(right, 2)
        for at, column in enumerate(service.columns, 1)
        if right[upn].get(column.key) != wrong[upn].get(column.key)
    ]


def _checked(season: Season, client: PortalClient, name: str, data: bytes) -> dict[str, Any]:
    return client.verdict(client.upload(season.service.name, name, data))


def _count_down(season: Season, closes: datetime) -> None:
    if (left := (closes - datetime.now(UTC)).total_seconds()) > 0:
        print(f"  {time.monotonic() - season.began:5.1f} s  {season.name}: {left:.0f} s to noon", flush=True)
        time.sleep(left)


def _frozen(season: Season) -> dict[str, Any]:
    operator = season.person("OPERATOR")
    deadline = time.monotonic() + 90
    while True:
        board: dict[str, Any] = operator.get(f"/windows/{season.service.name}/1")
        if board["state"] == "FROZEN":
            return board
        hold(time.monotonic() < deadline, f"window 1 is {board['state']}, waiting for {board['waiting']}")
        time.sleep(0.5)


def _report(season: Season, school: str, form: str) -> bytes:
    return _patiently(season.school(school), f"/reports/{season.service.name}/1/{school}", form)


def _patiently(client: PortalClient, path: str, form: str) -> bytes:
    """A document, once it is built. On a busy machine that takes more than one run of the schedule."""
    deadline = time.monotonic() + 300
    while True:
        try:
            return client.follow(path, format=form)
        except Refused as refusal:
            if refusal.status != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def _object(season: Season, bucket: str, key: str) -> bytes:
    data: bytes = season.stack.client("s3").get_object(Bucket=season.stack.outputs[bucket], Key=key)["Body"].read()
    return data


def _write(name: str, data: bytes) -> None:
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def slowness() -> float:
    """How many times longer a step takes than on a machine with nothing else to do, by what waits for a processor."""
    return min(max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)), SLOWEST)


def time_to_close(stack: Stack, services: int, crowded: bool) -> timedelta:
    """How long from now window 1 may stay open so that the schedule's next run after its close comes soon."""
    schedules = stack.client("scheduler")
    names = [s["Name"] for s in schedules.list_schedules()["Schedules"]]
    made: datetime = min(schedules.get_schedule(Name=name)["CreationDate"] for name in names)
    run = made + timedelta(seconds=60)
    needed = (NEEDED + BESIDE_IT * (services - 1) + CROWDED * crowded) * slowness()
    while run - timedelta(seconds=5) < datetime.now(UTC) + needed:
        run += timedelta(seconds=60)
    return run - timedelta(seconds=5) - datetime.now(UTC)


def table(rows: list[tuple[str, str, str, str]]) -> str:
    """What happened, as a table."""
    titles = ("s", "who", "did", "and")
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [titles, *rows]]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def main() -> int:
    """Plays the seasons; 0 if every step held."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    both = [SERVICE, BESIDE[0]]
    parser.add_argument(
        "services", nargs="*", metavar="SERVICE", default=both, help=f"which to play, {' and '.join(both)} if none"
    )
    names = list(dict.fromkeys(parser.parse_args().services))
    if unknown := [name for name in names if name not in service_names()]:
        parser.error(f"no service {unknown[0]}; there is {', '.join(service_names())}")
    began = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    folder = LOCAL / "demo"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        print(f"Early Results: {' and '.join(load_service(name).title for name in names)}", flush=True)
        build()
        with running(folder) as stack:
            crowded = SERVICE if SERVICE in names else ""
            closes_in = time_to_close(stack, len(names), bool(crowded))
            wanted = dict.fromkeys(names, closes_in)
            every = seed_services(stack, datetime.now(UTC), wanted, folder / "samples", crowded)
            seasons = [
                Season(stack, load_service(name), seeded, began) for name, seeded in zip(names, every, strict=True)
            ]
            print(f"  {time.monotonic() - began:5.1f} s  The stack is up", flush=True)
            with ThreadPoolExecutor(len(seasons)) as pool:
                list(pool.map(play, seasons))
    except (StepFailed, Refused, LocalError) as failed:
        print(f"\nThe season failed: {failed}", file=sys.stderr)
        return 1
    print("\n" + table(sorted(row for season in seasons for row in season.rows)))
    print(f"\nEvery step held. Templates, findings, manifests and reports are in {OUT.name}/")
    for path in sorted(p for p in OUT.rglob("*") if p.is_file()):
        print(f"  {path.relative_to(ROOT)}  {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
