"""Estimates: a model that does not fit is refused by name; chances are recounted; provenance is everywhere."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from early_results.canonical import sha256
from early_results.estimating.estimate import Basis, estimate
from early_results.estimating.model import BadModel, Model, model_sha256, read_model
from early_results.releasing import parts
from early_results.releasing.counted import CountedFile
from early_results.releasing.release import Inputs, Part, release_json
from early_results.results import Pupil, PupilResults
from early_results.service import load_service, service_names
from infra.local.example_model import example_model, example_text
from infra.operator import cli, estimating

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "estimates-ks1-2023.json"
SERVICES = {name: load_service(name) for name in service_names()}
KS1 = SERVICES["ks1-2023"]
LEVELS = ["below", "expected", "higher"]


def hashed(model: dict[str, Any]) -> bytes:
    """The model as a file, its hash made anew."""
    return json.dumps({**model, "sha256": model_sha256(model)}).encode()


def full() -> dict[str, Any]:
    """A model with cells of every kind, small enough to be recounted by hand."""
    model = copy.deepcopy(example_model())
    cells = [
        {"prior": "EXS", "gender": "F", "birth_month": 9, "counts": [5, 15, 10]},
        {"prior": "EXS", "gender": "F", "birth_month": 10, "counts": [4, 15, 10]},
        {"prior": "EXS", "gender": "M", "birth_month": 9, "counts": [1, 0, 0]},
        {"prior": "WTS", "gender": "F", "birth_month": 9, "counts": [10, 9, 10]},
        {"prior": "WTS", "gender": None, "birth_month": None, "counts": [1, 0, 0]},
        {"prior": "GDS", "gender": "F", "birth_month": 9, "counts": [0, 9, 20]},
    ]
    score = {"prior": "100 to 109", "gender": "F", "birth_month": 1, "counts": [0, 40, 0]}
    model |= {
        "example": False,
        "back_off": [["prior", "gender", "birth_month"], ["prior", "gender"], ["prior"]],
        "school_effects": {"50": [1, 1], "20": [3, 2], "5": [2, 1]},
        "outcomes": [
            {"key": "later", "name": "Later", "prior": "ta_reading", "levels": LEVELS, "cells": cells},
            {
                "key": "scored",
                "name": "Scored",
                "prior": "ss_reading",
                "bands": [["85 to 99", 85, 99], ["100 to 109", 100, 109]],
                "levels": LEVELS,
                "cells": [score],
            },
        ],
    }
    return model


def read(model: dict[str, Any]) -> Model:
    return read_model(hashed(model), SERVICES)


def row(reading: str = "EXS", gender: str = "F", month: str = "9", score: str = "") -> dict[str, str]:
    return {"ta_reading": reading, "ss_reading": score, "gender": gender, "birth_month": month}


def shown(model: Model, at: int = 0, **pupil: str) -> tuple[Basis, tuple[str, ...], int, list[str]]:
    found = estimate(model, model.outcomes[at], row(**pupil))
    chances = [share.shown for shares in found.chances.values() for share in shares]
    return found.basis, found.cell, found.pupils, chances


def test_the_example_is_what_its_generator_makes_and_says_that_it_is_one() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example_text()
    model = read_model(EXAMPLE.read_bytes(), SERVICES)
    assert model.example
    assert dict(model.provenance)["made of"].startswith("EXAMPLE, not for use. Generated counts")
    assert model.back_off == (("prior",),)


def test_chances_by_hand() -> None:
    model = read(full())
    # 30 girls of September: expected or above 25 of 30, higher 10 of 30; odds 1.5 and 2 times.
    finest = ("prior", "gender", "birth_month")
    assert shown(model) == (Basis.CHANCES, finest, 30, ["83%", "33%", "88%", "43%", "91%", "50%"])
    # 29 of October back off to the 59 girls.
    assert shown(model, month="10")[:3] == (Basis.CHANCES, ("prior", "gender"), 59)
    # One boy: backed off to all 60. A month or a gender that is not known picks no cell.
    assert shown(model, gender="M")[:3] == (Basis.CHANCES, ("prior",), 60)
    assert shown(model, month="")[:3] == (Basis.CHANCES, ("prior", "gender"), 59)
    assert shown(model, gender="")[:3] == (Basis.CHANCES, ("prior",), 60)
    # 29 and one of unknown gender are 30 in the last step alone; 29 are not enough.
    assert shown(model, reading="WTS")[:3] == (Basis.CHANCES, ("prior",), 30)
    assert shown(model, reading="GDS") == (Basis.FEW, (), 0, [])
    assert shown(model, reading="PK1") == (Basis.FEW, (), 0, [])
    assert shown(model, reading="") == (Basis.NO_RESULT, (), 0, [])
    # A number by its band: none has 90, 115 is in no band.
    assert shown(model, 1, score="104", month="1")[2:] == (40, ["100%", "0%"] * 3)
    assert shown(model, 1, score="90")[0] is Basis.FEW
    assert shown(model, 1, score="115")[0] is Basis.FEW
    assert shown(model, 1)[0] is Basis.NO_RESULT


COUNTS = st.lists(st.integers(0, 60), min_size=3, max_size=3)
CELLS = st.dictionaries(
    st.tuples(st.sampled_from(["EXS", "WTS"]), st.sampled_from(["F", "M", None]), st.sampled_from([1, 9, None])),
    COUNTS,
    min_size=1,
)


@settings(max_examples=150, deadline=None)
@given(cells=CELLS, gender=st.sampled_from(["F", "M", ""]), month=st.sampled_from(["1", "9", ""]), data=st.data())
def test_chances_are_those_of_the_finest_thirty(cells: Any, gender: str, month: str, data: st.DataObject) -> None:
    """Recounted with fractions: which cells are added up, and what a school's effect does to the odds."""
    given_model = full()
    by, over = data.draw(st.integers(10, 50)), 10
    given_model["school_effects"] = {"50": [1, 1], "20": [by, over], "5": [by * 2, over]}
    given_model["outcomes"] = [
        {
            **given_model["outcomes"][0],
            "cells": [
                {"prior": p, "gender": g, "birth_month": m, "counts": counts} for (p, g, m), counts in cells.items()
            ],
        }
    ]
    model = read(given_model)
    found = estimate(model, model.outcomes[0], row(gender=gender, month=month))
    steps: list[tuple[Any, Callable[[Any, Any], bool]]] = [
        (gender and month, lambda g, m: (g, m) == (gender, int(month))),
        (gender, lambda g, m: g == gender),
        (True, lambda g, m: True),
    ]
    for able, fits in steps:
        if not able:
            continue
        counts = [sum(c[i] for (p, g, m), c in cells.items() if p == "EXS" and fits(g, m)) for i in range(3)]
        if sum(counts) >= 30:
            break
    else:
        assert found.basis is Basis.FEW
        assert not found.chances
        return
    assert found.pupils == sum(counts) >= 30
    for percentile, ratio in (("50", Fraction(1)), ("20", Fraction(by, over)), ("5", Fraction(2 * by, over))):
        for level in (1, 2):
            chance = Fraction(sum(counts[level:]), sum(counts))
            odds = None if chance == 1 else chance / (1 - chance) * ratio
            wanted = Fraction(1) if odds is None else odds / (1 + odds)
            share = found.chances[percentile][level - 1]
            assert Fraction(share.count, share.of) == wanted
    for shares in found.chances.values():
        assert shares[0].count >= shares[1].count or shares[0].percent >= shares[1].percent  # type: ignore[operator]


