"""What the SDK makes of our settings where there is no endpoint of our own: as on AWS."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from adapters import clients
from adapters.objects import Bucket

NAME = "early-results-uploads-123456789012"
# The region this is for, and two that answer 400 under the global host.
HOSTS = {
    "eu-west-2": f"{NAME}.s3.eu-west-2.amazonaws.com",
    "il-central-1": f"{NAME}.s3.il-central-1.amazonaws.com",
    "ap-southeast-5": f"{NAME}.s3.ap-southeast-5.amazonaws.com",
}


@pytest.fixture(params=sorted(HOSTS))
def region(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A region of AWS, without any endpoint of ours."""
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, request.param)
    for cached in (clients._session, clients.s3):
        cached.cache_clear()
    yield request.param
    for cached in (clients._session, clients.s3):
        cached.cache_clear()


def test_a_form_is_posted_to_the_buckets_own_host_in_its_region(region: str) -> None:
    form = Bucket(clients.s3(), NAME).form("key", content_type="text/plain", metadata={}, max_bytes=1, seconds=60)
    address = urlsplit(form["url"])
    assert (address.scheme, address.netloc) == ("https", HOSTS[region])


def test_a_link_names_the_buckets_own_host_in_its_region(region: str) -> None:
    link = Bucket(clients.s3(), NAME).link("key", filename="a", content_type="text/plain", seconds=60)
    assert urlsplit(link).netloc == HOSTS[region]
    assert parse_qs(urlsplit(link).query)["response-cache-control"] == ["no-store"]
