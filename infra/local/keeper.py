"""Runs a program in a process group of its own, and ends the whole group when the caller is gone.

    python keeper.py FOLDER PROGRAM [ARGUMENT ...]

The caller holds the other end of this program's standard input. It closes it to end the program. The system closes it
when the caller dies in whatever way, killed included; so no server outlives the run that started it. FOLDER, the
program's scratch folder, is removed at the end. Nothing of the project is imported, so that this starts in a moment.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress


def main() -> int:
    """The program's exit code, negative for the signal that ended it."""
    folder, *command = sys.argv[1:]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def end() -> None:
        # Killed at once: the program has nothing to save, and a tidy end would wait for its children.
        with suppress(ProcessLookupError):  # every process of the group has ended already
            os.killpg(process.pid, signal.SIGKILL)

    def until_the_caller_is_gone() -> None:
        sys.stdin.buffer.read()
        end()

    threading.Thread(target=until_the_caller_is_gone, daemon=True).start()
    try:
        return process.wait()
    finally:
        end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code if code >= 0 else 1)  # the thread may still hold standard input: Python would wait for its lock
