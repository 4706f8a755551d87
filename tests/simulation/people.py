"""Those who upload, delete and look."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from adapters.rosters import user_of
from early_results.access import User
from early_results.checking.mark import TemplateMark
from early_results.service import load_service
from portal import history as portal_history
from portal import uploading
from portal.requests import FileToUpload, UploadRequest

from .boundary import SERVICE, pupil
from .founding import FOUNDED, GRACE, LATE_SCHOOL, MAX_BYTES, SCHOOLS
from .scheduler import at
from .truth import Look, Post, Shown, Template
from .workbooks import results_of, workbook

if TYPE_CHECKING:
    from .world import World


class People:
    """What people do, each on a machine of their own."""

    def __init__(self, world: World) -> None:
        self.world = world

    def file(self, school: str, template: Template, *, good: bool, kills: int = 0) -> tuple[bytes, dict[str, Any]]:
        """A file of a school, and what is in it."""
        world = self.world
        world.files += 1
        tag = world.files
        if kills:
            world.kills[tag] = kills
        seed = tag if world.plan.random() < 0.9 else 1
        listed = tuple(pupil(school, upn) for upn in template.upns)
        mark = None
        if template.version:
            mark = TemplateMark(SERVICE, world.deployed().ruleset, school, template.version, FOUNDED)
        data = workbook(world.deployed(), listed, seed, mark, good=good and bool(listed), tag=tag)
        return data, {
            "school": school if listed else None,
            "pupils": list(template.upns),
            "good": good and bool(listed),
            "template": template.version,
            "results": results_of(world.deployed(), len(listed), seed),
        }

    def upload(self, posted: int) -> None:
        """One person's attempt: a form, a post, perhaps posts again, perhaps a deletion."""
        plan = self.world.plan
        schools = [*SCHOOLS[: self.world.schools], *([LATE_SCHOOL] if self.world.has("new school") else [])]
        school = schools[0] if self.world.has("rush") else plan.choice(schools)
        sub = f"user-{school}"
        if school in SCHOOLS[:2] and plan.random() < 0.3:
            sub = "user-trust"
        elif self.world.has("users come and go") and plan.random() < 0.2:
            sub = "user-new"
        elif plan.random() < 0.05:
            sub = f"user-{plan.choice(schools)}"  # the file of another school, chosen by mistake
        old = self.world.has("old templates") and plan.random() < 0.6
        kills = plan.choice([1, 3, 8, 999]) if self.world.has("killer files") and plan.random() < 0.3 else 0
        good = plan.random() < 0.85
        asked = posted - plan.choice([900, 3_000, 30_000, 200_000, 590_000])
        service = load_service(SERVICE)
        big = plan.random() < 0.03
        transfer = plan.randint(0, 400)
        if self.world.has("slow transfers") and plan.random() < 0.5:
            transfer = plan.randint(0, 150_000)
            self.world.scheduler.kinds.add("slow transfers")
        if self.world.has("rush"):
            transfer //= 8
            self.world.scheduler.kinds.add("rush")
        if self.world.has("very slow transfers") and plan.random() < 0.4:
            transfer = plan.randint(0, 1_500_000)
            self.world.scheduler.kinds.add("very slow transfers")
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
            if plan.random() < 0.5:  # while reports are built
                delete_after += plan.randint(1_000, 150_000)
        deletes = self.world.has("deletes") and plan.random() < 0.5
        fickle = plan.randint(500, 40_000)
        looks = [
            plan.choice([1_000, 30_000, max(0, self.world.at_a_run(posted) - posted - transfer)])
            for _ in range(plan.choice([0, 1, 1, 2]) if self.world.has("lookers") else 0)
        ]
        self.world.planned += 1
        name = f"post {self.world.planned}"

        def ask() -> None:
            def work(now: datetime) -> list[Any]:
                user = self.user(sub)
                size = MAX_BYTES + 1 if big else MAX_BYTES // 2
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
            template = self.world.first_templates.get(school) if old else None
            template = template or self.world.template(school)
            if old:
                self.world.scheduler.kinds.add("old templates")
            if not first:
                self.world.scheduler.kinds.add("replays")
            data, said = self.file(school, template, good=good, kills=kills)
            received = moment.replace(microsecond=0)
            self.world.scheduler.story(
                f"S3 takes {name} ({school}, {upload_id[-4:]}, good: {good}) as of {received:%H:%M:%S}"
            )

            def surface() -> None:
                version = self.world.uploads.store(form["key"], data, received, form["metadata"])
                kept = Post(upload_id, form["key"], received, self.world.scheduler.now(), data, said, version)
                self.world.truth.posts.append(kept)
                self.world.scheduler.story(f"{name} surfaces as version {version}")
                self.world.pipeline.notify(form["key"], version)

            if takes == 0:
                surface()
            else:
                self.world.scheduler.after_ms(takes, surface)
            if first and again is not None:
                self.world.scheduler.after_ms(again, lambda: post(upload_id, form, transfer // 3, first=False))
            for wait in looks if first else ():
                self.world.scheduler.after_ms(takes + wait, lambda: self.look(upload_id, sub))
            if first and deletes:
                self.world.scheduler.after_ms(takes + delete_after, lambda: self.delete(upload_id, sub, fickle, 3))

        self.world.scheduler.at(asked, ask)

    def user(self, sub: str) -> User:
        """The user who asks, as the portal's handler reads it from the table."""
        user = user_of(self.world.stores, sub)
        if user is None:
            raise LookupError("no such user")
        return user

    def look(self, upload_id: str, sub: str) -> None:
        """Somebody asks what became of their file: what they are shown is kept, to be held against what became true."""
        world = self.world

        def work(now: datetime) -> None:
            asked = world.scheduler.now()
            user = self.user(sub)
            upload = portal_history.find_upload(world.stores, user, upload_id)
            told: dict[str, Any] = {**portal_history.one_upload(world.stores, user, upload)}
            kept = Shown(sub, upload_id, upload.school, upload.window, asked, world.scheduler.now(), told)
            world.scheduler.kinds.add("lookers")
            world.truth.shown.append(kept)
            if world.scheduler.tell:
                receipt = told["receipt"] or {}
                words = f"{told['status']}, {receipt.get('statement')}"
                world.scheduler.story(f"{sub} is told of {upload_id[-4:]}: {words}")

        world.actor(f"look at {upload_id[-4:]}", work, seconds=25)

    def delete(self, upload_id: str, sub: str, fickle: int, tries: int) -> None:
        def work(now: datetime) -> None:
            began = self.world.scheduler.now()
            user = self.user(sub)
            upload = portal_history.find_upload(self.world.stores, user, upload_id)
            uploading.delete(self.world.stores, user, load_service(SERVICE), upload, now)
            self.world.truth.looks.append(
                Look(sub, upload_id, upload.school, upload.user, began, self.world.scheduler.now(), True)
            )
            self.world.scheduler.kinds.add("deletes")
            self.world.acknowledged(upload_id)

        def done(result: Any, error: BaseException | None) -> None:
            if error is not None and tries > 1:
                self.world.scheduler.after_ms(fickle, lambda: self.delete(upload_id, sub, fickle * 3, tries - 1))

        self.world.actor(f"deletion of {upload_id[-4:]}", work, done, seconds=25)

    def console(self) -> None:
        """Somebody removes a file in the console, without naming a version: its versions stay beneath a marker."""
        posted = [post for post in self.world.truth.posts if post.key in self.world.uploads.objects]
        if posted:
            key = self.world.scheduler.random.choice(posted).key
            self.world.scheduler.story(f"a delete marker is put on {key}")
            self.world.scheduler.kinds.add("delete markers")
            self.world.uploads.mark_deleted(key, self.world.scheduler.now().replace(microsecond=0))

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
            user = self.user(sub)
            upload = portal_history.find_upload(self.world.stores, user, upload_id)
            self.world.scheduler.kinds.add("strangers")
            seen = Look(sub, upload_id, upload.school, upload.user, began, self.world.scheduler.now(), False)
            self.world.truth.looks.append(seen)
            if spiteful:
                uploading.delete(self.world.stores, user, load_service(SERVICE), upload, now)
                seen.deleted = True
                self.world.acknowledged(upload_id)

        self.world.actor(f"stranger at {upload_id[-4:]}", work, seconds=25)
