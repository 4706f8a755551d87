"""Two runs on one machine never take each other's emulator for their own."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from infra.local import stack as local

pytestmark = pytest.mark.stack


def test_a_port_that_another_server_took_meanwhile_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with local.ministack(tmp_path / "other") as (taken, _, _):
        free_port, chosen = local.free_port, [int(taken.rpartition(":")[2])]
        # The first choice was free when it was looked at, and is not any more.
        monkeypatch.setattr(local, "free_port", lambda wanted=0: chosen.pop() if chosen else free_port(wanted))
        with local.ministack(tmp_path / "ours") as (endpoint, key, secret):
            assert endpoint != taken
            caller = boto3.client(
                "sts",
                endpoint_url=endpoint,
                region_name=local.REGION,
                aws_access_key_id=key,
                aws_secret_access_key=secret,
            )
            assert caller.get_caller_identity()["Account"]
