"""The list of findings for people: CSV to download, text for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from early_results.checking.check import Verdict
    from early_results.checking.pupils import Concerned
    from early_results.findings import Code, Finding

FIRST_CELLS = 8  # how many cells of one rule the terminal names, before it says how many more there are
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDTH = 100

_RED, _AMBER, _GREEN, _BOLD, _DIM = "31", "33", "32", "1", "2"


def findings_csv(findings: Iterable[Finding]) -> bytes:
    """The findings as CSV that Excel opens as it should: with a byte order mark, and no cell that starts a formula."""
    return _csv([_HEAD, *(_line(finding) for finding in findings)])


def concerned_csv(findings: Iterable[Concerned]) -> bytes:
    """The same with the pupils and the values that the findings are about, for who may see them.

    A finding about several pupils has a line for each of them.
    """
    lines = [[*_HEAD, "Pupil", "UPN", "In your file"]]
    for one in findings:
        for pupil in one.pupils or (one.pupil,):
            whose = [pupil.name, pupil.upn] if pupil else ["", ""]
            lines.append([*_line(one.finding), *whose, one.value or ""])
    return _csv(lines)


_HEAD = ["Type", "Cell", "Row", "Column", "What to do", "Code"]


def _line(finding: Finding) -> list[str]:
    row = "" if finding.row is None else str(finding.row)
    cells = [finding.severity.value.capitalize(), finding.cell or "", row, finding.column or "", finding.message]
    return [*cells, finding.code.value]


def _csv(lines: Iterable[Sequence[str]]) -> bytes:
    import csv
    import io

    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerows([formula_safe(cell) for cell in line] for line in lines)
    return out.getvalue().encode("utf-8-sig")


def formula_safe(text: str) -> str:
    """The text, with an apostrophe before it if a spreadsheet would otherwise run it as a formula."""
    return "'" + text if text.startswith(_FORMULA_STARTS) else text


def terminal_safe(text: str) -> str:
    """The text without the control characters that could repaint a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def by_rule(findings: Iterable[Finding]) -> list[tuple[Code, str, list[Finding]]]:
    """The findings grouped by code and message, in order of first appearance. A person corrects one group in one go."""
    groups: dict[tuple[Code, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.code, finding.message), []).append(finding)
    return [(code, message, group) for (code, message), group in groups.items()]


def verdict_text(verdict: Verdict, *, colour: bool = False) -> str:
    """The verdict as a terminal shows it: the outcome, then each rule once with the cells it was found in."""

    def paint(code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if colour else text

    lines = []
    pupils = _count(verdict.pupils, "pupil")
    if verdict.accepted:
        lines.append(
            f"{paint(_GREEN + ';' + _BOLD, '✔ Accepted')}  {pupils}, {_count(len(verdict.warnings), 'warning')}"
        )
    else:
        counts = f"{_count(len(verdict.errors), 'error')}, {_count(len(verdict.warnings), 'warning')}, {pupils}"
        lines.append(f"{paint(_RED + ';' + _BOLD, '✘ Not accepted')}  {counts}")
    for title, colour_code, findings in (
        ("Errors: correct these and upload the file again", _RED, verdict.errors),
        ("Warnings: these do not stop the file", _AMBER, verdict.warnings),
    ):
        if not findings:
            continue
        lines += ["", paint(_BOLD, title)]
        for code, message, group in by_rule(findings):
            lines.append(f"  {paint(colour_code, code.value)}  {paint(_DIM, _where(group))}".rstrip())
            lines += [f"      {line}" for line in _wrapped(terminal_safe(message))]
    lines += ["", paint(_DIM, f"Ruleset {verdict.ruleset}")]
    return "\n".join(lines) + "\n"


def _where(group: Sequence[Finding]) -> str:
    """`M4, M9 (Phonics mark)`. The column is named only if all cells are in one column."""
    places = [finding.cell or "" for finding in group if finding.cell]
    columns = {finding.column for finding in group if finding.column}
    text = ", ".join(places[:FIRST_CELLS])
    if len(places) > FIRST_CELLS:
        text += f" and {len(places) - FIRST_CELLS} more"
    if len(columns) == 1:
        column = terminal_safe(columns.pop())
        text = f"{text} ({column})" if text else column
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines
