"""A server that a run started ends with the run, however the run ends (`infra/local/keeper.py`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.stack import KEEPER, wait_for

# A server, with a child as MiniStack has one for each function; it says who they are. Nothing makes it end by itself.
SERVER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
import os, pathlib
pathlib.Path(sys.argv[1]).write_text(f"{os.getpid()} {child.pid} .")
time.sleep(3600)
"""
# Who starts it as `ministack` does, and then waits for a word.
CALLER = """
import subprocess, sys
keeper = subprocess.Popen([sys.executable, "-I", *sys.argv[1:]], stdin=subprocess.PIPE, start_new_session=True)
sys.stdin.read()
with keeper: pass
"""


def lives(process: int) -> bool:
    """Whether a process runs; a dead one that nobody has asked after does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked for in /proc")
@pytest.mark.parametrize("how", ["killed", "ends"])
def test_a_server_ends_with_whoever_started_it(tmp_path: Path, how: str) -> None:
    scratch, told = tmp_path / "scratch", tmp_path / "told"
    scratch.mkdir()
    server = [str(KEEPER), str(scratch), sys.executable, "-c", SERVER, str(told)]
    caller = subprocess.Popen([sys.executable, "-c", CALLER, *server], stdin=subprocess.PIPE)
    wait_for("the server", lambda: told.exists() and told.read_text().endswith("."), 120)
    processes = [int(word) for word in told.read_text().split()[:2]]
    assert all(lives(process) for process in processes)
    if how == "killed":
        os.kill(caller.pid, signal.SIGKILL)
    assert caller.stdin is not None
    caller.stdin.close()
    caller.wait()
    wait_for("the server and its child to end", lambda: not any(lives(process) for process in processes), 120)
    wait_for("their scratch folder to go", lambda: not scratch.exists(), 120)
