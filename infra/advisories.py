"""Known vulnerabilities of what ships, as PyPI tells them: `make lint` asks for each version that is pinned.

PyPI's JSON API has the advisories of its own database (https://docs.pypi.org/api/json/, `vulnerabilities`). Where the
registry in use has no such API, or cannot be reached, nothing is known: that is said in one line, and is no failure.
"""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError

SECONDS = 10
_PINNED = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;]+)")


class NotAsked(Exception):
    """The registry did not tell of advisories. The message says why."""


@dataclass(frozen=True, slots=True)
class Advisory:
    """A known vulnerability of a version that is pinned, and the versions that mend it."""

    package: str
    version: str
    name: str
    mended_in: tuple[str, ...]

    @property
    def words(self) -> str:
        """One line for the terminal."""
        mended = f"mended in {', '.join(self.mended_in)}" if self.mended_in else "not mended in any version yet"
        return f"{self.package} {self.version} ships, and has {self.name}: {mended}"


def pinned(exports: Iterable[str]) -> list[tuple[str, str]]:
    """The packages and versions that exported lists name, each once."""
    found = (_PINNED.match(line.strip()) for text in exports for line in text.splitlines())
    return sorted({(match[1], match[2]) for match in found if match})


def ask_pypi(package: str, version: str) -> dict[str, Any]:
    """What PyPI says of a version. NotAsked if it does not answer, or has no such API."""
    try:
        with urllib.request.urlopen(f"https://pypi.org/pypi/{package}/{version}/json", timeout=SECONDS) as answer:
            told: dict[str, Any] = json.load(answer)
    except HTTPError as error:
        raise NotAsked(f"HTTP status {error.code} for {package} {version}") from error
    except (URLError, OSError, ValueError) as error:
        raise NotAsked(type(error).__name__) from error
    return told


def advisories(
    packages: Iterable[tuple[str, str]], ask: Callable[[str, str], dict[str, Any]] = ask_pypi
) -> list[Advisory]:
    """The advisories that stand against these versions. NotAsked at the first that the registry does not tell of."""
    found: list[Advisory] = []
    for package, version in packages:
        told = ask(package, version)
        if "vulnerabilities" not in told:
            raise NotAsked(f"{package} {version} comes without a word on vulnerabilities")
        found += [
            Advisory(package, version, str(one["id"]), tuple(one.get("fixed_in") or ()))
            for one in told["vulnerabilities"]
            if not one.get("withdrawn")
        ]
    return found
