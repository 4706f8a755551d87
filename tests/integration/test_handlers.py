"""Each handler on the events that AWS sends it: good ones, repeated ones, partial failures and poison."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError

from early_results import keys, object_keys
from early_results.checking.nil import NilReturn, nil_return
from early_results.counting.registers import Outcome
from early_results.counting.uploads import Upload
from early_results.service import load_service
from early_results.times import to_text
from early_results.writes import Put, Remove, Update
from workflow.freeze_window import minutes_overdue
from workflow.sweep_bucket import Swept

from .conftest import (
    REGION,
    SCHOOL,
    SERVICE,
    Cloud,
    Context,
    Event,
    Handlers,
    logged,
    metrics_of,
    recorded,
    results_file,
    roster_file,
    together,
)

# Powertools says aloud when an invocation had nothing to count.
pytestmark = pytest.mark.filterwarnings("ignore:No application metrics to publish")
NONE_FAILED: dict[str, list[Any]] = {"batchItemFailures": []}


def import_roster(cloud: Cloud, handlers: Handlers) -> None:
    """Takes the school's roster in, as the roster function does."""
    version = cloud.stores.uploads.put(f"rosters/{SERVICE}/mis.csv", roster_file(), "text/csv")
    event = cloud.object_event("roster_s3_put", "uploads", f"rosters/{SERVICE}/mis.csv", version)
    assert handlers("roster.app", "roster")(event, Context()) == NONE_FAILED


def sent(cloud: Cloud, data: bytes) -> tuple[Upload, Event]:
    """A file that was uploaded, and S3's message of it."""
    upload, version = cloud.upload(data)
    return upload, cloud.object_event("validate_s3_put", "uploads", upload.object_key, version)


def offered(cloud: Cloud, handlers: Handlers) -> Upload:
    """A good file that was checked and offered."""
    import_roster(cloud, handlers)
    upload, event = sent(cloud, results_file())
    assert handlers("validate.app", "validate")(event, Context()) == NONE_FAILED
    record = recorded("supersede_offer", UPLOAD_ID=upload.upload_id)
    assert handlers("supersede.app", "supersede")(record, Context()) == NONE_FAILED
    return upload


