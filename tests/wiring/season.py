"""A short season that touches every wire, played through the doors that users, operators and the scheduler use.

Where the real thing is a matter of luck or of minutes (a function that dies half way, a notification that is lost, an
offer that comes late), the owner of the account brings the same state about. `Broken` says which step did not hold.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import urllib3
from botocore.exceptions import HTTPClientError

from adapters.objects import Bucket
from adapters.settings import Settings
from adapters.stores import Stores
from adapters.table import Table
from early_results import ids, keys, object_keys
from early_results.access import Role
from early_results.checking.roster import rosters_csv
from early_results.counting.calendar import Calendar
from early_results.counting.uploads import Upload, unsettled_partition, upload_from_item
from early_results.results import Pupil
from early_results.service import LONDON, Service, Window, load_service
from early_results.writes import Update
from infra.local.client import PortalClient, Refused, post_form
from infra.local.demonstration import fill, pupils_of, with_errors
from infra.local.stack import Stack, mailbox
from infra.operator.operations import NewUser, create_user, store_calendar
from workflow.check_upload import close_upload
from workflow.delete_upload import join_deletion

SERVICE = "ks1-2023"
TRUST = "ABC"
OWN, SECOND, LEAVER = "1231234", "8012003", "9352010"  # the last one leaves the trust in the course of the season
SCHOOLS = (OWN, SECOND, LEAVER)
PATIENCE = 60.0  # seconds: two busy cores
GRACE = timedelta(seconds=1)
VAIN = "waited in vain"
SCHEDULES = 2
# Where a message goes that nobody can handle.
QUEUES = (
    ("UploadQueue", "UploadDeadLetterQueue", "UploadParkingQueue"),
    ("ReportQueue", "ReportDeadLetterQueue", "ReportParkingQueue"),
    ("RosterQueue", "RosterDeadLetterQueue"),
)
# Functions by the resource of their log group, and the service name that their lines and metrics carry.
LOGS: Final = {
    "ValidateLogs": "validate",
    "RescueLogs": "rescue",
    "SupersedeLogs": "supersede",
    "FreezeLogs": "freeze",
    "BuildLogs": "build",
    "RosterLogs": "roster",
    "DatasetLogs": "dataset",
    "OverviewLogs": "overview",
    "NoticeLogs": "notice",
    "TellLogs": "tell",
    "PortalLogs": "portal",
}
_TROUBLE = ('"level":"ERROR"', "Traceback", "errorType", "AccessDenied", "[ERROR]", "MissingSetting")
_http = urllib3.PoolManager(maxsize=8, retries=False, timeout=urllib3.Timeout(connect=5, read=60))


class Broken(AssertionError):
    """Something that the season relies on did not hold: the step, and what was seen instead."""


def hold(so: object, what: str) -> None:
    """Says that something must hold. Broken if it does not."""
    if not so:
        raise Broken(what)


@dataclass(slots=True)
class Season:
    """One play on one stack. `rescue` sends every file past the validate function, to the rescue function."""

    stack: Stack
    resources: dict[str, str]
    rescue: bool = False
    service: Service = field(default_factory=lambda: load_service(SERVICE))
    people: dict[str, PortalClient] = field(default_factory=dict)
    now_playing: str = "start"
    calendar: Calendar | None = None
    _pumping: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    # ------------------------------------------------------------------ the plays

    def play(self) -> None:
        """The whole season. Broken, naming the step, at the first thing that does not hold."""
        with self._route():
            self._step("extracts are taken in", self._extracts)
            self._step("the page and the API answer", self._page_and_api)
            self._step("a file with errors is refused", self._refused)
            self._step("a good file is accepted, its replay noted", self._accepted)
            self._step("the trust's file overwrites it", self._overwritten)
            self._step("people are told of verdicts, and of the file that was overwritten", self._told)
            self._step("an offer that comes late changes nothing", self._late_offer)
            self._step("a file is deleted, and stays so", self._deleted)
            self._step("a stranger's file is refused", self._stranger)
            self._step("an object without a record is kept and told of", self._unattributed)
            self._step("the sweep offers what the stream lost", self._lost_stream)
            self._step("the sweep queues again what S3's event lost", self._lost_event)
            self._step("the board shows who has submitted", self._board)
            self._step("the window is frozen", self._freeze_first)
            self._step("people are told that it is frozen", self._told_of_the_window)
            self._step("a freeze that died goes on", self._freeze_again)
            self._step("an offer after the freeze is a straggler", self._straggler)
            self._step("reports are built and fetched", self._reports)
            self._step("a report overtaken by a deletion goes", self._half_deleted)
            self._step("a frozen file is deleted, with an amendment", self._amended)
            self._step("the second window carries the first one's file", self._carried)
            self._step("the trust's report is built and fetched", self._overview)
            self._step("the data set is released, and anew after a deletion", self._released)
            self._step("the trust's report goes with its last file", self._overview_gone)
            self._step("the schedules are there", self._schedules)
            self._step("the logs are in order", self._logs)

    def play_poison(self) -> None:
        """What happens to messages that fail for good: dead letters, rescue, parking, and an operator's decision."""
        self._step("messages that cannot be handled reach their last queue", self._redrives)
        self._step("extracts are taken in", self._extracts)
        self._step("a file that kills its function is parked; the freeze waits", self._parked)
        self._step("a report that cannot be built is given up", self._report_fails)

    def _step(self, name: str, act: Callable[[], None]) -> None:
        self.now_playing = name
        try:
            act()
        except Exception as error:
            # Whatever a broken wire makes a client, or the owner's own look at the stack, stumble over.
            what = str(error) if isinstance(error, Broken) else f"{type(error).__name__}: {error}"
            if isinstance(error, HTTPClientError | urllib3.exceptions.HTTPError):
                what = f"{VAIN}: {what}"  # MiniStack was too busy to answer
            seen = self._trouble()
            raise Broken(f"{name}: {what}{f'; {seen}' if seen and seen not in what else ''}") from error

    # ------------------------------------------------------------------ looking and waiting

    @property
    def stores(self) -> Stores:
        """The table and the buckets, as the owner of the account sees them."""
        outputs, s3 = self.stack.outputs, self.stack.client("s3")
        table = outputs["TableName"]
        uploads, results, records = (outputs[f"{name}BucketName"] for name in ("Uploads", "Results", "Records"))
        return Stores(
            Table(self.stack.client("dynamodb"), table),
            Bucket(s3, uploads),
            Bucket(s3, results),
            Bucket(s3, records),
            Settings(table, uploads, results, records, GRACE, GRACE, GRACE, 10 * 1024 * 1024),
        )

    def _until(self, what: str, ready: Callable[[], Any], *, calm: bool = True) -> Any:
        """Waits until something is so. Broken at once if a function complains meanwhile (unless not `calm`)."""
        began = looked = time.monotonic()
        while not (found := ready()):
            now = time.monotonic()
            if calm and now - looked > 1.0:
                looked = now
                if seen := self._trouble():
                    raise Broken(f"{what}; {seen}")
            hold(now - began < PATIENCE, f"{VAIN}: {what}")
            time.sleep(0.1)
        return found

    def _lines(self, logs: str) -> list[str]:
        group = self.resources.get(logs)
        if group is None:
            return []
        client = self.stack.client("logs")
        try:
            found = client.filter_log_events(logGroupName=group)["events"]
        except client.exceptions.ResourceNotFoundException:
            return []
        return [event["message"] for event in found]

    def _trouble(self) -> str:
        """The complaint of a function in its logs, or "": a season like this one should know none. Of several lines
        the one that says most: a refusal of AWS's, else the last line of a traceback."""
        for logs, service in LOGS.items():
            lines = [line for line in self._lines(logs) if any(mark in line for mark in _TROUBLE)]
            if lines:
                refused = [line for line in lines if "AccessDenied" in line or "not authorized" in line]
                said = [line for line in lines if "Traceback" not in line]
                return f"{service} says: {[*refused, *said, *lines][0][:300]}"
        return ""

    def _client(self, organisation: str) -> PortalClient:
        return self.people[organisation]

    def _upload(self, upload_id: str) -> Upload:
        item = self.stores.table.get(keys.upload(upload_id))
        if item is None:
            raise Broken("an upload has no record")
        return upload_from_item(item)

    def _becomes(self, upload_id: str, status: str) -> Upload:
        def ready() -> Upload | None:
            upload = self._upload(upload_id)
            done = upload.status.value == status and not upload.offer_pending
            # A file that came to another end will not turn into what is waited for.
            if not done and upload.status.value in ("UPLOAD_ERROR", "DELETED"):
                raise Broken(f"waiting for {status}, it became {upload.status.value}: {upload.findings}")
            return upload if done else None

        found: Upload = self._until(f"an upload to become {status}", ready)
        return found

    def _invoke_freeze(self) -> dict[str, Any]:
        """Runs the freeze function as the scheduler would."""
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.outputs["FreezeFunctionName"], Payload=b'{"run": "wiring"}'
        )
        told = json.loads(answer["Payload"].read())
        hold("FunctionError" not in answer, f"the freeze failed: {json.dumps(told)[:300]}")
        found: dict[str, Any] = told
        return found

    def _send(self, queue: str, body: object) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.stack.client("sqs").send_message(QueueUrl=self.resources[queue], MessageBody=text)

    def _notify(self, upload: Upload, queue: str = "UploadQueue") -> None:
        named = {"key": upload.object_key, "versionId": upload.version}
        self._send(queue, {"Records": [{"s3": {"object": named}}]})

    def _set_visibility(self, queue: str) -> None:
        """The template's visibility makes five receives take an hour; an operator can make them quick."""
        self.stack.client("sqs").set_queue_attributes(
            QueueUrl=self.resources[queue], Attributes={"VisibilityTimeout": "1"}
        )

    # ------------------------------------------------------------------ event sources

    @contextmanager
    def _route(self) -> Iterator[None]:
        """The way of the files: S3's messages to validate, or (by a hand that moves dead letters) to rescue."""
        if not self.rescue:
            yield
            return
        self._switch("ValidateFunction", on=False)
        pump = threading.Thread(target=self._pump, daemon=True)
        self._pumping.set()
        pump.start()
        try:
            yield
        finally:
            self._over.set()
            pump.join()

    def _pump(self) -> None:
        client = self.stack.client("sqs")
        from_, to = self.resources["UploadQueue"], self.resources["UploadDeadLetterQueue"]
        while not self._over.is_set():
            if not self._pumping.is_set():
                time.sleep(0.1)
                continue
            for message in client.receive_message(QueueUrl=from_, MaxNumberOfMessages=10).get("Messages", []):
                client.send_message(QueueUrl=to, MessageBody=message["Body"])
                client.delete_message(QueueUrl=from_, ReceiptHandle=message["ReceiptHandle"])
            time.sleep(0.1)

    def _switch(self, function: str, *, on: bool) -> None:
        client = self.stack.client("lambda")
        sources = client.list_event_source_mappings(FunctionName=self.resources[function])["EventSourceMappings"]
        hold(sources, f"{function} has no event source")
        for source in sources:
            client.update_event_source_mapping(UUID=source["UUID"], Enabled=on)

    @contextmanager
    def _files_unheard(self) -> Iterator[None]:
        if self.rescue:
            self._pumping.clear()
            time.sleep(0.3)
        else:
            self._switch("ValidateFunction", on=False)
        yield
        if self.rescue:
            self._pumping.set()
        else:
            self._switch("ValidateFunction", on=True)

    # ------------------------------------------------------------------ the steps

    def _pupils(self, school: str) -> tuple[Pupil, ...]:
        return pupils_of(school, 3)

    def _results(self, school: str) -> dict[str, dict[str, str | int]]:
        row: dict[str, str | int] = {column.key: "EXS" for column in self.service.assessments}
        row |= {column.key: 100 for column in self.service.scores}
        return {pupil.upn: dict(row) for pupil in self._pupils(school)}

    def _extracts(self) -> None:
        stores, today = self.stores, datetime.now(LONDON).date()
        opened = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
        windows = (
            Window(1, opened, opened + timedelta(days=2), today),
            Window(2, opened + timedelta(days=2), opened + timedelta(days=4), today),
        )
        self.calendar = Calendar(SERVICE, 1, windows)
        store_calendar(stores.table, stores.records, self.calendar, "wiring", "a season of a minute")
        for role, organisation in (
            (Role.SCHOOL, f"SCHOOL#{OWN}"),
            (Role.SCHOOL, f"SCHOOL#{LEAVER}"),
            (Role.TRUST, f"TRUST#{TRUST}"),
            (Role.OPERATOR, "OPERATOR"),
        ):
            user = NewUser(
                f"{organisation.replace('#', '').lower()}@schools.example", "Wiring-1aB-2cD", role, organisation
            )
            create_user(
                self.stack.client("cognito-idp"),
                self.stack.outputs["UserPoolId"],
                stores.table,
                stores.records,
                user,
                "wiring",
            )
            self.people[organisation] = PortalClient.of(self.stack, user.email, user.password or "")
        # One after the other: together, each would start a function of its own.
        self._drop("trusts.csv", f"Trust,Name\n{TRUST},ABC Trust\n")
        self._until("the trusts to be taken in", lambda: stores.table.get(keys.trust(TRUST)))
        self._drop("schools.csv", "School DFE,Name,Trust\n" + "".join(f"{s},School {s},{TRUST}\n" for s in SCHOOLS))
        self._drop(f"{SERVICE}/mis.csv", rosters_csv((p for s in SCHOOLS for p in self._pupils(s)), self.service))
        wanted = [keys.roster(SERVICE, school) for school in SCHOOLS]
        wanted += [keys.trust_school(TRUST, school) for school in SCHOOLS]
        self._until("the extracts to be taken in", lambda: len(stores.table.get_many(wanted)) == len(wanted))
        members = "".join(f"{s},School {s},{'' if s == LEAVER else TRUST}\n" for s in SCHOOLS)
        self._drop("schools.csv", "School DFE,Name,Trust\n" + members)
        self._until("a school to leave its trust", lambda: stores.table.get(keys.trust_school(TRUST, LEAVER)) is None)

    def _drop(self, name: str, text: str) -> None:
        self.stores.uploads.put(f"rosters/{name}", text.encode(), "text/csv")

    def _page_and_api(self) -> None:
        refused = PortalClient(self.stack.api_url).request("GET", "/me").status
        hold(refused == 401, f"nobody was answered with {refused}")
        page = _http.request("GET", self.stack.portal_url)
        hold(page.status == 200, f"the page was answered with {page.status}")
        files = re.search(rb'"(page/[^"/]+/)', page.data)
        if files is None:
            raise Broken("the page names no files of its own")
        config = _http.request("GET", f"{self.stack.portal_url}{files[1].decode()}config.json")
        hold(config.status == 200, f"the page's settings were answered with {config.status}: {config.data[:200]!r}")
        told = config.json()
        hold(told["client_id"] == self.stack.outputs["UserPoolClientId"], "the page names another app client")
        hold(told["cognito"].startswith(self.stack.endpoint), "the page signs in elsewhere")
        hold(told["user_pool"] == self.stack.outputs["UserPoolId"], "the page names another user pool")
        contract = PortalClient(self.stack.api_url).request("GET", "/openapi.json")
        hold(contract.status == 200, f"the contract was answered with {contract.status}")
        me = self._client(f"SCHOOL#{OWN}").get("/me")
        hold(me["organisation"] == f"SCHOOL#{OWN}", f"the school's administrator is {me['organisation']}")
        services = self._client("OPERATOR").get("/services")["services"]
        hold(services[0]["open_window"] == 1, "window 1 is not open")

    def _refused(self) -> None:
        client = self._client(f"SCHOOL#{OWN}")
        template = client.template(SERVICE, OWN)
        wrong = fill(template, self.service, with_errors(self.service, self._results(OWN)))
        upload_id = client.upload(SERVICE, "first.xlsx", wrong)
        self._until("a file to be refused", lambda: self._upload(upload_id).status.value == "UPLOAD_ERROR")
        path = f"/uploads/{upload_id}"
        for form in ("json", "csv", "xlsx"):
            hold(client.follow(f"{path}/findings", format=form), f"the findings as {form} are empty")
        hold(client.follow(f"{path}/file") == wrong, "the file came back as another one")
        # The function died between the verdict and the table: the file is checked again, and the verdict found.
        again = Update(
            keys.upload(upload_id),
            {"status": "CHECKING", "unsettled": unsettled_partition(SERVICE, upload_id)},
            ("findings", "counts"),
        )
        self.stores.table.write(again)
        self._notify(self._upload(upload_id))
        self._until("it to be refused again", lambda: self._upload(upload_id).status.value == "UPLOAD_ERROR")

    def _good(self, organisation: str, school: str) -> tuple[dict[str, Any], bytes]:
        """Asks for a form and posts a school's good file with it; gives the form and the file."""
        client = self._client(organisation)
        data = fill(client.template(SERVICE, school), self.service, self._results(school))
        form = client.forms(SERVICE, {f"{school}.xlsx": data})[0]
        status = post_form(form["post"], data)
        hold(status == 204, f"S3 answered the post with {status}")
        return form, data

    def _accepted(self) -> None:
        form, data = self._good(f"SCHOOL#{OWN}", OWN)
        self.form, self.data = form, data
        self._becomes(form["upload_id"], "SUCCESSFUL")
        if not self.rescue:  # it takes two messages about a file, no more; the second one is for the file's deletion
            hold(post_form(form["post"], data) == 204, "the form could not be posted again")
            self._until("a replay to be noted", lambda: self._upload(form["upload_id"]).replays)

    form: dict[str, Any] = field(default_factory=dict)
    data: bytes = b""
    trusts: str = ""

    def _overwritten(self) -> None:
        form, _ = self._good(f"TRUST#{TRUST}", OWN)
        self.trusts = form["upload_id"]
        upload = self._becomes(self.trusts, "SUCCESSFUL")
        hold(upload.changes is not None, "the changes since the last good file are not told")
        self._becomes(self.form["upload_id"], "OVERWRITTEN")

    def _mails(self, words: str) -> list[str]:
        """To whom this stack has sent an e-mail with these words in its subject."""
        here = f"/{self.stack.outputs['ApiId']}/"  # other stacks send into the same box
        found = [mail for mail in mailbox(self.stack.endpoint) if here in mail.text and words in mail.subject]
        return [mail.to for mail in found]

    def _told(self) -> None:
        for words in ("does not count", "was accepted", "was overwritten by somebody else"):
            self._until(f"somebody to be told “{words}”", lambda w=words: self._mails(w))  # type: ignore[misc]
        wanted = dict.fromkeys(("verdict", "reminder", "frozen", "report"), True)
        answer = self._client(f"SCHOOL#{OWN}").request("PUT", "/me/mail", wanted)
        hold(answer.status == 200, f"what a person wants to be told was answered with {answer.status}")

    def _told_of_the_window(self) -> None:
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.resources["NoticeFunction"], Payload=b'{"run": "wiring"}'
        )
        told = json.loads(answer["Payload"].read())
        hold("FunctionError" not in answer, f"the notice function failed: {json.dumps(told)[:300]}")
        hold(f"{SERVICE} FROZEN#1" in told, f"the notice function found {told}")
        self._until("people to be told that the window is frozen", lambda: len(self._mails("window 1 is closed")) >= 3)

    def _late_offer(self) -> None:
        upload_id = self.form["upload_id"]
        partition = unsettled_partition(SERVICE, upload_id)
        pending = {"status": "CHECKING", "offer_pending": "yes", "unsettled": partition}
        self.stores.table.write(Update(keys.upload(upload_id), pending))
        self._becomes(self.form["upload_id"], "OVERWRITTEN")
        hold(self._upload(self.trusts).status.value == "SUCCESSFUL", "an older file came back")

    def _deleted(self) -> None:
        upload = self._upload(self.form["upload_id"])
        client = self._client(f"SCHOOL#{OWN}")
        client.delete(upload.upload_id)
        stores = self.stores
        hold(not stores.uploads.versions(upload.object_key), "a deleted file is still there")
        hold(
            not stores.results.has(object_keys.extract_key(SERVICE, upload.upload_id)),
            "a deleted file's results are there",
        )
        hold(stores.records.has(object_keys.tombstone_key(SERVICE, upload.upload_id)), "a deletion left no tombstone")
        hold(stores.table.get(keys.summary(upload.upload_id)) is None, "a deleted file's figures are there")
        listed = client.get("/uploads", organisation=f"SCHOOL#{OWN}")["uploads"]
        hold(self.trusts in [u["upload_id"] for u in listed], "the school's history lacks its trust's file")
        hold(upload.upload_id not in [u["upload_id"] for u in listed], "a deleted file is listed")
        hold(post_form(self.form["post"], self.data) == 204, "the form could not be posted again")
        self._until("a replay of a deleted file to go", lambda: not stores.uploads.versions(upload.object_key))

    def _stranger(self) -> None:
        client = self._client(f"TRUST#{TRUST}")
        template = self._client(f"SCHOOL#{LEAVER}").template(SERVICE, LEAVER)
        upload_id = client.upload(SERVICE, "of one that left.xlsx", fill(template, self.service, self._results(LEAVER)))
        self._until("a stranger's file to be refused", lambda: self._upload(upload_id).status.value == "UPLOAD_ERROR")
        codes = [finding["code"] for finding in self._upload(upload_id).findings]
        hold(codes == ["wrong-school"], f"a stranger's file was refused for {codes}")
        listed = [upload["upload_id"] for upload in client.get("/uploads")["uploads"]]
        hold({upload_id, self.trusts} <= set(listed), "the trust's history is not whole")

    def _unattributed(self) -> None:
        key = object_keys.upload_key(SERVICE, ids.new_ulid(datetime.now(UTC), bytes(10)))
        version = self.stores.uploads.put(key, b"nobody's", "application/octet-stream")
        self._until(
            "an object without a record to be told of",
            lambda: self.stores.table.get(keys.unattributed(key, version)),
        )
        told = list(self.stores.table.query(keys.UNATTRIBUTED))
        hold(len(told) == 1, f"{len(told)} objects are told of as nobody's, not 1")

    def _lost_stream(self) -> None:
        self._switch("SupersedeFunction", on=False)
        form, _ = self._good(f"TRUST#{TRUST}", SECOND)
        self._until("a verdict", lambda: self._upload(form["upload_id"]).offer_pending)
        self._invoke_freeze()
        hold(self._upload(form["upload_id"]).status.value == "SUCCESSFUL", "the sweep did not offer a good file")
        self._switch("SupersedeFunction", on=True)
        self.seconds = form["upload_id"]

    seconds: str = ""
    early: str = ""
    leavers: str = ""

    def _lost_event(self) -> None:
        client, queue = self.stack.client("sqs"), self.resources["UploadQueue"]
        earlier, _ = self._good(f"SCHOOL#{LEAVER}", LEAVER)
        self.early = self._becomes(earlier["upload_id"], "SUCCESSFUL").upload_id
        with self._files_unheard():
            form, _ = self._good(f"SCHOOL#{LEAVER}", LEAVER)
            got = self._until(
                "S3's message", lambda: client.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")
            )
            client.delete_message(QueueUrl=queue, ReceiptHandle=got[0]["ReceiptHandle"])
            key = object_keys.upload_key(SERVICE, form["upload_id"])
            oldest = self.stores.uploads.oldest(key)
            hold(oldest, "the file is not in the bucket")
            self._until("the object to be of age", lambda: oldest and datetime.now(UTC) - oldest.received > GRACE)
            self._invoke_freeze()
        self.leavers = form["upload_id"]
        self._becomes(self.leavers, "SUCCESSFUL")

    def _board(self) -> None:
        board = self._client("OPERATOR").get(f"/windows/{SERVICE}/1")
        hold(board["counts"]["submitted"] == 3, f"the board counts {board['counts']}")

    def _close(self, number: int, *, calm: bool = True) -> None:
        """An operator closes a window in a second from now; the next one opens then."""
        if self.calendar is None:
            raise Broken("there is no calendar")
        closes = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        moved = []
        for window in self.calendar.windows:
            opens = closes if window.number == number + 1 else window.opens
            moved.append(
                Window(window.number, opens, closes if window.number == number else window.closes, window.reports)
            )
        self.calendar = Calendar(SERVICE, self.calendar.version + 1, tuple(moved))
        store_calendar(self.stores.table, self.stores.records, self.calendar, "wiring", "noon")
        self._until("the window to close", lambda: datetime.now(UTC) >= closes + GRACE, calm=calm)

    def _freeze(self, number: int, schools: set[str | None]) -> dict[str, dict[str, Any]]:
        runs = self._invoke_freeze()[SERVICE]
        hold([(r["window"], r["state"]) for r in runs] == [(number, "FROZEN")], f"the freeze came to {runs}")
        manifest = self.stores.records.get(object_keys.manifest_key(SERVICE, number))
        lines = {line["school"]: line for line in map(json.loads, manifest.splitlines())}
        hold({line["upload"] for line in lines.values()} == schools, "the manifest names other files")
        return lines

    def _freeze_first(self) -> None:
        self._close(1)
        self._freeze(1, {self.trusts, self.seconds, self.leavers})

    def _freeze_again(self) -> None:
        state, table = keys.state(SERVICE, 1), self.stores.table
        frozen = table.get(state)
        hold(frozen and frozen["state"] == "FROZEN", "the window's state is not FROZEN")
        names = ("manifest_key", "manifest_version", "manifest_sha256", "national_sha256", "reports_queued")
        table.write(Update(state, {"state": "CLOSING"}, names))
        self._freeze(1, {self.trusts, self.seconds, self.leavers})
        hold(table.get(state) == frozen, "a freeze that went on came to another end")

    def _straggler(self) -> None:
        """A good file's offer comes after its window was frozen: from the stream, and from the sweep."""
        stores, upload = self.stores, self._upload(self.early)
        hold(upload.status.value == "OVERWRITTEN", f"the school's first file is {upload.status.value}")
        values = {"status": "CHECKING", "offer_pending": "yes", "unsettled": upload.unsettled_in}
        pending = Update(upload.key, values, ("held",))
        stores.table.write(pending)
        self._until("a straggler to be held", lambda: self._held_and_noted(self.early))
        hold(stores.records.has(object_keys.straggler_key(SERVICE, 1, self.early)), "a straggler left no note")
        self._switch("SupersedeFunction", on=False)
        stores.table.write(pending)
        self._invoke_freeze()
        hold(self._held_and_noted(self.early), "the sweep did not hold a straggler")
        self._switch("SupersedeFunction", on=True)

    def _held_and_noted(self, upload_id: str) -> bool:
        upload = self._upload(upload_id)
        return upload.held == "straggler" and not upload.note_pending

    def _report(self, window: int, school: str) -> dict[str, Any]:
        def ready() -> dict[str, Any] | None:
            item = self.stores.table.get(keys.report(SERVICE, window, school))
            return item if item and item["state"] == "READY" else None

        found: dict[str, Any] = self._until(f"the report of window {window}", ready)
        return found

    def _reports(self) -> None:
        for school in SCHOOLS:
            self._report(1, school)
        client = self._client(f"SCHOOL#{OWN}")
        pdf = client.follow(f"/reports/{SERVICE}/1/{OWN}", format="pdf")
        hold(pdf.startswith(b"%PDF"), "the report is no PDF")
        hold(client.follow(f"/reports/{SERVICE}/1/{OWN}", format="xlsx").startswith(b"PK"), "the report is no workbook")
        listed = client.get("/reports", service=SERVICE)["reports"]
        hold([(r["window"], r["state"]) for r in listed] == [(1, "READY")], f"the reports listed are {listed}")
        try:
            client.get(f"/reports/{SERVICE}/1/{LEAVER}", format="pdf")
        except Refused as refused:
            hold(refused.status == 403, f"a stranger's report was answered with {refused.status}")
        else:
            raise Broken("a stranger's report was given")

    def _half_deleted(self) -> None:
        stores, upload = self.stores, self._upload(self.leavers)
        report = object_keys.report_key(SERVICE, 1, LEAVER, upload.upload_id, "pdf")
        hold(stores.results.has(report), "the report's file is not there")
        join_deletion(stores, upload.upload_id)  # the portal died before it removed anything
        self._send("ReportQueue", {"service": SERVICE, "window": 1, "school": LEAVER})
        self._until("a deleted file's report to go", lambda: not stores.results.has(report))
        self._invoke_freeze()
        hold(not stores.uploads.versions(upload.object_key), "the sweep did not remove a deleted file")
        hold(not stores.results.has(object_keys.extract_key(SERVICE, upload.upload_id)), "nor its results")
        hold(stores.records.has(object_keys.tombstone_key(SERVICE, upload.upload_id)), "nor left a tombstone")
        hold(stores.records.has(object_keys.amendment_key(SERVICE, 1, upload.upload_id)), "nor amended the manifest")
        hold(stores.table.get(keys.report(SERVICE, 1, LEAVER)) is None, "nor removed the report's record")

    def _amended(self) -> None:
        stores, upload = self.stores, self._upload(self.seconds)
        self._client(f"TRUST#{TRUST}").delete(upload.upload_id)
        hold(
            stores.records.has(object_keys.amendment_key(SERVICE, 1, upload.upload_id)), "the manifest was not amended"
        )
        report = object_keys.report_key(SERVICE, 1, SECOND, upload.upload_id, "pdf")
        hold(not stores.results.has(report), "a deleted file's report is there")

    def _carried(self) -> None:
        self._close(2)
        lines = self._freeze(2, {self.trusts, None})
        hold(lines[OWN]["carried_from"] == 1, "the second window does not carry the first one's file")
        self._report(2, OWN)

    def _invoke_dataset(self) -> dict[str, Any]:
        """Runs the dataset function as the scheduler would; what it says of the service, {} if it failed."""
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.outputs["DatasetFunctionName"], Payload=b'{"run": "wiring"}'
        )
        told = json.loads(answer["Payload"].read())
        hold("FunctionError" not in answer, f"the dataset function failed: {json.dumps(told)[:300]}")
        found: dict[str, Any] = told.get(SERVICE, {})
        return found

    def _released(self) -> None:
        """The final window's rows; and none of a deleted file, though an operator's admission died half way too."""
        stores, folder = self.stores, object_keys.release_folder(SERVICE)
        first = self._invoke_dataset()
        hold(first.get("outcome") == "released" and first["rows"] > 0, f"the first release came to {first}")
        before = {listed.key for listed in stores.results.list(folder)}
        hold(len(before) == 4, f"the first release has the files {before}")
        hold(self._invoke_dataset().get("outcome") == "current", "a run that had nothing to do did something")
        begun = object_keys.admission_key(SERVICE, 2, self.early)
        stores.records.put(begun, json.dumps({"school": OWN}).encode(), "application/json")
        self._client(f"TRUST#{TRUST}").delete(self.trusts)
        second = self._invoke_dataset()
        hold((second.get("outcome"), second.get("rows")) == ("released", 0), f"the second release came to {second}")
        after = {listed.key for listed in stores.results.list(folder)}
        hold(after and not after & before, "the first release was not removed")
        hold(stores.records.has(object_keys.release_record_key(SERVICE, 2)), "the second release has no record")

    def _invoke_overview(self) -> dict[str, Any]:
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.outputs["OverviewFunctionName"], Payload=b'{"run": "wiring"}'
        )
        told = json.loads(answer["Payload"].read())
        hold("FunctionError" not in answer, f"the overview function failed: {json.dumps(told)[:300]}")
        found: dict[str, Any] = told.get(SERVICE, {})
        return found

    def _overview(self) -> None:
        """A trust's report of the final window, which its administrator fetches."""
        told = self._invoke_overview()
        hold(told.get("built", 0) > 1 and not told["failed"], f"the trust's report came to {told}")
        hold(self._invoke_overview() == {"built": 0, "failed": 0, "behind": 0}, "a run that had nothing to do did it")
        data = self._client(f"TRUST#{TRUST}").follow(f"/overviews/{SERVICE}/2", format="pdf")
        hold(data.startswith(b"%PDF-"), "the trust's report is no PDF")
        data = self._client("OPERATOR").follow(f"/overviews/{SERVICE}/2", format="xlsx")
        hold(data.startswith(b"PK"), "the operators' summary is no workbook")

    def _overview_gone(self) -> None:
        hold(not self._invoke_overview().get("failed", 1), "a report that had to go did not")
        where = f"{object_keys.overview_folder(SERVICE, 2)}trusts/"
        left = [listed.key for listed in self.stores.results.list(where)]
        hold(not left, f"a report of a deleted file is left: {left}")
        answer = self._client(f"TRUST#{TRUST}").request("GET", f"/overviews/{SERVICE}/2")
        hold(answer.status == 404, f"a trust without a file was answered with {answer.status}")

    def _schedules(self) -> None:
        client = self.stack.client("scheduler")
        ours, dataset = self.resources["FreezeFunction"], self.resources["DatasetFunction"]
        targets = []
        for listed in client.list_schedules()["Schedules"]:
            schedule = client.get_schedule(Name=listed["Name"], GroupName=listed.get("GroupName", "default"))
            targets.append(schedule["Target"]["Arn"].rsplit(":", 1)[-1])
        hold(targets.count(ours) == SCHEDULES, f"{targets.count(ours)} schedules run the freeze, not {SCHEDULES}")
        hold(targets.count(dataset) == 1, "no schedule runs the dataset function")
        hold(targets.count(self.resources["NoticeFunction"]) == 1, "no schedule runs the notice function")

    def _logs(self) -> None:
        hold(not self._trouble(), self._trouble())
        for logs, service in LOGS.items():
            said = [json.loads(line) for line in self._lines(logs) if line.startswith("{")]
            unheard = "validate" if self.rescue else "rescue"
            hold(said or service in (unheard, "portal"), f"{service} logged nothing")
            names = {line["service"] for line in said if "service" in line}
            hold(names <= {service}, f"the lines of {service} carry {names}")
            spaces = {m["Namespace"] for line in said for m in line.get("_aws", {}).get("CloudWatchMetrics", [])}
            hold(spaces <= {"EarlyResults"}, f"the metrics of {service} go to {spaces}")
        for queue in ("UploadParkingQueue", "ReportParkingQueue", "RosterDeadLetterQueue", "StreamFailureQueue"):
            hold(self._waiting(queue) == 0, f"{queue} is not empty")

    # ------------------------------------------------------------------ what fails for good

    def _waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.stack.client("sqs").get_queue_attributes(QueueUrl=self.resources[queue], AttributeNames=names)
        return sum(int(found["Attributes"][name]) for name in names)

    def _redrives(self) -> None:
        functions = ("ValidateFunction", "RescueFunction", "BuildFunction", "RosterFunction")
        for function in functions:
            self._switch(function, on=False)
        for first, *others in QUEUES:
            self._send(first, "{")
            queue = first
            for after in others:
                self._receive_for_ever(queue)
                hold(self._waiting(after) > 0, f"nothing of {queue} came to {after}")
                queue = after
            self.stack.client("sqs").purge_queue(QueueUrl=self.resources[queue])
        for function in functions:
            self._switch(function, on=True)

    def _receive_for_ever(self, queue: str) -> None:
        """Receives what waits in a queue without ever deleting it, until it has gone elsewhere."""
        client, url = self.stack.client("sqs"), self.resources[queue]
        for _ in range(12):
            client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)

    def _parked(self) -> None:
        form, _ = self._good(f"SCHOOL#{OWN}", OWN)
        good = form["upload_id"]
        self._until("a good file", lambda: self._upload(good).status.value == "SUCCESSFUL", calm=False)
        # A user whom no check can look up: every try fails, as with a file that kills its function.
        client, queue = self.stack.client("sqs"), self.resources["UploadQueue"]
        with self._files_unheard():
            form, _ = self._good(f"TRUST#{TRUST}", SECOND)
            killer = self._upload(form["upload_id"])
            [message] = self._until(
                "S3's message", lambda: client.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")
            )
            client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        self.stores.table.write(Update(keys.user(killer.user), {"role": "nobody"}))
        self._set_visibility("UploadDeadLetterQueue")
        self._send("UploadDeadLetterQueue", message["Body"])
        self._until("the file to be parked", lambda: self._upload(killer.upload_id).held == "parked", calm=False)
        self.stores.table.write(Update(keys.user(killer.user), {"role": Role.TRUST.value}))
        self._close(1, calm=False)
        runs = self._invoke_freeze()[SERVICE]
        waited = [w["upload_id"] for run in runs for w in run["waited_for"]]
        hold(waited == [killer.upload_id], f"the freeze waits for {waited}, not for the parked file")
        hold(close_upload(self.stores, killer.upload_id), "a parked file could not be closed")
        self._freeze(1, {good, None})
        self._until("its report", lambda: self.stores.table.get(keys.report(SERVICE, 1, OWN)), calm=False)
        self.trusts = good

    def _report_fails(self) -> None:
        table, report = self.stores.table, keys.report(SERVICE, 1, OWN)
        self._until("the report", lambda: (table.get(report) or {}).get("state") == "READY", calm=False)
        self._send("ReportDeadLetterQueue", {"service": SERVICE, "window": 1, "school": OWN})
        self._until("the report to be given up", lambda: (table.get(report) or {}).get("state") == "FAILED", calm=False)
