"""What checkov finds in the templates: run by `.ci/run`, in an environment of its own, since it pins boto3.

python -m infra.checkov

Every exception stands in the template, with its reason, at the resource that it is about. Checkov cannot read YAML's
merge keys, so it is given the templates with the keys merged.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from cfnlint.decode import cfn_yaml  # type: ignore[import-untyped]

from infra.local.stack import LOCAL, ROOT, environment

VERSION = "3.3.30"
TEMPLATES = ("template.yaml", "infra/edge/template.yaml")
PROGRAM = LOCAL / "checkov" / "bin" / "checkov"


def set_up() -> None:
    """Installs checkov under .local/ if it is not there."""
    if PROGRAM.exists():
        return
    uv = str(LOCAL / "uv" / "bin" / "uv")
    python = str(PROGRAM.parent / "python")
    for command in (
        [uv, "venv", "--quiet", str(LOCAL / "checkov")],
        [uv, "pip", "install", "--quiet", "--python", python, f"checkov=={VERSION}"],
    ):
        subprocess.run(command, cwd=ROOT, env=environment(), check=True, stdin=subprocess.DEVNULL)


def main() -> int:
    """0 if checkov finds nothing but exceptions that the template justifies."""
    set_up()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in TEMPLATES:
            written = Path(folder, name.replace("/", "-")).with_suffix(".json")
            written.write_text(json.dumps(cfn_yaml.load(str(ROOT / name))))
            command = [str(PROGRAM), "-f", str(written), "--framework", "cloudformation"]
            command += ["--compact", "--quiet", "--skip-download"]
            done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
            if done.returncode or re.search(r"Parsing errors: [1-9]", done.stdout):
                failed = 1
                print(f"checkov {name}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    if not failed:
        print("checkov: nothing found but what the template justifies")
    return failed


if __name__ == "__main__":
    sys.exit(main())
