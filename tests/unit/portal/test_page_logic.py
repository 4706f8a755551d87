"""The page's logic without a browser: tests/page under Node's own runner."""

from __future__ import annotations

from infra import javascript


def test_the_page_s_logic() -> None:
    done = javascript.test()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout
    assert "# tests 0" not in done.stdout
