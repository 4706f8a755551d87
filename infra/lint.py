"""`make lint` beyond Python: the page's JavaScript, the template with sam and cfn-lint, the lock file's exports."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from infra import advisories, javascript
from infra.local.stack import LOCAL, ROOT, environment

EXPORTS = (
    "functions/requirements.txt",
    "infra/typst-layer/arm64/requirements.txt",
    "infra/typst-layer/x86_64/requirements.txt",
)


def checks() -> list[list[str]]:
    """The commands that must succeed."""
    return [
        [str(LOCAL / "sam" / "bin" / "sam"), "validate", "--lint", "--template", str(ROOT / "template.yaml")],
        [str(ROOT / ".venv" / "bin" / "cfn-lint"), str(ROOT / "template.yaml")],
        [
            str(ROOT / ".venv" / "bin" / "cfn-lint"),
            str(ROOT / "infra" / "edge" / "template.yaml"),
            "--regions",
            "us-east-1",
        ],
    ]


def exports_in_step() -> list[str]:
    """The exported lists of packages that differ from what the lock file would export now."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [str(ROOT / "infra" / "export.sh"), folder],
            cwd=ROOT,
            env=environment(),
            check=True,
            stdin=subprocess.DEVNULL,
        )
        fresh = {name: Path(folder, name.replace("/", "-")).read_text() for name in EXPORTS}
    return [name for name, text in fresh.items() if (ROOT / name).read_text() != text]


# Licences of packages that may be shipped together with our code.
LICENCES = re.compile(r"\b(MIT|Apache|BSD|PSF|Python Software Foundation|0BSD|ISC|Unlicense)\b", re.IGNORECASE)


def licences_unknown() -> list[str]:
    """The packages that ship and whose own metadata names none of these licences, or no licence at all."""
    found = set()
    for name in EXPORTS:
        for line in (ROOT / name).read_text().splitlines():
            package = re.split(r"[=<>;\[ ]", line, maxsplit=1)[0]
            if not package:
                continue
            told = metadata.metadata(package).json
            words = [str(told.get("license_expression", "")), str(told.get("license", ""))[:60]]
            words += [text for text in told.get("classifier", []) if text.startswith("License ::")]
            if not LICENCES.search(" ".join(words)):
                found.add(package)
    return sorted(found)


def main() -> int:
    """0 if all is well."""
    failed = javascript.main([])
    for package in licences_unknown():
        failed = 1
        print(f"{package} ships, and infra/lint.py does not know its licence", file=sys.stderr)
    try:
        for advisory in advisories.advisories(advisories.pinned((ROOT / name).read_text() for name in EXPORTS)):
            failed = 1
            print(advisory.words, file=sys.stderr)
    except advisories.NotAsked as error:
        print(f"advisories against what ships: not checked, PyPI could not be asked ({error})")
    for command in checks():
        done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            failed = 1
            print(f"{Path(command[0]).name} {command[1]}:\n{done.stdout}{done.stderr}", file=sys.stderr)
    for name in exports_in_step():
        failed = 1
        print(f"{name} is not what the lock file says: run infra/lock.sh", file=sys.stderr)
    if not failed:
        print("the page's JavaScript, sam validate --lint, cfn-lint and the lock file's exports: all well")
    return failed


if __name__ == "__main__":
    sys.exit(main())
