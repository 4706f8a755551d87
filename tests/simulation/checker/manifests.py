"""Each line of a manifest is its verdict, and has a sealed row."""

from __future__ import annotations

from typing import Any

from .evidence import Evidence


def check_lines(view: Evidence, number: int, lines: dict[str, dict[str, Any]]) -> None:
    for school, line in lines.items():
        row = view.items.get((f"WINDOW#{view.case.service}#{number}#LA#{school[:3]}", f"SCHOOL#{school}"), {})
        if "frozen_at" not in row:
            view.wrong(2, f"{school} is in the manifest of window {number} without a sealed row")
        if line["upload"] is None:
            continue
        verdict = view.verdicts.get(line["upload"])
        if verdict is None:
            view.wrong(3, f"{line['upload']} was frozen without a verdict")
            continue
        for name in ("key", "version", "sha256", "received", "ruleset", "figures"):
            if line[name] != verdict[name]:
                view.wrong(3, f"the manifest's {name} of {line['upload']} is not the verdict's")
        carried = verdict["window"] if verdict["window"] != number else None
        if line["carried_from"] != carried:
            view.wrong(3, f"{line['upload']} is marked as carried from {line['carried_from']}, not {carried}")