def slip(change: Any) -> dict[str, Any]:
    model = full()
    change(model)
    return model


def _first(model: dict[str, Any]) -> Any:
    return model["outcomes"][0]


def _cell(model: dict[str, Any]) -> Any:
    return _first(model)["cells"][0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda m: m.update(form=2), "form: must be 1"),
        (lambda m: m.update(form=True), "form: must be a whole number"),
        (lambda m: m.pop("version"), "version: is missing"),
        (lambda m: m.update(fitted="yes"), "fitted: there is no such setting"),
        (lambda m: m.update(name="=HYPERLINK()"), "name: must not begin with"),
        (lambda m: m.update(made_of=" "), "made_of: must be a text"),
        (lambda m: m.update(example="no"), "example: must be true or false"),
        (lambda m: m.update(service="ks1-1999"), 'service: there is no service "ks1-1999"'),
        (
            lambda m: m.update(service="phonics-2026"),
            'outcomes[0].prior: phonics-2026 has no result column "ta_reading"',
        ),
        (lambda m: m.update(back_off=[]), "back_off: must be a list, and not be empty"),
        (lambda m: m.update(back_off=[["gender"]]), 'back_off[0]: must name "prior"'),
        (lambda m: m.update(back_off=[["prior", "ethnicity"]]), 'back_off[0]: must be a list of "prior"'),
        (lambda m: m["back_off"].reverse(), "back_off[1]: must leave out something"),
        (lambda m: m["school_effects"].pop("5"), "school_effects.5: is missing"),
        (lambda m: m["school_effects"].update({"50": [2, 1]}), "school_effects.50: must be [1, 1]"),
        (lambda m: m["school_effects"].update({"5": [1, 1]}), "school_effects.5: must be no less"),
        (lambda m: m["school_effects"].update({"5": [1.5, 1]}), "school_effects.5: must be two whole numbers"),
        (lambda m: m["school_effects"].update({"10": [1, 1]}), "school_effects.10: there is no such setting"),
        (lambda m: _first(m).update(levels=["a"]), "outcomes[0].levels: must be 2 to 20"),
        (lambda m: _first(m).update(key="scored"), "outcomes: two have the same key"),
        (lambda m: _first(m).update(bands=[["x", 1, 2]]), "outcomes[0].bands: ta_reading holds codes"),
        (lambda m: _cell(m).update(prior="EXP"), 'outcomes[0].cells[0].prior: "EXP" is not a code or band'),
        (lambda m: _cell(m).update(gender="girl"), 'outcomes[0].cells[0].gender: must be "F", "M"'),
        (lambda m: _cell(m).update(birth_month=13), "outcomes[0].cells[0].birth_month: must be 1 to 12"),
        (lambda m: _cell(m).update(counts=[1, 2]), "outcomes[0].cells[0].counts: must be 3 whole numbers"),
        (lambda m: _cell(m).update(counts=[1, 2, 0.5]), "outcomes[0].cells[0].counts: must be 3 whole numbers"),
        (lambda m: _cell(m).update(counts=[1, 2, -1]), "outcomes[0].cells[0].counts: must be 3 whole numbers"),
        (lambda m: _cell(m).update(n=30), "outcomes[0].cells[0].n: there is no such setting"),
        (lambda m: _first(m)["cells"].append(_cell(m)), "outcomes[0].cells[6]: is the second cell"),
        (lambda m: m["outcomes"][1]["bands"].reverse(), "outcomes[1].bands[1]: must begin above"),
        (lambda m: m["outcomes"][1].update(bands=[["a", 1, 99]]), "outcomes[1].bands[0]: must lie within 85 to 115"),
        (lambda m: m["outcomes"][1].pop("bands"), "outcomes[1].bands: is missing"),
        (lambda m: m.update(outcomes=[3]), "outcomes[0]: must be an object"),
    ],
)
def test_a_model_that_does_not_fit_is_refused_by_the_settings_name(change: Any, says: str) -> None:
    with pytest.raises(BadModel) as refused:
        read(slip(change))
    assert str(refused.value).startswith(says)


