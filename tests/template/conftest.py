"""The template as it is."""

from __future__ import annotations

import pytest

from .reading import Template, load_template


@pytest.fixture(scope="session")
def template() -> Template:
    """The template, short forms written out."""
    return load_template()
