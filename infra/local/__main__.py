"""The embedded stack with the demonstration schools.

python -m infra.local run        what `make run` does
python -m infra.local build      what `make build` does for this machine
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import time
from datetime import UTC, datetime, timedelta

from infra.local import demonstration
from infra.local.stack import FIRST_PORT, LOCAL, MAIL, LocalError, build, deploy, ministack


def run(port: int, closes_in: timedelta) -> None:
    """`make run`: the stack with demonstration schools, until Ctrl-C or SIGTERM."""
    print("Building the functions ...", flush=True)
    build()
    folder = LOCAL / "run"
    shutil.rmtree(folder, ignore_errors=True)
    with ministack(folder, port) as (endpoint, key, secret):
        print("Deploying the template ...", flush=True)
        stack = deploy(endpoint, key, secret, folder, None, **MAIL)
        print("Taking in the demonstration schools ...", flush=True)
        names = (demonstration.SERVICE, *demonstration.BESIDE)
        wanted = {name: closes_in * (2 + at) / 2 for at, name in enumerate(names)}
        seeded = demonstration.seed_services(stack, datetime.now(UTC), wanted, folder / "samples")
        (LOCAL / "stack.json").write_text(json.dumps(demonstration.stack_json(stack, seeded[0]), indent=2) + "\n")
        print(demonstration.greeting(stack, seeded), flush=True)
        try:
            while True:
                time.sleep(3600)
        finally:
            (LOCAL / "stack.json").unlink(missing_ok=True)
            print("\nStopping ...", flush=True)


def main() -> int:
    """The command of this module."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build")
    runner = commands.add_parser("run")
    runner.add_argument("--port", type=int, default=FIRST_PORT)
    runner.add_argument("--closes-in", type=float, default=45, help="minutes until the first window closes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does
    try:
        if options.command == "build":
            build()
        else:
            run(options.port, timedelta(minutes=options.closes_in))
    except KeyboardInterrupt:
        return 0
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
