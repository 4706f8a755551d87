"""Keys of the table's items (DESIGN 6), in one place."""

from __future__ import annotations

from .ids import authority_of
from .writes import Key

SCHOOLS = "SCHOOLS"  # the partition that lists the schools
UNATTRIBUTED = "UNATTRIBUTED"  # the partition that lists objects of the uploads bucket that belong to no upload


def upload(upload_id: str) -> Key:
    """An upload's record."""
    return Key(f"UPLOAD#{upload_id}", "UPLOAD")


def summary(upload_id: str) -> Key:
    """The counts and cross-tabs of a good upload."""
    return Key(f"UPLOAD#{upload_id}", "SUMMARY")


def window_partition(service: str, window: int, authority: str) -> str:
    """The partition of a window's registers of one local authority."""
    return f"WINDOW#{service}#{window}#LA#{authority}"


def window_register(service: str, window: int, school: str) -> Key:
    """The register that decides what is frozen for a school."""
    return Key(window_partition(service, window, authority_of(school)), f"SCHOOL#{school}")


def current_register(service: str, school: str) -> Key:
    """The register that decides which upload of a school is current."""
    return Key(f"SCHOOL#{school}", f"CURRENT#{service}")


def report(service: str, window: int, school: str) -> Key:
    """A school's report of a window."""
    return Key(f"SCHOOL#{school}", f"REPORT#{service}#{window}")


def school(number: str) -> Key:
    """A school's profile: name, trust."""
    return Key(f"SCHOOL#{number}", "PROFILE")


def listed_school(number: str) -> Key:
    """That there is such a school.

    An index may lag, so this is an item: a school that a freeze misses loses its file.
    """
    return Key(SCHOOLS, f"SCHOOL#{number}")


def first_school() -> Key:
    """Since when the stack has had a school: S3's own time of the first extract that named one."""
    return Key("SCHOOLS#SINCE", "FIRST")


def service_begun(service: str) -> Key:
    """That a pupil list of a service has come. It means that this stack runs the service, and not only has its file."""
    return Key(f"SERVICE#{service}", "BEGUN")


def roster(service: str, number: str) -> Key:
    """Which version of a school's roster is current."""
    return Key(f"SCHOOL#{number}", f"ROSTER#{service}")


def match(service: str, number: str) -> Key:
    """How a school matched the columns of its own system's export last."""
    return Key(f"SCHOOL#{number}", f"MATCH#{service}")


def trust(trust_id: str) -> Key:
    """A trust's profile: name."""
    return Key(f"TRUST#{trust_id}", "PROFILE")


def trust_school(trust_id: str, number: str) -> Key:
    """That a school belongs to a trust, now."""
    return Key(f"TRUST#{trust_id}", f"SCHOOL#{number}")


def trust_report(service: str, window: int, trust_id: str) -> Key:
    """A trust's report of a window: of which uploads it was made."""
    return Key(f"TRUST#{trust_id}", f"REPORT#{service}#{window}")


def user(sub: str) -> Key:
    """A user's role and organisation."""
    return Key(f"USER#{sub}", "PROFILE")


def forms(who: str) -> Key:
    """How many upload forms a user or an organisation was given in the last minutes."""
    return Key(f"FORMS#{who}", "LEDGER")


def requests(sub: str, minute: int) -> Key:
    """How many requests a user has made in a minute, counted since 1970."""
    return Key(f"REQUESTS#{sub}", f"MINUTE#{minute}")


def told(sub: str, mark: str) -> Key:
    """Whether a user was told one thing by e-mail."""
    return Key(f"TOLD#{sub}", mark)


def told_all(service: str, mark: str) -> Key:
    """That everybody whom it concerns was told of something of a service, or is about to be."""
    return Key(f"SERVICE#{service}", f"TOLD#{mark}")


def calendar(service: str) -> Key:
    """A service's calendar."""
    return Key(f"SERVICE#{service}", "CALENDAR")


def relied(service: str) -> Key:
    """From when on no received time has been judged by a service's calendar: what came before stays as it was."""
    return Key(f"SERVICE#{service}", "RELIED")


def sweep(service: str) -> Key:
    """How far the sweep of a service has settled the bucket."""
    return Key(f"SERVICE#{service}", "SWEEP")


def rebuild() -> Key:
    """There while an operator rebuilds the table from the buckets.

    Freeze and sweep do nothing as long as it is there.
    """
    return Key("REBUILD", "STATE")


def state(service: str, window: int) -> Key:
    """The state of a window: OPEN, CLOSING, FROZEN."""
    return Key(f"WINDOW#{service}#{window}", "STATE")


def operators_summary(service: str, window: int) -> Key:
    """The operators' summary of a window."""
    return Key(f"WINDOW#{service}#{window}", "SUMMARY")


def overviews(service: str, window: int) -> Key:
    """What the reports of many schools' files were last looked at for."""
    return Key(f"WINDOW#{service}#{window}", "OVERVIEWS")


def added(service: str, window: int, school: str) -> Key:
    """The straggler that an operator let into a frozen window for a school. The sealed row itself never changes."""
    return Key(f"WINDOW#{service}#{window}", f"ADDED#{school}")


def removed(service: str, window: int, school: str, upload_id: str) -> Key:
    """That a file which a window froze for a school was deleted afterwards. The sealed row itself never changes."""
    return Key(f"WINDOW#{service}#{window}", f"REMOVED#{school}#{upload_id}")


def unattributed(object_key: str, version: str) -> Key:
    """An object in the uploads bucket that belongs to no upload we know."""
    return Key(UNATTRIBUTED, f"{object_key}#{version}")
