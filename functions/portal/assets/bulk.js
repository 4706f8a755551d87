// Bulk upload, for trust administrators: many files at once, each with its own way and its own verdict.
//
//   new BulkUpload(service).element, and below it .status

import { Problem } from "./api.js";
import { ask } from "./ask.js";
import { openWindow } from "./clock.js";
import { coverageList } from "./coverage.js";
import { closedPanel } from "./deadline.js";
import { fill, h } from "./dom.js";
import { dropZone } from "./dropzone.js";
import { goesOn, interrupted } from "./kept.js";
import { Line } from "./line.js";
import { matchLink } from "./matchlink.js";
import { why } from "./outcome.js";
import { turnedWords } from "./overwriting.js";
import { announce, panel } from "./panels.js";
import { setReady } from "./progress.js";
import { Queue } from "./queue.js";
import { settings } from "./settings.js";
import { events, nameOf, schoolWords, serviceOf, state } from "./state.js";
import { overwritten, severalOf } from "./turns.js";
import { rowsOf } from "./verdicts.js";
import { lookNow } from "./watch.js";
import { count, eitherOf, moment } from "./words.js";

const SHOWN = 10;

export class BulkUpload {
  #lines = [];
  #left = []; // of an upload that a reload interrupted: what may be gone on with
  #used = new Set(); // of these, what was gone on with
  #meant = null; // the window that was open when the files were chosen
  #busy = false;
  #shown = "";
  #frame = "";