class TestRoster:
    def test_an_extract_is_taken_in(self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]) -> None:
        import_roster(cloud, handlers)
        item = cloud.stores.table.get(keys.roster(SERVICE, SCHOOL))
        assert item is not None
        assert item["pupils"] == 3
        [version] = cloud.stores.uploads.versions(f"rosters/{SERVICE}/mis.csv")
        assert item["made"] == to_text(version.received)  # S3's own time of the version, not the notice's
        assert metrics_of(capsys.readouterr().out) == {("ExtractTakenIn", "roster"): 1}

    def test_an_extract_that_cannot_be_used_is_refused_for_good(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        version = cloud.stores.uploads.put("rosters/schools.csv", b"Name\nNobody\n", "text/csv")
        event = cloud.object_event("roster_s3_put", "uploads", "rosters/schools.csv", version)
        assert handlers("roster.app", "roster")(event, Context()) == NONE_FAILED
        assert metrics_of(capsys.readouterr().out) == {("ExtractRefused", "roster"): 1}

    def test_an_extract_that_is_gone_comes_again(self, cloud: Cloud, handlers: Handlers) -> None:
        gone = cloud.object_event("roster_s3_put", "uploads", "rosters/schools.csv", "null")
        with pytest.raises(BatchProcessingError):
            handlers("roster.app", "roster")(gone, Context())


class TestValidate:
    def test_s3s_test_message_is_nothing(self, cloud: Cloud, handlers: Handlers) -> None:
        assert handlers("validate.app", "validate")(recorded("validate_s3_test"), Context()) == NONE_FAILED

    def test_a_good_file_waits_for_its_offer(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, results_file())
        capsys.readouterr()
        assert handlers("validate.app", "validate")(event, Context()) == NONE_FAILED
        item = cloud.item(upload)
        assert (item["status"], item["offer_pending"], item["school"]) == ("CHECKING", "yes", SCHOOL)
        verdict = json.loads(cloud.stores.records.get(object_keys.verdict_key(SERVICE, upload.upload_id)))
        assert verdict["outcome"] == "accepted"
        assert metrics_of(capsys.readouterr().out) == {("UploadAccepted", "validate"): 1}

    def test_a_bad_file_is_refused(self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, results_file(wrong=True))
        capsys.readouterr()
        assert handlers("validate.app", "validate")(event, Context()) == NONE_FAILED
        item = cloud.item(upload)
        assert item["status"] == "UPLOAD_ERROR"
        assert item["findings"]
        printed = capsys.readouterr().out
        assert metrics_of(printed) == {("UploadRefused", "validate"): 1}
        assert upload.name not in printed

    def test_a_message_that_comes_twice_changes_nothing(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, results_file())
        handler = handlers("validate.app", "validate")
        handler(event, Context())
        once = cloud.item(upload)
        handler(event, Context())
        assert cloud.item(upload) == once

    def test_a_key_with_blanks_and_signs_is_read_as_s3_writes_it(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        key = "uploads/a b+c%20/ü.xlsx"
        version = cloud.stores.uploads.put(key, b"", "text/plain")
        event = cloud.object_event("validate_s3_put", "uploads", key, version)
        assert handlers("validate.app", "validate")(event, Context()) == NONE_FAILED
        assert cloud.stores.table.get(keys.unattributed(key, version))
        assert metrics_of(capsys.readouterr().out) == {("ObjectUnattributed", "validate"): 1}

    def test_a_poison_message_fails_alone(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, results_file(wrong=True))
        poison = recorded("validate_s3_test")
        poison["Records"][0]["body"] = "{"
        answer = handlers("validate.app", "validate")(together(poison, event), Context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert cloud.item(upload)["status"] == "UPLOAD_ERROR"

    def test_a_batch_of_nothing_but_poison_fails_as_a_whole(self, cloud: Cloud, handlers: Handlers) -> None:
        poison = recorded("validate_s3_test")
        poison["Records"][0]["body"] = "{"
        with pytest.raises(BatchProcessingError):
            handlers("validate.app", "validate")(poison, Context())

    def test_a_file_that_kills_its_function_again_and_again_is_parked(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, results_file())
        cloud.stores.table.write(Update(keys.user(upload.user), {"role": "nobody"}))  # no check gets past this
        rescue = handlers("validate.app", "rescue", "rescue")
        capsys.readouterr()
        # A dead letter's count of receives goes on from the upload queue's five.
        for count in ("6", "7"):
            event["Records"][0]["attributes"]["ApproximateReceiveCount"] = count
            with pytest.raises(BatchProcessingError):
                rescue(event, Context())
        assert "held" not in cloud.item(upload)
        event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "8"
        assert rescue(event, Context()) == NONE_FAILED
        item = cloud.item(upload)
        assert (item["status"], item["held"], item["unsettled"]) == ("UPLOAD_ERROR", "parked", upload.unsettled_in)
        assert metrics_of(capsys.readouterr().out) == {("UploadParked", "rescue"): 1}


class TestSupersede:
    def test_a_good_file_becomes_the_schools_file(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        upload = offered(cloud, handlers)
        assert cloud.item(upload)["status"] == "SUCCESSFUL"
        register = cloud.stores.table.get(keys.current_register(SERVICE, SCHOOL))
        assert register is not None
        assert register["upload_id"] == upload.upload_id

    def test_an_older_image_only_says_that_there_is_something_to_do(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        upload = offered(cloud, handlers)
        before = cloud.item(upload)
        again = recorded("supersede_offer", UPLOAD_ID=upload.upload_id)
        assert handlers("supersede.app", "supersede")(again, Context()) == NONE_FAILED
        assert cloud.item(upload) == before

    def test_a_record_without_an_offer_is_nothing(self, cloud: Cloud, handlers: Handlers) -> None:
        record = recorded("supersede_offer", UPLOAD_ID="01H00000000000000000000000")
        del record["Records"][0]["dynamodb"]["NewImage"]["offer_pending"]
        assert handlers("supersede.app", "supersede")(record, Context()) == NONE_FAILED

    def test_a_record_that_fails_is_logged_and_does_not_hold_back_the_one_behind_it(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, results_file())
        handlers("validate.app", "validate")(event, Context())
        broken = "01H00000000000000000000000"
        cloud.stores.table.write(Put(keys.upload(broken), {"upload_id": broken, "offer_pending": "yes"}))
        batch = together(
            recorded("supersede_offer", UPLOAD_ID=broken), recorded("supersede_offer", UPLOAD_ID=upload.upload_id)
        )
        batch["Records"][0]["dynamodb"]["SequenceNumber"] = "1"
        handler = handlers("supersede.app", "supersede")
        capsys.readouterr()
        answer = handler(batch, Context())
        assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}]}
        assert cloud.item(upload)["status"] == "SUCCESSFUL"
        [failed] = [line for line in logged(capsys.readouterr().out) if line["level"] == "WARNING"]
        assert failed["upload_id"] == broken
        assert failed["error"]
        assert any("registers.py" in place or "join_registers.py" in place for place in failed["at"])
        assert "exception" not in failed

    def test_a_straggler_is_counted(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        handler, offer = handlers("supersede.app", "supersede"), recorded("supersede_offer", UPLOAD_ID="0" * 26)
        for outcome, told in ((Outcome.STRAGGLER, {("Straggler", "supersede"): 1}), (Outcome.JOINED, {})):
            monkeypatch.setattr("supersede.app.offer_upload", lambda stores, upload_id, outcome=outcome: outcome)
            capsys.readouterr()
            assert handler(offer, Context()) == NONE_FAILED
            assert metrics_of(capsys.readouterr().out) == told


class TestNilReturn:
    """A school without pupils of the year group says so, and is asked no more."""

    def offered(self, cloud: Cloud, handlers: Handlers, school: str = SCHOOL) -> Upload:
        upload, event = sent(cloud, nil_return(NilReturn(SERVICE, school)))
        assert handlers("validate.app", "validate")(event, Context()) == NONE_FAILED
        record = recorded("supersede_offer", UPLOAD_ID=upload.upload_id)
        assert handlers("supersede.app", "supersede")(record, Context()) == NONE_FAILED
        return upload

    def test_it_is_an_upload_with_a_record_that_counts_and_is_frozen(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        self.taken_in(cloud, handlers, "rosters/schools.csv", f"School DFE,Name,Trust\n{SCHOOL},Here,\n".encode())
        other = roster_file().replace(SCHOOL.encode(), b"7654321")  # pupils, but none of this school
        self.taken_in(cloud, handlers, f"rosters/{SERVICE}/mis.csv", other)
        upload = self.offered(cloud, handlers)
        assert cloud.item(upload)["status"] == "SUCCESSFUL"
        assert cloud.item(upload)["counts"]["pupils"] == 0
        verdict = json.loads(cloud.stores.records.get(object_keys.verdict_key(SERVICE, upload.upload_id)))
        assert (verdict["outcome"], verdict["school"], verdict["pupils"]) == ("accepted", SCHOOL, 0)
        close(cloud)
        told = handlers("report.freeze", "freeze")(recorded("freeze_schedule"), Context())
        assert told[SERVICE] == [{"window": 1, "state": "FROZEN", "waited_for": []}]
        manifest = cloud.stores.records.get(object_keys.manifest_key(SERVICE, 1)).splitlines()
        assert {one["school"]: one["upload"] for one in map(json.loads, manifest)}[SCHOOL] == upload.upload_id
        build = handlers("report.build", "build")
        assert build(recorded("report_message", SCHOOL=SCHOOL), Context()) == NONE_FAILED

    def test_a_later_file_overwrites_it(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        self.taken_in(cloud, handlers, "rosters/schools.csv", f"School DFE,Name,Trust\n{SCHOOL},Here,\n".encode())
        first = self.offered(cloud, handlers)
        second = offered(cloud, handlers)
        assert (cloud.item(first)["status"], cloud.item(second)["status"]) == ("OVERWRITTEN", "SUCCESSFUL")

    def test_where_there_are_pupils_it_is_refused(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, event = sent(cloud, nil_return(NilReturn(SERVICE, SCHOOL)))
        handlers("validate.app", "validate")(event, Context())
        assert cloud.item(upload)["status"] == "UPLOAD_ERROR"
        assert [finding["code"] for finding in cloud.item(upload)["findings"]] == ["pupil-missing"]

    def test_a_school_that_no_freeze_would_seal_is_refused(self, cloud: Cloud, handlers: Handlers) -> None:
        cloud.open_window()
        upload, event = sent(cloud, nil_return(NilReturn(SERVICE, SCHOOL)))
        handlers("validate.app", "validate")(event, Context())
        assert [finding["code"] for finding in cloud.item(upload)["findings"]] == ["wrong-school"]

    def taken_in(self, cloud: Cloud, handlers: Handlers, key: str, data: bytes) -> None:
        version = cloud.stores.uploads.put(key, data, "text/csv")
        event = cloud.object_event("roster_s3_put", "uploads", key, version)
        assert handlers("roster.app", "roster")(event, Context()) == NONE_FAILED


class TestFreeze:
    def test_a_closed_window_is_frozen_once(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        upload, told = frozen(cloud, handlers)
        assert told.pop(SERVICE) == [{"window": 1, "state": "FROZEN", "waited_for": []}]
        assert not any(told.values())  # nothing else of any other service
        manifest = cloud.stores.records.get(object_keys.manifest_key(SERVICE, 1))
        assert [json.loads(line)["upload"] for line in manifest.splitlines()] == [upload.upload_id]
        assert cloud.messages("report") == [{"service": SERVICE, "window": 1, "school": SCHOOL}]
        printed = metrics_of(capsys.readouterr().out)
        assert printed["FreezeWaitsFor", "freeze"] == 0
        assert printed["FreezeOverdueMinutes", "freeze"] == 0
        again = handlers("report.freeze", "freeze")(recorded("freeze_schedule"), Context())
        assert not any(again.values())
        assert cloud.stores.records.get(object_keys.manifest_key(SERVICE, 1)) == manifest
        assert cloud.messages("report") == []

    def test_a_file_that_is_not_settled_is_waited_for(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        import_roster(cloud, handlers)
        upload, _ = sent(cloud, results_file())
        close(cloud)
        capsys.readouterr()
        told = handlers("report.freeze", "freeze")(recorded("freeze_schedule"), Context())
        [window] = told[SERVICE]
        assert (window["state"], [w["upload_id"] for w in window["waited_for"]]) == ("CLOSING", [upload.upload_id])
        printed = metrics_of(capsys.readouterr().out)
        assert printed["FreezeWaitsFor", "freeze"] == 1
        assert (printed["FreezeOverdueMinutes", "freeze"], printed["FreezeOverdueMinutes", f"{SERVICE}/1"]) == (0, 0)
        later = datetime.now(UTC) + timedelta(minutes=17)
        assert minutes_overdue(cloud.stores, load_service(SERVICE), later) == {1: 17}
        cloud.stores.table.write(Remove(keys.listed_school(SCHOOL)))  # a stack without schools has nothing to freeze
        assert minutes_overdue(cloud.stores, load_service(SERVICE), later) == {}
        with pytest.raises(Exception, match="not there"):
            cloud.stores.records.get(object_keys.manifest_key(SERVICE, 1))

    def test_what_a_sweep_finds_is_counted(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        swept = Swept(queued_again=2, offered=3, stragglers=4, unattributed=5)
        freeze = handlers("report.freeze", "freeze")
        found = iter([swept])
        monkeypatch.setattr("report.freeze.run_service", lambda *_: (next(found, Swept()), []))
        capsys.readouterr()
        freeze(recorded("freeze_schedule"), Context())
        told = metrics_of(capsys.readouterr().out)
        names = ("SweptQueuedAgain", "SweptOffered", "Straggler", "ObjectUnattributed")
        assert [told[name, "freeze"] for name in names] == [2, 3, 4, 5]


def close(cloud: Cloud) -> None:
    """Lets the first window close, and waits until it has."""
    calendar = cloud.open_window(timedelta(seconds=1), version=2)
    while datetime.now(UTC) < calendar.windows[0].closes:
        time.sleep(0.05)


def frozen(cloud: Cloud, handlers: Handlers) -> tuple[Upload, dict[str, Any]]:
    """A school's file, offered, and its window frozen: the upload, and what the freeze told."""
    cloud.open_window()
    upload = offered(cloud, handlers)
    close(cloud)
    told = handlers("report.freeze", "freeze")(recorded("freeze_schedule"), Context())
    return upload, told


class TestBuild:
    def test_a_report_is_built_and_built_again_the_same(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        upload, _ = frozen(cloud, handlers)
        capsys.readouterr()
        build = handlers("report.build", "build")
        assert build(recorded("report_message", SCHOOL=SCHOOL), Context()) == NONE_FAILED
        printed = capsys.readouterr().out
        assert metrics_of(printed) == {("ReportReady", "build"): 1}
        assert {json.loads(line)["service"] for line in printed.splitlines()} == {"build"}
        names = [
            object_keys.report_key(SERVICE, 1, SCHOOL, upload.upload_id, form) for form in ("pdf", "staff", "xlsx")
        ]
        first = [cloud.stores.results.get(name) for name in names]
        assert first[0].startswith(b"%PDF")
        build(recorded("report_message", SCHOOL=SCHOOL), Context())
        assert [cloud.stores.results.get(name) for name in names] == first

    def test_a_dead_letter_says_that_the_report_failed(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        frozen(cloud, handlers)
        capsys.readouterr()
        dead = recorded("report_message", SCHOOL=SCHOOL)
        dead["Records"][0]["eventSourceARN"] += "-dead"
        assert handlers("report.build", "build")(dead, Context()) == NONE_FAILED
        report = cloud.stores.table.get(keys.report(SERVICE, 1, SCHOOL))
        assert report is not None
        assert report["state"] == "FAILED"
        assert metrics_of(capsys.readouterr().out) == {("ReportFailed", "build"): 1}

    def test_a_report_that_cannot_be_built_comes_again(self, cloud: Cloud, handlers: Handlers) -> None:
        upload, _ = frozen(cloud, handlers)
        cloud.stores.table.write(Put(keys.summary(upload.upload_id), {"summary": "{}", "service": SERVICE}))
        with pytest.raises(BatchProcessingError):
            handlers("report.build", "build")(recorded("report_message", SCHOOL=SCHOOL), Context())


class TestDataset:
    def frozen(self, cloud: Cloud, upload: Upload) -> None:
        """A manifest of the final window that has the upload, and nothing else."""
        verdict = json.loads(cloud.stores.records.get(object_keys.verdict_key(SERVICE, upload.upload_id)))
        line = {name: verdict[name] for name in ("school", "sha256", "figures", "received", "ruleset")}
        text = json.dumps({**line, "upload": upload.upload_id, "carried_from": 1}) + "\n"
        cloud.stores.records.put(object_keys.manifest_key(SERVICE, 2), text.encode(), "application/x-ndjson")

    def test_a_release_is_made_and_then_there_is_nothing_to_do(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        self.frozen(cloud, offered(cloud, handlers))
        capsys.readouterr()
        for outcome, count in (("released", 1), ("current", 0)):
            told = handlers("dataset.app", "dataset")({"run": "release"}, Long())
            assert (told[SERVICE]["outcome"], told[SERVICE]["rows"]) == (outcome, 3)
            assert {one["outcome"] for name, one in told.items() if name != SERVICE} == {"not-frozen"}
            metrics = metrics_of(capsys.readouterr().out)
            assert metrics == {
                ("DatasetReleased", "dataset"): count,
                ("DatasetBehind", "dataset"): 0,
                ("DatasetFailed", "dataset"): 0,
            }

    def test_a_run_without_time_is_behind_and_no_failure(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        self.frozen(cloud, offered(cloud, handlers))
        capsys.readouterr()
        told = handlers("dataset.app", "dataset")({"run": "release"}, Context())  # 20 s are left
        assert told[SERVICE]["outcome"] == "unfinished"
        metrics = metrics_of(capsys.readouterr().out)
        assert (metrics["DatasetBehind", "dataset"], metrics["DatasetFailed", "dataset"]) == (1, 0)

    def test_a_failure_is_told_without_its_text_and_the_other_services_go_on(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        cloud.open_window()
        upload = offered(cloud, handlers)
        self.frozen(cloud, upload)
        key = object_keys.extract_key(SERVICE, upload.upload_id)
        text = cloud.stores.results.get(key).replace(b'"birth_date":"2', b'"birth_date":"QZ2')
        cloud.stores.results.put(key, text, "application/json")
        capsys.readouterr()
        told = handlers("dataset.app", "dataset")({"run": "release"}, Long())
        assert SERVICE not in told
        assert len(told) > 1
        printed = capsys.readouterr().out
        metrics = metrics_of(printed)
        assert (metrics["DatasetBehind", "dataset"], metrics["DatasetFailed", "dataset"]) == (1, 1)
        [said] = [line for line in logged(printed) if line.get("level") == "ERROR"]
        assert (said["of"], said["error"]) == (SERVICE, "ValueError")
        assert "QZ" not in printed


class Long(Context):
    """An invocation with a quarter of an hour before it."""

    def get_remaining_time_in_millis(self) -> int:
        """Time left, in milliseconds."""
        return 900_000


class TestPortal:
    def test_what_aws_refused_is_logged_by_its_code_alone(
        self, cloud: Cloud, handlers: Handlers, capsys: pytest.CaptureFixture[str]
    ) -> None:
        claims = {"token_use": "access", "sub": "a-sub-that-stays-out-of-logs"}
        event = {
            "version": "2.0",
            "rawPath": "/api/me",
            "headers": {},
            "requestContext": {
                "stage": "$default",
                "http": {"method": "GET", "path": "/api/me"},
                "authorizer": {"jwt": {"claims": claims}},
            },
        }
        portal = handlers("portal.app", "portal")
        boto3.client("dynamodb", region_name=REGION).delete_table(TableName="records-table")
        capsys.readouterr()
        answer = portal(event, Context())
        assert answer["statusCode"] == 500
        printed = capsys.readouterr().out
        [failed] = [line for line in logged(printed) if line.get("level") == "ERROR"]
        assert failed["error"] == "OutsideError from ResourceNotFoundException"
        assert failed["aws"]["code"] == "ResourceNotFoundException"
        assert failed["aws"]["operation"] in ("GetItem", "UpdateItem")
        assert any(place.startswith("table.py:") for place in failed["at"])
        assert claims["sub"] not in json.dumps(failed)
        assert metrics_of(printed) == {("RequestFailed", "portal"): 1}
