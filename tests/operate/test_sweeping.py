"""The sweep, in a season: what lost its notice is found, however it hides."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from early_results.object_keys import upload_key

from .season import CLOSES, NAME, SCHOOLS, Season, season


@pytest.fixture
def played() -> Iterator[Season]:
    with season() as played:
        yield played


def test_a_file_beneath_a_delete_marker_is_found_and_frozen(played: Season) -> None:
    """Somebody removed it in the console, after its form had ended and before anybody had noticed the file."""
    played.now = CLOSES - timedelta(minutes=30)
    form = played.form(f"SCHOOL#{SCHOOLS[0]}")
    played.post(form, played.file(SCHOOLS[0]))
    hidden = str(form["upload_id"])
    data = played.files.objects.pop(upload_key(NAME, hidden))
    played.later(minutes=20)
    played.freeze()  # the form ends quietly: nothing was received, as far as anybody can see
    played.files.objects[upload_key(NAME, hidden)] = data
    played.files.remove(upload_key(NAME, hidden))
    played.now = CLOSES + timedelta(minutes=4)
    assert [waited.upload_id for waited in played.freeze()[0].waited] == [hidden]
    assert [message["Records"][0]["s3"]["object"]["key"] for message in played.upload_queue.sent] == [
        upload_key(NAME, hidden)
    ]
    played.check(hidden)
    played.offer(hidden)
    played.later(minutes=1)
    assert played.freeze()[0].state == "FROZEN"
    assert played.record(hidden).reports == {"1": "PROCESSING"}
