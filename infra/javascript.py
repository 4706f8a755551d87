"""The page's JavaScript: formatted and linted (Biome), no long line, and its pure logic tested (Node's own runner).

    python -m infra.javascript          checks, as `make lint` does
    python -m infra.javascript format   formats the files, and writes the lists of modules in index.html
    python -m infra.javascript test     tests/page without a browser, in a second or two

Only developers need Node and Biome (infra/setup.sh). The page's files are served as they are, without a build step.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence

from infra.local.stack import LOCAL, ROOT

ASSETS = ROOT / "functions" / "portal" / "assets"
TESTS = ROOT / "tests" / "page"
NODE = LOCAL / "node" / "bin" / "node"
BIOME = LOCAL / "page-tools" / "node_modules" / "@biomejs" / "biome" / "bin" / "biome"
WIDTH = 120


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Runs Node with a command line. Of the caller's environment Node gets only the path."""
    return subprocess.run(
        [str(NODE), *map(str, command)],
        cwd=ROOT,
        env={"PATH": f"{NODE.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def biome(action: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Runs Biome on the page and on its tests."""
    config = ROOT / "infra" / "page-tools"
    return run(BIOME, *action, "--config-path", config, "--colors=off", ASSETS, TESTS)


def long_lines() -> list[str]:
    """The lines that are too long, which a formatter cannot break: those of long texts."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {len(line)} columns"
        for path in sorted([*ASSETS.glob("*.js"), *TESTS.glob("*.js")])
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > WIDTH
    ]


def with_imports(names: set[str]) -> set[str]:
    """Some modules, and all modules that they import when they are loaded."""
    needed: set[str] = set()
    while names - needed:
        name = (names - needed).pop()
        needed.add(name)
        names = names | set(re.findall(r'from "\./([\w.-]+)"', (ASSETS / name).read_text(encoding="utf-8")))
    return needed


def write_lists() -> None:
    """The modules that index.html fetches at once, and those that it fetches while somebody signs in."""
    page = ASSETS / "index.html"
    first = with_imports({"main.js"})
    later = sorted(with_imports({"tabs.js", "upload.js"}) - first)
    links = "".join(f'    <link rel="modulepreload" href="page/{name}">\n' for name in sorted(first - {"main.js"}))
    text = re.sub(r'(    <link rel="modulepreload".*\n)+', links, page.read_text(encoding="utf-8"))
    page.write_text(re.sub(r'(<meta name="later" content=)"[^"]*"', rf'\1"{" ".join(later)}"', text), encoding="utf-8")


def test() -> subprocess.CompletedProcess[str]:
    """Node's runner over tests/page."""
    return run(
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON",
        "--test",
        "--test-reporter=tap",
        *sorted(TESTS.glob("*.test.js")),
    )


def main(arguments: Sequence[str]) -> int:
    """0 if all is well."""
    if arguments == ["test"]:
        done = test()
    else:
        done = biome(["check", "--write"] if arguments == ["format"] else ["check", "--error-on-warnings"])
    if arguments == ["format"]:
        write_lists()
    slips = [] if arguments else long_lines()
    if done.returncode or arguments == ["test"]:
        print(done.stdout + done.stderr)
    for slip in slips:
        print(slip)
    return done.returncode or bool(slips)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
