"""axe-core, which looks for what keeps people with disabilities out: fetched once, at a pinned version."""

from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import tarfile
from functools import cache
from typing import Any

from playwright.sync_api import Page

from infra.local import LOCAL

VERSION = "4.14.1"
INTEGRITY = "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ=="
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def source() -> str:
    """axe-core's script. RuntimeError if npm cannot fetch it or what it fetched is not the pinned package."""
    folder = LOCAL / "axe"
    script = folder / f"axe-{VERSION}.js"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["npm", "pack", f"axe-core@{VERSION}", "--silent"], cwd=folder, check=True, capture_output=True, timeout=120
        )
        package = folder / f"axe-core-{VERSION}.tgz"
        data = package.read_bytes()
        package.unlink()
        if base64.b64encode(hashlib.sha512(data).digest()).decode() != INTEGRITY:
            raise RuntimeError("the axe-core that npm fetched is not the pinned one")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            member = archive.extractfile("package/axe.min.js")
            if member is None:
                raise RuntimeError("the axe-core package has no axe.min.js")
            script.write_bytes(member.read())
    return script.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """What axe finds wrong on the page as it is, one line an element; empty if nothing is."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(source())
    found: dict[str, Any] = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{violation['id']}: {node['failureSummary']} at {node['target']}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