def test_a_model_that_was_changed_after_it_was_made_is_refused_and_the_right_hash_named() -> None:
    model = json.loads(hashed(full()))
    _cell(model)["counts"][0] += 1
    with pytest.raises(BadModel, match=f"sha256: is not the hash of the rest, which is {model_sha256(model)}"):
        read_model(json.dumps(model).encode(), SERVICES)
    for text, says in ((b"{", "it is not JSON"), (b"[]", "the model: must be an object")):
        with pytest.raises(BadModel, match=says):
            read_model(text, SERVICES)
    with pytest.raises(BadModel, match="NaN and infinity"):
        read_model(hashed(full()).replace(b"[5, 15, 10]", b"[NaN, 15, 10]"), SERVICES)


# The command, on a release as it is handed over.

RELEASE = "0001-0123456789ab"


@pytest.fixture
def handed(tmp_path: Path) -> Path:
    """A release of two schools in two authorities, as `handover` writes it."""
    home = tmp_path / "handed-over" / KS1.name / RELEASE
    made, files = [], []
    for at, school in enumerate(("1231234", "8012003")):
        file = CountedFile(
            school, f"01H43Q0F8RZJ4T1D2ZK5N8Q6W{at}", "0" * 64, "0" * 64, "2023-07-01T09:00:00Z", KS1.ruleset
        )
        files.append(file)
        results = [
            PupilResults(
                Pupil(school, f"P{at}{number:011d}", "A", "B", "Female", date(2015, 9, 1), "2"),
                number + 2,
                {"ta_reading": code} if code else {},
                {},
            )
            for number, code in enumerate(("EXS", "GDS", "", "EM"))
        ]
        data = parts.packed(parts.csv_bytes(parts.columns_of(KS1), parts.pupil_rows(KS1, 2, file, results)))
        path = home / parts.authority_path(file.authority)
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        made.append(Part(parts.authority_path(file.authority), sha256(data), len(data), file.authority, 4, 1))
    inputs = Inputs(KS1.name, 2, "manifests/x", "0" * 64, (), "0" * 64, tuple(files))
    (home / "release.json").write_bytes(release_json(1, inputs, made, [], []))
    return tmp_path / "handed-over"


def run(model: Path, data: Path, out: Path, *more: str) -> int:
    return cli.main(["apply-estimates", str(model), "--data", str(data), "--out", str(out), *more])


def test_every_row_and_every_page_says_where_the_model_is_from(
    handed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "estimates"
    assert run(EXAMPLE, handed, out) == 0
    said = capsys.readouterr().out
    assert "made of: EXAMPLE, not for use." in said
    assert "later reading: 4 chances, 2 no estimate: no result, 2 no estimate: the model has fewer than 30" in said
    model = read_model(EXAMPLE.read_bytes(), SERVICES)
    name = json.loads((handed / KS1.name / RELEASE / "release.json").read_text())["release"]
    provenance = {**dict(model.provenance), "release": name}
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.csv"))
    assert files == [f"ks2_{s}/la={la}.csv" for s in ("maths", "reading") for la in ("123", "801")]
    rows = [row for path in out.glob("ks2_reading/*.csv") for row in csv.DictReader(io.StringIO(path.read_text()))]
    assert len(rows) == 8
    counts = {cell["prior"]: cell["counts"] for cell in example_model()["outcomes"][0]["cells"]}
    for row in rows:
        assert {name: row[name] for name in provenance} == provenance
        chance = row["expected standard or above, 50th percentile"]
        if row["prior"] in ("EXS", "GDS"):
            reached, of = sum(counts[row["prior"]][1:]), sum(counts[row["prior"]])
            assert (chance, row["pupils"], row["by"]) == (f"{(200 * reached + of) // (2 * of)}%", str(of), "prior")
        else:
            assert row["estimate"].startswith("no estimate")
            assert (chance, row["pupils"]) == ("", "")
    book = load_workbook(out / "estimates.xlsx")
    assert len(book.sheetnames) == 4
    for page in book.worksheets:
        texts = {(page.cell(at, 1).value, page.cell(at, 2).value) for at in range(2, 7)}
        assert texts == set(provenance.items())
        assert page.print_title_rows == "$1:$9"
        assert page.oddFooter is not None
        assert page.oddFooter.left.text == f"Model 1, {model.sha256[:16]}"
        assert page.max_row == 9 + 4


def test_the_same_model_and_release_give_the_same_bytes(handed: Path, tmp_path: Path) -> None:
    written = []
    for number in (1, 2):
        out = tmp_path / f"out{number}"
        assert run(EXAMPLE, handed, out) == 0
        written.append({p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert written[0] == written[1]
    # Nothing of the moment is in the workbook: two runs of one second could not tell.
    with zipfile.ZipFile(tmp_path / "out1" / "estimates.xlsx") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2000, 1, 1, 0, 0, 0)}
        assert set(re.findall(rb">(\d{4}-[^<]*Z)<", archive.read("docProps/core.xml"))) == {b"2000-01-01T00:00:00Z"}


def test_schools_are_chosen_and_a_workbook_of_many_is_not_made(
    handed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(estimating, "MOST_SCHOOLS", 1)
    assert run(EXAMPLE, handed, tmp_path / "all") == 0
    assert "No workbook: it takes at most 1 schools" in capsys.readouterr().out
    assert not (tmp_path / "all" / "estimates.xlsx").exists()
    assert run(EXAMPLE, handed, tmp_path / "one", "--school", "8012003") == 0
    assert [p.name for p in (tmp_path / "one" / "ks2_reading").iterdir()] == ["la=801.csv"]
    assert len(load_workbook(tmp_path / "one" / "estimates.xlsx").sheetnames) == 2
    assert run(EXAMPLE, handed, tmp_path / "none", "--school", "9999999") == 2
    assert "no pupil of these schools" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("slip", "says"),
    [
        ("nothing there", "no release of ks1-2023 lies in"),
        ("another service", "the model is of ks1-2023, the release of phonics-2026: it does not fit"),
        ("changed", "la=123/pupils.csv.gz is not what release.json says"),
        ("missing", "la=123/pupils.csv.gz is missing"),
        ("no json", "release.json cannot be read"),
        ("no model", "cannot read"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(
    handed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], slip: str, says: str
) -> None:
    home, model = handed / KS1.name / RELEASE, EXAMPLE
    told, part = home / "release.json", home / "la=123" / "pupils.csv.gz"
    if slip == "nothing there":
        told.unlink()
    elif slip == "another service":
        told.write_text(told.read_text().replace('"service": "ks1-2023"', '"service": "phonics-2026"'))
    elif slip == "changed":
        part.write_bytes(part.read_bytes()[:-1] + b"x")
    elif slip == "missing":
        part.unlink()
    elif slip == "no json":
        told.write_text("{")
    else:
        model = tmp_path / "none.json"
    assert run(model, handed, tmp_path / "out") == 2
    assert says in capsys.readouterr().err
