"""Makes docs/examples/estimates-ks1-2023.json: a model in the shape of published transition matrices.

The Department publishes, for each prior attainment, how many pupils came to which later outcome, and nothing of gender
or month of birth. The example has that shape; its counts are drawn from a seed and are of nobody.

    python -m infra.local.example_model > docs/examples/estimates-ks1-2023.json
"""

from __future__ import annotations

import json
import random
import sys
from typing import Any

from early_results.estimating.model import FORM, model_sha256

LEVELS = ["below the expected standard", "expected standard", "higher standard"]
# How likely each level is after each code, in thousandths, and how many pupils are drawn: EM stays under 30.
AFTER = {
    "GDS": ([20, 330, 650], 8_000),
    "EXS": ([180, 660, 160], 24_000),
    "WTS": ([710, 280, 10], 9_000),
    "PK4": ([900, 98, 2], 900),
    "PK3": ([940, 59, 1], 420),
    "PK2": ([970, 30, 0], 260),
    "PK1": ([985, 15, 0], 160),
    "EM": ([1000, 0, 0], 22),
}


def example_model() -> dict[str, Any]:
    """The model as its file has it; the same every time."""
    draw = random.Random("estimates-ks1-2023")  # noqa: S311 - an example, not a secret
    outcomes = []
    for subject in ("reading", "maths"):
        cells = []
        for prior, (weights, pupils) in AFTER.items():
            drawn = draw.choices(range(len(LEVELS)), weights, k=pupils)
            cells.append({"prior": prior, "counts": [drawn.count(level) for level in range(len(LEVELS))]})
        outcomes.append(
            {
                "key": f"ks2_{subject}",
                "name": f"later {subject}",
                "prior": f"ta_{subject}",
                "levels": LEVELS,
                "cells": cells,
            }
        )
    model: dict[str, Any] = {
        "form": FORM,
        "name": "ks1-2023 to the next key stage: an example",
        "version": "1",
        "service": "ks1-2023",
        "example": True,
        "made_of": "Generated counts in the shape of the Department's published transition matrices: "
        "prior attainment alone, no gender, no month of birth. No child's results are in it.",
        "back_off": [["prior"]],
        "school_effects": {"50": [1, 1], "20": [13, 10], "5": [17, 10]},
        "outcomes": outcomes,
    }
    return {**model, "sha256": model_sha256(model)}


def example_text() -> str:
    """The file's text."""
    return json.dumps(example_model(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(example_text())
