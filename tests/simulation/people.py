"""Those who upload, delete and look."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.rosters import user_of
from early_results.service import load_service
from portal import history as portal_history
from portal import uploading
from portal.requests import FileToUpload, UploadRequest

from .boundary import SERVICE
from .founding import GRACE, LATE_SCHOOL, MAX_BYTES, SCHOOLS
from .scheduler import at
from .truth import Look, Post

if TYPE_CHECKING:
    from .world import World


class People:
    """What people do, each on a machine of their own."""

    def __init__(self, world: World) -> None:
        self.world = world

    def file(self, school: str, *, good: bool, kills: int = 0) -> bytes:
        self.world.files += 1
        tag = self.world.files
        if kills:
            self.world.kills[tag] = kills
        listed = self.world.rosters.get(school, [])
        return json.dumps({"school": school, "pupils": listed, "good": good, "tag": tag}).encode()

    def upload(self, posted: int) -> None:
        """One person's attempt: a form, a post, perhaps posts again, perhaps a deletion."""
        plan = self.world.plan
        schools = [*SCHOOLS[: self.world.schools], *([LATE_SCHOOL] if self.world.has("new school") else [])]
        school = schools[0] if self.world.has("rush") else plan.choice(schools)
        sub = f"user-{school}"
        if school in SCHOOLS[:2] and plan.random() < 0.3:
            sub = "user-trust"
        elif plan.random() < 0.05:
            sub = f"user-{plan.choice(schools)}"  # somebody else's file, by mistake
        kills = plan.choice([1, 3, 8, 99]) if self.world.has("killer files") and plan.random() < 0.3 else 0
        good = plan.random() < 0.85
        asked = posted - plan.choice([900, 3_000, 30_000, 200_000, 590_000])
        service = load_service(SERVICE)
        big = plan.random() < 0.03
        transfer = plan.randint(0, 400)
        if self.world.has("slow transfers") and plan.random() < 0.5:
            transfer = plan.randint(0, 150_000)
        if self.world.has("rush"):
            transfer //= 8
        if self.world.has("very slow transfers") and plan.random() < 0.4:
            transfer = plan.randint(0, 1_500_000)
            if plan.random() < 0.5:
                transfer = max(0, self.world.at_a_run(posted) - posted)
        if self.world.has("late files decided") and plan.random() < 0.5:
            closes = min((noon for noon in self.world.noons if noon > posted), default=posted)
            transfer = closes + plan.randint(GRACE, 900) * 1000 - posted
        again = plan.randint(0, 60_000) if self.world.has("replays") and plan.random() < 0.5 else None
        gives_up = plan.random() < 0.08
        delete_after = plan.choice([0, 2_000, 20_000, 200_000, 600_000, 1_800_000, 9 * 3_600_000])
        if plan.random() < 0.4:
            delete_after = max(0, self.world.at_a_run(posted) - posted - transfer)
        deletes = self.world.has("deletes") and plan.random() < 0.5
        fickle = plan.randint(500, 40_000)
        self.world.planned += 1
        name = f"post {self.world.planned}"

        def ask() -> None:
            def work(now: datetime) -> list[Any]:
                user = user_of(self.world.stores, sub)
                if user is None:
                    raise LookupError("no such user")
                size = MAX_BYTES + 1 if big else 200
                request = UploadRequest(service=SERVICE, files=[FileToUpload(name="a.xlsx", size=size)])
                return uploading.issue_forms(self.world.stores, user, service, request, now)

            self.world.actor(f"form for {name} ({school})", work, got, seconds=25)

        def got(result: Any, error: BaseException | None) -> None:
            if error is not None:
                return
            upload_id, form = result[0]["upload_id"], result[0]["post"]
            self.world.issued.append((upload_id, sub))
            if form is None or gives_up:
                return
            self.world.scheduler.at(posted, lambda: post(upload_id, form, transfer, first=True))

        def post(upload_id: str, form: dict[str, Any], takes: int, *, first: bool) -> None:
            moment = self.world.scheduler.now() if self.world.scheduler.time > posted + 100 else at(posted)
            if not first:
                moment = self.world.scheduler.now()
            if moment >= form["signed"] + timedelta(seconds=form["seconds"]):
                self.world.scheduler.story(f"S3 refuses {name}: the form has expired")
                return
            data = self.file(school, good=good, kills=kills)
            received = moment.replace(microsecond=0)
            self.world.scheduler.story(
                f"S3 takes {name} ({school}, {upload_id[-4:]}, good: {good}) as of {received:%H:%M:%S}"
            )

            def surface() -> None:
                version = self.world.uploads.store(form["key"], data, received, form["metadata"])
                kept = Post(upload_id, form["key"], received, self.world.scheduler.now(), data, version)
                self.world.truth.posts.append(kept)
                self.world.scheduler.story(f"{name} surfaces as version {version}")
                self.world.pipeline.notify(form["key"], version)

            if takes == 0:
                surface()
            else:
                self.world.scheduler.after_ms(takes, surface)
            if first and again is not None:
                self.world.scheduler.after_ms(again, lambda: post(upload_id, form, transfer // 3, first=False))
            if first and deletes:
                self.world.scheduler.after_ms(takes + delete_after, lambda: self.delete(upload_id, sub, fickle, 3))

        self.world.scheduler.at(asked, ask)

    def delete(self, upload_id: str, sub: str, fickle: int, tries: int) -> None:
        def work(now: datetime) -> None:
            began = self.world.scheduler.now()
            user = user_of(self.world.stores, sub)
            if user is None:
                raise LookupError("no such user")
            upload = portal_history.find_upload(self.world.stores, user, upload_id)
            uploading.delete(self.world.stores, user, load_service(SERVICE), upload, now)
            self.world.truth.looks.append(
                Look(sub, upload_id, upload.school, upload.user, began, self.world.scheduler.now(), True)
            )

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and tries > 1:
                self.world.scheduler.after_ms(fickle, lambda: self.delete(upload_id, sub, fickle * 3, tries - 1))

        self.world.actor(f"deletion of {upload_id[-4:]}", work, done, seconds=25)

    def stranger(self) -> None:
        """Somebody looks at an upload, theirs or not, and may try to delete it."""
        if not self.world.issued:
            return
        random = self.world.scheduler.random
        upload_id, owner = random.choice(self.world.issued)
        sub = random.choice([*(f"user-{s}" for s in SCHOOLS), "user-trust"])
        spiteful = sub != owner and random.random() < 0.5

        def work(now: datetime) -> None:
            began = self.world.scheduler.now()
            user = user_of(self.world.stores, sub)
            if user is None:
                raise LookupError("no such user")
            upload = portal_history.find_upload(self.world.stores, user, upload_id)
            seen = Look(sub, upload_id, upload.school, upload.user, began, self.world.scheduler.now(), False)
            self.world.truth.looks.append(seen)
            if spiteful:
                uploading.delete(self.world.stores, user, load_service(SERVICE), upload, now)
                seen.deleted = True

        self.world.actor(f"stranger at {upload_id[-4:]}", work, seconds=25)
