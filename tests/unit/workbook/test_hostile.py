"""Every hostile file is read or refused in words, in another process: no crash, no hang, never 100 MB."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from early_results.findings import Code
from tests.unit.workbook.hostile import CASES, LARGE, MANY, READ, inflated

ROOT = Path(__file__).parents[3]
LIMIT_KIB = 100 * 1024
HANGS = 60  # seconds, many times what any file takes: only a hang is killed

# The child is the reader and nothing else: files in, each after its length, and a line of JSON out. The highest memory
# of the process is asked of /proc: getrusage would count the test run that it was forked from.
CHILD = """
import json, sys, time
sys.path.insert(0, "functions")
from early_results.workbook import Unreadable, open_workbook

def judge(data):
    first = None
    try:
        workbook = open_workbook(data)
    except Unreadable as error:
        return {"code": error.code, "message": error.message}
    for sheet in workbook.sheets:  # as the checks do: the results may be on another sheet than the one that is bad
        try:
            workbook.rows(sheet)
        except Unreadable as error:
            first = first or error
    return {"code": first.code, "message": first.message} if first else {"code": "read", "message": ""}

def highest():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

while size := sys.stdin.buffer.readline():
    data = sys.stdin.buffer.read(int(size))
    began = time.process_time()
    outcome = judge(data)
    outcome["seconds"] = time.process_time() - began
    outcome["kib"] = highest()
    print(json.dumps(outcome), flush=True)
"""


class Judge:
    """A process that reads files. It is replaced when it dies, hangs, or has needed so much memory that what the next
    file needs would not show."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def judge(self, data: bytes) -> dict[str, str | int | float]:
        if self.process is None:
            command = [sys.executable, "-I", "-S", "-c", CHILD]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(b"%d\n" % len(data) + data)
            self.process.stdin.flush()
            ready, _, _ = select.select([self.process.stdout], [], [], HANGS)
            assert ready, "the reader hangs"
            line = self.process.stdout.readline()
            assert line, f"the reader died: {self.process.wait()}"
        except BaseException:
            self.close()
            raise
        answer: dict[str, str | int | float] = json.loads(line)
        if int(answer["kib"]) > 40 * 1024:
            self.close()
        return answer

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process = None


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge()
    yield judge
    judge.close()


@pytest.mark.parametrize("name", CASES)
def test_hostile_file(name: str, judge: Judge) -> None:
    hostile = CASES[name]
    data = hostile.make()
    assert name not in LARGE or inflated(data) >= MANY
    answer = judge.judge(data)
    assert answer["code"] == hostile.outcome, answer
    assert int(answer["kib"]) < LIMIT_KIB, answer
    message = str(answer["message"])
    if hostile.outcome != READ:
        assert message.endswith(".")
        assert message.isprintable()
        assert 60 < len(message) < 400


def test_there_are_many_and_every_refusal_is_among_them() -> None:
    assert len(CASES) >= 100
    reader_codes = {Code.NOT_A_WORKBOOK, Code.OLD_EXCEL, Code.ENCRYPTED, Code.MACROS, Code.DAMAGED, Code.TOO_LARGE}
    assert {h.outcome for h in CASES.values()} == {READ, *reader_codes}
