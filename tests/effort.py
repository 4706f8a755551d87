"""How many examples each property tries: all in `make test`, a tenth of them in `make check`."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("quick", max_examples=10, deadline=None)
settings.register_profile("full", max_examples=100, deadline=None)


def examples(full: int) -> int:
    """The number of examples under the profile in force, of a property that tries so many in full."""
    return max(1, full * settings().max_examples // settings.get_profile("full").max_examples)
