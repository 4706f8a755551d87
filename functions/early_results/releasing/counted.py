"""Which files a release is made of: a final window's manifest less its amendments."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from ..ids import authority_of


class CountedFile(NamedTuple):
    """What counts for a school in a final window. `upload` is None where nothing does, and so is all after it.

    `sha256` is of the workbook as it was sent, `figures` of the counts that its verdict came to, `received` S3's time
    as text. `carried_from` is the number of an earlier window where the file was carried forward from it.
    """

    school: str
    upload: str | None
    sha256: str | None = None
    figures: str | None = None
    received: str | None = None
    ruleset: str | None = None
    carried_from: int | None = None

    @property
    def authority(self) -> str:
        """The school's local authority."""
        return authority_of(self.school)


def counted_files(
    lines: Iterable[Mapping[str, Any]], late: Mapping[str, CountedFile], removed: Collection[str]
) -> tuple[CountedFile, ...]:
    """What counts for each school of a manifest, in order of school.

    `lines` are the manifest's, `late` what counts instead for schools of which a straggler was let in, `removed` the
    uploads that were deleted since. Where one was, nothing counts: nothing older ever comes back.
    """
    found = {}
    for line in lines:
        school = str(line["school"])
        file = late.get(school) or CountedFile(
            school,
            line["upload"],
            line["sha256"],
            line["figures"],
            line["received"],
            line["ruleset"],
            line["carried_from"],
        )
        found[school] = CountedFile(school, None) if file.upload is None or file.upload in removed else file
    for school, file in late.items():
        if school not in found and file.upload is not None and file.upload not in removed:
            found[school] = file  # a school that joined between the listing and the seal
    return tuple(found[school] for school in sorted(found))


def by_authority(files: Iterable[CountedFile]) -> dict[str, tuple[CountedFile, ...]]:
    """The files that count, by local authority, both in order; schools without a file are left out."""
    with_file = [file for file in files if file.upload is not None]
    return {authority: tuple(some) for authority, some in groupby(with_file, key=lambda file: file.authority)}