  constructor(service) {
    this.service = service;
    this.area = h("div", {});
    this.zone = dropZone(`or drop up to ${settings.limits.files_at_once} workbooks here`, true, (files) =>
      this.#choose(files),
    );
    this.warnings = h("div", { class: "before-upload" });
    this.button = h("button", { type: "button", class: "main", "data-key": "upload", onclick: () => this.#start() });
    const nil = `A school has no ${eitherOf(serviceOf(service).year_group)} pupils`;
    this.nil = h("p", {}, h("button", { type: "button", class: "link", onclick: () => this.#nil() }, nil));
    this.match = matchLink(() => this.#match());
    this.coverage = h("div", {});
    this.element = h("div", {}, this.area, this.coverage);
    this.overall = h("div", { class: "overall" });
    this.several = h("div", {});
    this.only = h("input", { type: "checkbox", id: `only-${service}`, onchange: () => this.#filter() });
    this.list = h("ul", { class: "lines" });
    this.onlyRow = h(
      "p",
      { hidden: true },
      this.only,
      " ",
      h("label", { for: `only-${service}` }, "Show only the files that need attention"),
    );
    this.status = h(
      "section",
      { class: "status", "aria-labelledby": `status-${service}`, hidden: true },
      h("h2", { id: `status-${service}`, tabindex: "-1" }, "File upload status"),
      this.overall,
      this.several,
      this.onlyRow,
      this.list,
    );
    for (const name of ["services", "schools"]) events.addEventListener(name, () => this.#draw());
    events.addEventListener("schools", () => this.#recheck());
    this.#draw();
    this.#resume();
  }

  get #waiting() {
    return this.#lines.filter((line) => !line.transfer);
  }

  #currentOf(school) {
    return (state.schools.get(this.service) ?? []).find((one) => one.school === school)?.current;
  }

  /** The schools whose good file these lines would overwrite. */
  #overwriting(lines) {
    return overwritten(lines, (school) => this.#currentOf(school));
  }

  #draw() {
    const service = serviceOf(this.service);
    const open = openWindow(service);
    const waiting = this.#waiting;
    const files = waiting.map((line) => [line.file.name, line.file.size, line.number]);
    const looks = JSON.stringify([open?.number, open?.closes, this.#busy, files, state.schools.get(this.service)]);
    if (looks === this.#shown) return;
    this.#shown = looks;
    fill(this.coverage, coverageList(this.service, this.coverage.querySelector("details")?.open ?? false));
    const frame = JSON.stringify([open?.number, open?.closes]);
    if (frame !== this.#frame) {
      this.#frame = frame;
      const until = open && h("span", { class: "note" }, `until ${open.closes_words} (London time)`);
      fill(
        this.area,
        open
          ? [this.zone, this.warnings, h("div", { class: "row" }, this.button, until), this.match, this.nil]
          : closedPanel(service),
      );
    }
    fill(this.warnings, this.#warnings(waiting, open));
    const ready = waiting.length ? `Upload ${count(waiting.length, "file")}` : "Upload";
    setReady(this.button, waiting.length > 0 && !this.#busy, this.#busy ? "Uploading …" : ready);
  }

  #warnings(waiting, open) {
    const schools = this.#overwriting(waiting);
    const several = severalOf(waiting);
    const turned = waiting.length > 0 && open && this.#meant !== open.number && this.#turned(open);
    const names = (lines) => lines.map((line) => line.file.name).join(", then ");
    return [
      turned && panel("warn", turned.title, h("p", {}, turned.detail)),
      schools.length > 0 &&
        panel(
          "warn",
          `The good file of ${count(schools.length, "school")} would be overwritten`,
          h("p", {}, "Each is replaced completely once the new file has passed the checks:"),
          h("ul", {}, schools.slice(0, SHOWN).map(overwritingLine)),
          schools.length > SHOWN && h("p", {}, `and ${count(schools.length - SHOWN, "more", "more")}.`),
        ),
      several.length > 0 &&
        panel(
          "warn",
          "More than one file for a school",
          h("p", {}, "They are sent in the order in which they were chosen. The last good one counts:"),
          h(
            "ul",
            {},
            several.map(({ number, lines }) => h("li", {}, `${schoolWords(number)}: ${names(lines)}`)),
          ),
        ),
    ];
  }

  #turned(open) {
    return turnedWords(serviceOf(this.service), this.#meant, open);
  }

  async #choose(files) {
    if (this.#busy) return announce("Files are being uploaded. Please wait until all have been sent.", true);
    if (this.#lines.every((line) => line.ended)) this.#lines = [];
    if (!this.#waiting.length) this.#meant = openWindow(serviceOf(this.service))?.number;
    const fresh = files.filter((file) => !this.#lines.some((line) => same(line.file, file)));
    const room = settings.limits.files_at_once - this.#waiting.length;
    const lines = fresh.slice(0, room).map((file) => new Line(this.service, file, (line) => this.#leaveOut(line)));
    this.#lines.push(...lines);
    this.status.hidden = false;
    this.only.checked = false;
    fill(
      this.list,
      this.#lines.map((line) => line.element),
    );
    fill(this.several);
    const left = h("p", {}, `Upload these first, and then choose the other ${fresh.length - room}.`);
    fill(
      this.overall,
      fresh.length > room
        ? panel("warn", `Only the first ${settings.limits.files_at_once} files were taken`, left)
        : this.#chosenWords(),
    );
    this.onlyRow.hidden = true;
    this.#draw();
    this.#filter();
    this.button.focus();
    announce(`${count(this.#waiting.length, "file")} chosen. Select Upload to send them.`);
    lookNow();
    await this.#read(lines);
    return undefined;
  }

  /** An export of one of the schools becomes a workbook first, which joins the files that are chosen. */
  async #match() {
    const { matched } = await import("./match.js");
    const workbook = await matched(serviceOf(this.service));
    if (workbook) await this.#choose([workbook]);
  }

  /** A nil return of one of the schools joins the files that are chosen, and is sent with them. */
  async #nil() {
    const { nilReturn } = await import("./nil.js");
    const file = await nilReturn(serviceOf(this.service));
    if (file) await this.#choose([file]);
  }

  /** Reads whose rows the files have, a few at a time: what they would overwrite is said before they are sent. */
  async #read(lines) {
    const queue = [...lines];
    const work = async () => {
      for (let line = queue.shift(); line; line = queue.shift()) await line.read();
    };
    this.reading = Promise.all(Array.from({ length: 4 }, work));
    await this.reading;
    this.#draw();
  }

  #chosenWords() {
    return h("p", {}, `${count(this.#waiting.length, "file")} chosen. Nothing has been sent yet.`);
  }

  #leaveOut(line) {
    this.#lines = this.#lines.filter((other) => other !== line);
    line.element.remove();
    fill(this.overall, this.#chosenWords());
    this.status.hidden = !this.#lines.length;
    this.#draw();
    this.button.focus();
  }

  /** Whether the user still wants it, seeing whose files would be overwritten at this moment, and in which window. */
  async #sure(lines) {
    const open = openWindow(serviceOf(this.service));
    const schools = this.#overwriting(lines);
    const turned = open && this.#meant !== open.number && this.#turned(open);
    if (!schools.length && !turned) return true;
    return ask({
      title: turned ? turned.title : `Overwrite the good file of ${count(schools.length, "school")}?`,
      body: [
        turned && h("p", {}, turned.detail),
        schools.length > 0 && [
          h(
            "p",
            {},
            `These schools have a good file of ${nameOf(this.service)} already. A file that passes the checks ` +
              "replaces it completely.",
          ),
          h("ul", { class: "scroll" }, schools.map(overwritingLine)),
          carriedWords(schools, open),
        ],
      ],
      yes: `Upload ${count(lines.length, "file")}`,
    });
  }

  async #start() {
    if (this.#busy) return; // the second of two quick clicks
    const lines = this.#waiting;
    if (!lines.length) return announce("Please choose files first.", true);
    this.#busy = true;
    await Promise.all([lookNow(), this.reading]);
    if (!(await this.#sure(lines))) {
      this.#busy = false;
      return this.#draw();
    }
    const open = openWindow(serviceOf(this.service))?.number;
    for (const line of lines) {
      const at = this.#left.findIndex((left) => goesOn(left, line.file));
      const [previous] = at < 0 ? [null] : this.#left.splice(at, 1);
      if (previous) this.#used.add(previous);
      line.start(open, previous);
      line.transfer.meant = this.#meant;
    }
    return this.#run(lines);
  }

  async #run(lines) {
    this.#busy = true;
    this.#draw();
    this.status.querySelector("h2").focus();
    for (const line of lines) line.done = () => this.#summary(lines);
    this.#summary(lines);
    const queue = new Queue(this.service, lines);
    try {
      await queue.run();
    } finally {
      this.#busy = false;
      this.#draw();
    }
    await queue.judged;
  }

  #summary(lines) {
    const ended = lines.filter((line) => line.ended);
    const good = ended.filter((line) => line.good);
    const lost = ended.filter((line) => line.transfer.phase === "failed");
    const bad = ended.filter((line) => line.attention && line.transfer.phase === "done");
    this.onlyRow.hidden = !bad.length && !lost.length;
    const said = [
      `${good.length} uploaded successfully`,
      bad.length > 0 && `${bad.length} with errors`,
      lost.length > 0 && `${lost.length} not sent`,
    ]
      .filter(Boolean)
      .join(", ");
    if (ended.length < lines.length) {
      const bar = h("progress", { max: lines.length, value: ended.length, "aria-label": "All files" });
      const words = h("span", {}, `${ended.length} of ${count(lines.length, "file")} done: ${said}.`);
      return void fill(this.overall, h("div", { class: "progress" }, bar, words));
    }
    const attention = [...bad, ...lost];
    const again = lost.filter((line) => line.transfer.problem.again);
    const retry = () => this.#again(again);
    fill(
      this.overall,
      panel(
        attention.length ? "warn" : "good",
        `All ${count(lines.length, "file")} done: ${said}.`,
        attention.length > 0 && [
          h("p", {}, "These files need attention. The others are not affected:"),
          h("ul", { class: "scroll" }, attention.map(attentionLine)),
        ],
        again.length > 0 &&
          h(
            "button",
            { type: "button", class: "main", onclick: retry },
            `Try again with ${count(again.length, "file")}`,
          ),
      ),
    );
    this.#filter();
    this.#drawSeveral();
    return announce(`All files are done: ${said}.`, true);
  }

  /** For each school that several files were for: which one counts. */
  #drawSeveral() {
    const several = severalOf(this.#lines.filter((line) => line.transfer?.phase === "done"));
    const line = ({ number, lines }) => {
      const id = this.#currentOf(number)?.upload_id;
      const counts = lines.find((one) => one.transfer.upload.upload_id === id);
      const words = counts
        ? [" counts: ", h("span", { class: "filename" }, counts.file.name)]
        : [" none of them counts", this.#currentOf(number) && `: ${this.#currentOf(number).name} does`];
      return h("li", {}, `${schoolWords(number)}, ${count(lines.length, "file")}:`, words);
    };
    fill(
      this.several,
      several.length > 0 && panel("info", "More than one file for a school", h("ul", {}, several.map(line))),
    );
  }

  /** What was said of these files may not be so any more: others may have overwritten or deleted one. */
  async #recheck() {
    const done = this.#lines.filter((line) => line.transfer?.phase === "done");
    if (!done.length) return;
    try {
      const rows = await rowsOf(done.map((line) => line.transfer.id));
      for (const line of done) line.stands(rows.get(line.transfer.id));
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // with the next change again
    }
    this.#drawSeveral();
  }

  #again(lines) {
    if (this.#busy) return;
    const open = openWindow(serviceOf(this.service))?.number;
    for (const line of lines) line.start(open, line.transfer);
    this.#run(lines);
  }

  #filter() {
    for (const line of this.#lines) line.element.hidden = this.only.checked && !line.attention;
  }

  /** After a reload in the middle of a bulk. */
  async #resume() {
    const left = interrupted(this.service);
    if (!left.length) return;
    this.status.hidden = false;
    const place = h("div", {});
    fill(this.overall, place);
    const { cameOf } = await import("./came.js");
    await cameOf(place, left, (one, yes) => {
      const at = this.#left.indexOf(one);
      if (yes && at < 0 && !this.#used.has(one)) this.#left.push(one);
      if (!yes && at >= 0) this.#left.splice(at, 1);
    });
  }
}

const same = (a, b) => a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;

const overwritingLine = ({ number, current }) =>
  h("li", {}, `${schoolWords(number)}: ${current.name}, by ${current.user}, ${moment(current.received)}`);

const attentionLine = (line) =>
  h(
    "li",
    {},
    h("span", { class: "filename" }, line.file.name),
    `: ${line.transfer.upload ? why(line.transfer.upload) : line.transfer.problem.title}`,
  );

/** What becomes of the files of an earlier window that is over. */
function carriedWords(schools, open) {
  const windows = [...new Set(schools.map(({ current }) => current.window))];
  const earlier = windows.filter((window) => window && window !== open?.number);
  if (!earlier.length) return null;
  const before = `What was used for window ${earlier.join(" and ")} stays as it is, with its reports.`;
  return h("p", {}, `The new files are used for window ${open.number}. ${before}`);
}
