"""`early-results apply-estimates`: a model applied to a data set that was handed over; no stack and no AWS.

What is written is chances and how many pupils they rest on, one CSV a later outcome, and a workbook, one sheet a school
and outcome. The model's version, its hash and what it was made of stand in every row and on every page.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from early_results.canonical import sha256
from early_results.estimating.estimate import Basis, Estimate, estimate
from early_results.estimating.model import BadModel, Later, Model, read_model
from early_results.releasing.parts import BadPart, unpacked
from early_results.releasing.release import RELEASE
from early_results.service import load_service, service_names

from .estimates_workbook import estimates_workbook

MOST_MODEL_BYTES = 50_000_000
MOST_SCHOOLS = 60  # of one workbook: a sheet for each of them and each outcome
PERCENTILE_WORDS = {"50": "50th percentile", "20": "20th percentile", "5": "5th percentile"}

Row = dict[str, str]


class CannotEstimate(Exception):
    """The model or the data cannot be used; the message says why."""


@dataclass(slots=True)
class Estimated:
    """What was written: how many estimates came to what, by outcome, and which files."""

    told: dict[str, Counter[Basis]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    workbook: str = ""


def load_model(path: Path) -> Model:
    """The model of a file. CannotEstimate, with the setting's name, if it cannot be used."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CannotEstimate(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MOST_MODEL_BYTES:
        raise CannotEstimate(f"{path} is larger than {MOST_MODEL_BYTES:,} bytes")
    try:
        return read_model(data, {name: load_service(name) for name in service_names()})
    except BadModel as error:
        raise CannotEstimate(f"{path}: {error}") from None


def find_release(folder: Path, service: str) -> Path:
    """The release that lies in a folder: itself, or the last one of the service that was handed over there."""
    if (folder / RELEASE).is_file():
        return folder
    home = folder / service
    found = sorted(path for path in home.iterdir() if (path / RELEASE).is_file()) if home.is_dir() else []
    if not found:
        raise CannotEstimate(f"no release of {service} lies in {folder}: fetch one with `early-results handover`")
    return found[-1]


def read_release(folder: Path, model: Model) -> tuple[dict[str, Any], Iterator[tuple[str, list[Row]]]]:
    """release.json, and the rows of each local authority, each file held against its hash.

    CannotEstimate if the release is of another service than the model, or is not whole.
    """
    try:
        told: dict[str, Any] = json.loads((folder / RELEASE).read_text(encoding="utf-8"))
        service, parts = told["service"], [part for part in told["files"] if "la" in part]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotEstimate(f"{folder / RELEASE} cannot be read") from error
    if service != model.service:
        raise CannotEstimate(f"the model is of {model.service}, the release of {service}: it does not fit")

    def rows() -> Iterator[tuple[str, list[Row]]]:
        for part in parts:
            try:
                data = (folder / part["path"]).read_bytes()
            except OSError as error:
                raise CannotEstimate(f"{part['path']} is missing: fetch the release again") from error
            if sha256(data) != part["sha256"]:
                raise CannotEstimate(f"{part['path']} is not what {RELEASE} says: fetch the release again")
            try:
                text = unpacked(data).decode()
            except BadPart as error:
                raise CannotEstimate(f"{part['path']}: {error}") from error
            yield part["la"], list(csv.DictReader(io.StringIO(text, newline="")))

    return told, rows()


def apply_estimates(model: Model, folder: Path, out: Path, schools: frozenset[str]) -> Estimated:
    """Writes the estimates of a release into a folder: of all schools, or of those that are named."""
    release, parts = read_release(folder, model)
    provenance = dict(model.provenance) | {"release": release["release"]}
    done = Estimated({later.key: Counter() for later in model.outcomes})
    kept: dict[str, list[Row]] = {}
    known: dict[object, Estimate] = {}
    for authority, rows in parts:
        chosen = [row for row in rows if not schools or row["school"] in schools]
        if not chosen:
            continue
        for row in chosen:
            if len(kept) <= MOST_SCHOOLS:
                kept.setdefault(row["school"], []).append(row)
        for later in model.outcomes:
            path = out / later.key / f"la={authority}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8", newline="") as target:
                writer = csv.DictWriter(target, columns(model, later), lineterminator="\n")
                writer.writeheader()
                for row in chosen:
                    found = estimate(model, later, row, known)
                    done.told[later.key][found.basis] += 1
                    writer.writerow(line(model, later, row, found) | provenance)
            done.files.append(path)
    if not kept:
        raise CannotEstimate("the release has no pupil of these schools" if schools else "the release has no pupils")
    if len(kept) > MOST_SCHOOLS:
        done.workbook = f"No workbook: it takes at most {MOST_SCHOOLS} schools. Name them with --school."
        return done
    sheets = {
        (school, later.name): [line(model, later, row, estimate(model, later, row, known)) for row in rows]
        for school, rows in kept.items()
        for later in model.outcomes
    }
    path = out / "estimates.xlsx"
    path.write_bytes(estimates_workbook(provenance, sheets))
    done.files.append(path)
    return done


def columns(model: Model, later: Later) -> list[str]:
    """The columns of an outcome's CSV, in order."""
    names = [name for name, _ in model.provenance]
    return ["school", "la", "upn", "upload_id", "row", *_told(model, later), *names, "release"]


def _told(model: Model, later: Later) -> list[str]:
    chances = [
        f"{level} or above, {PERCENTILE_WORDS[percentile]}"
        for percentile, _ in model.effects
        for level in later.levels[1:]
    ]
    return ["prior", "estimate", "by", "pupils", *chances]


def line(model: Model, later: Later, row: Row, found: Estimate) -> Row:
    """An estimate as a row: the chances of each level or more, in whole per cent, and how many they rest on."""
    told = dict.fromkeys(_told(model, later), "")
    told |= {"prior": found.prior, "estimate": found.basis.value}
    if found.basis is Basis.CHANCES:
        told |= {"by": ", ".join(found.cell), "pupils": str(found.pupils)}
        for percentile, shares in found.chances.items():
            for level, share in zip(later.levels[1:], shares, strict=True):
                told[f"{level} or above, {PERCENTILE_WORDS[percentile]}"] = share.shown
    return {name: row[name] for name in ("school", "la", "upn", "upload_id", "row")} | told


def describe(model: Model, done: Estimated, out: Path) -> str:
    """What was written, in words, with where the model is from."""
    lines = [f"{name}: {text}" for name, text in model.provenance]
    for later in model.outcomes:
        counts = done.told[later.key]
        lines.append(f"{later.name}: " + ", ".join(f"{counts[basis]:,} {basis.value}" for basis in Basis))
    lines.append(f"{len(done.files)} files in {out}.")
    return "\n".join(lines + ([done.workbook] if done.workbook else []))
