// Bulk upload, for trust administrators: many files at once, each with its own way and its own verdict.
//
//   new BulkUpload(service).element

import { Problem } from "./api.js";
import { ask } from "./ask.js";
import { openWindow, secondsTo } from "./clock.js";
import { fill, h } from "./dom.js";
import { dropZone } from "./dropzone.js";
import { icon } from "./icons.js";
import { goesOn, interrupted } from "./kept.js";
import { Line } from "./line.js";
import { repeated } from "./names.js";
import { why } from "./outcome.js";
import { announce, panel } from "./panels.js";
import { coverage, events, nameOf, schoolWords, serviceOf } from "./state.js";
import { askForms } from "./transfer.js";
import { setReady } from "./upload.js";
import { cameOf } from "./verdicts.js";
import { count, moment } from "./words.js";

const MOST = 500;
const SIDE_BY_SIDE = 4;
const FORMS = 20; // asked for at a time: they live ten minutes, so never for the whole of a long queue

export class BulkUpload {
  #lines = [];
  #left = []; // of an upload that a reload interrupted: what did not arrive
  #busy = false;
  #shown = "";
  #frame = "";

  constructor(service) {
    this.service = service;
    this.area = h("div", {});
    this.zone = dropZone(`or drop up to ${MOST} workbooks here`, true, (files) => this.#choose(files));
    this.warnings = h("div", {});
    this.button = h("button", { type: "button", class: "main", "data-key": "upload", onclick: () => this.#start() });
    this.coverage = h("div", {});
    this.element = h("div", {}, this.area, this.coverage);
    this.overall = h("div", { class: "overall" });
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
      this.onlyRow,
      this.list,
    );
    for (const name of ["services", "schools"]) events.addEventListener(name, () => this.#draw());
    this.#draw();
    this.#resume();
  }

  get #waiting() {
    return this.#lines.filter((line) => !line.transfer);
  }

  /** The lines whose school has a good file now, that they would overwrite. */
  #overwriting(lines) {
    const { schools } = coverage(this.service);
    return lines
      .map((line) => [line, schools.find((one) => one.school === line.number)?.current])
      .filter(([, current]) => current);
  }

  #draw() {
    const service = serviceOf(this.service);
    const open = openWindow(service);
    const { schools, missing, words } = coverage(this.service);
    const waiting = this.#waiting;
    const looks = JSON.stringify([
      open?.number,
      open?.closes,
      this.#busy,
      waiting.map((line) => [line.file.name, line.file.size]),
      schools,
    ]);
    if (looks === this.#shown) return;
    this.#shown = looks;
    const isOpen = this.coverage.querySelector("details")?.open ?? false;
    fill(
      this.coverage,
      schools.length > 0 &&
        h(
          "details",
          { open: isOpen },
          h("summary", {}, words),
          h(
            "ul",
            { class: "plainlist" },
            [...missing, ...schools.filter((one) => one.current)].map((one) =>
              h(
                "li",
                {},
                h(
                  "span",
                  { class: `badge ${one.current ? "tick" : "clock"}` },
                  icon(one.current ? "tick" : "clock"),
                  one.current ? "Good file" : "No good file yet",
                ),
                ` ${schoolWords(one.school)}`,
                one.current &&
                  h(
                    "span",
                    { class: "next" },
                    `${one.current.name}, by ${one.current.user}, received at ${moment(one.current.received)}, in ` +
                      `window ${one.current.window}`,
                  ),
              ),
            ),
          ),
        ),
    );
    const frame = JSON.stringify([open?.number, open?.closes]);
    if (frame !== this.#frame) {
      this.#frame = frame;
      fill(
        this.area,
        open
          ? [
              this.zone,
              this.warnings,
              h(
                "div",
                { class: "row" },
                this.button,
                h("span", { class: "note" }, `until ${open.closes_words} (London time)`),
              ),
            ]
          : this.#closed(service),
      );
    }
    const overwriting = this.#overwriting(waiting);
    const twice = repeated(waiting);
    fill(
      this.warnings,
      overwriting.length > 0 &&
        panel(
          "warn",
          `${count(overwriting.length, "file")} would overwrite a good file`,
          h("p", {}, "Each replaces its school's present file once it has passed the checks:"),
          h(
            "ul",
            {},
            overwriting
              .slice(0, 10)
              .map(([line, current]) =>
                h(
                  "li",
                  {},
                  `${schoolWords(line.number)}: ${current.name}, by ${current.user}, ${moment(current.received)}`,
                ),
              ),
          ),
          overwriting.length > 10 && h("p", {}, `and ${count(overwriting.length - 10, "more", "more")}.`),
        ),
      twice.length > 0 &&
        panel(
          "warn",
          "More than one file for a school",
          h("p", {}, `${twice.map(schoolWords).join("; ")}. The good file that we receive last will count.`),
        ),
    );
    setReady(
      this.button,
      waiting.length && !this.#busy,
      this.#busy ? "Uploading …" : waiting.length ? `Upload ${count(waiting.length, "file")}` : "Upload",
    );
  }

  #closed(service) {
    const next = service.windows.find((window) => secondsTo(window.opens) > 0);
    return panel(
      "info",
      "Files cannot be uploaded at the moment",
      h(
        "p",
        {},
        next
          ? `The next window opens at ${moment(next.opens)} (London time).`
          : "The last window of this service has closed.",
      ),
    );
  }

  #choose(files) {
    if (this.#busy) return announce("Files are being uploaded. Please wait until all have been sent.", true);
    if (this.#lines.every((line) => line.ended)) this.#lines = [];
    const same = (file) =>
      this.#lines.some(
        ({ file: other }) =>
          other.name === file.name && other.size === file.size && other.lastModified === file.lastModified,
      );
    const fresh = files.filter((file) => !same(file));
    const room = MOST - this.#waiting.length;
    for (const file of fresh.slice(0, room))
      this.#lines.push(new Line(this.service, file, (line) => this.#leaveOut(line)));
    this.status.hidden = false;
    this.only.checked = false;
    fill(
      this.list,
      this.#lines.map((line) => line.element),
    );
    fill(
      this.overall,
      fresh.length > room
        ? panel(
            "warn",
            `Only the first ${MOST} files were taken`,
            h("p", {}, `Upload these first, and then choose the other ${fresh.length - room}.`),
          )
        : h("p", {}, `${count(this.#waiting.length, "file")} chosen. Nothing has been sent yet.`),
    );
    this.onlyRow.hidden = true;
    this.#draw();
    this.#filter();
    this.button.focus();
    return announce(`${count(this.#waiting.length, "file")} chosen. Select Upload to send them.`);
  }

  #leaveOut(line) {
    this.#lines = this.#lines.filter((other) => other !== line);
    line.element.remove();
    fill(this.overall, h("p", {}, `${count(this.#waiting.length, "file")} chosen. Nothing has been sent yet.`));
    this.status.hidden = !this.#lines.length;
    this.#draw();
    this.button.focus();
  }

  async #start() {
    if (this.#busy) return; // the second of two quick clicks
    const lines = this.#waiting;
    if (!lines.length) return announce("Please choose files first.", true);
    this.#busy = true;
    const overwriting = this.#overwriting(lines);
    if (overwriting.length) {
      const sure = await ask({
        title: `Overwrite ${count(overwriting.length, "good file")}?`,
        body: [
          h(
            "p",
            {},
            `These schools have a good file of ${nameOf(this.service)} already. A file that passes the checks ` +
              "replaces it completely.",
          ),
          h(
            "ul",
            { class: "scroll" },
            overwriting.map(([line]) => h("li", {}, `${line.file.name}: ${schoolWords(line.number)}`)),
          ),
        ],
        yes: `Upload ${count(lines.length, "file")}`,
      });
      if (!sure) {
        this.#busy = false;
        return undefined;
      }
    }
    for (const line of lines) {
      const at = this.#left.findIndex((left) => goesOn(left, line.file));
      line.start(at < 0 ? null : this.#left.splice(at, 1)[0]);
    }
    return this.#run(lines);
  }

  async #run(lines) {
    this.#busy = true;
    this.#draw();
    this.status.querySelector("h2").focus();
    const queue = [...lines];
    const following = [];
    let asking = null;
    const issue = async () => {
      const batch = queue.filter((line) => !line.transfer.form && !line.transfer.ended).slice(0, FORMS);
      const window = openWindow(serviceOf(this.service))?.number;
      try {
        const forms = await askForms(
          this.service,
          batch.map((line) => line.file),
        );
        for (const [at, line] of batch.entries()) line.transfer.take(forms[at], window);
      } catch (error) {
        if (!(error instanceof Problem)) throw error;
        for (const line of batch) line.transfer.fail(error);
      }
    };
    const work = async () => {
      while (queue.length) {
        const [line] = queue;
        if (!line.transfer.form && !line.transfer.ended) {
          asking ??= issue().finally(() => (asking = null));
          await asking;
          continue;
        }
        queue.shift();
        if (line.transfer.ended) continue;
        await line.transfer.deliver();
        if (!line.transfer.ended) following.push(line.transfer.follow());
      }
    };
    for (const line of lines) line.done = () => this.#summary(lines);
    this.#summary(lines);
    try {
      await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
    } finally {
      this.#busy = false;
      this.#draw();
    }
    await Promise.all(following);
  }

  #summary(lines) {
    const ended = lines.filter((line) => line.ended);
    const good = ended.filter((line) => line.good);
    const lost = ended.filter((line) => line.transfer.phase === "failed");
    const bad = ended.filter((line) => line.attention && line.transfer.phase === "done");
    const all = ended.length === lines.length;
    this.onlyRow.hidden = !bad.length && !lost.length;
    const said = [
      `${good.length} uploaded successfully`,
      bad.length && `${bad.length} with errors`,
      lost.length && `${lost.length} not received`,
    ]
      .filter(Boolean)
      .join(", ");
    if (!all) {
      fill(
        this.overall,
        h(
          "div",
          { class: "progress" },
          h("progress", { max: lines.length, value: ended.length, "aria-label": "All files" }),
          h("span", {}, `${ended.length} of ${count(lines.length, "file")} done: ${said}.`),
        ),
      );
      return;
    }
    const again = lost.filter((line) => line.transfer.problem.again);
    fill(
      this.overall,
      panel(
        bad.length || lost.length ? "warn" : "good",
        `All ${count(lines.length, "file")} done: ${said}.`,
        (bad.length > 0 || lost.length > 0) && [
          h("p", {}, "These files need attention. The others are not affected:"),
          h(
            "ul",
            { class: "scroll" },
            [...bad, ...lost].map((line) =>
              h(
                "li",
                {},
                h("span", { class: "filename" }, line.file.name),
                `: ${line.transfer.upload ? why(line.transfer.upload) : line.transfer.problem.title}`,
              ),
            ),
          ),
        ],
        again.length > 0 &&
          h(
            "button",
            { type: "button", class: "main", onclick: () => this.#again(again) },
            `Try again with ${count(again.length, "file")}`,
          ),
      ),
    );
    this.#filter();
    announce(`All files are done: ${said}.`, true);
  }

  #again(lines) {
    if (this.#busy) return;
    for (const line of lines) line.start(line.transfer);
    this.#run(lines);
  }

  #filter() {
    for (const line of this.#lines) line.element.hidden = this.only.checked && !line.attention;
  }

  /** After a reload in the middle of a bulk: which files arrived, and which must be chosen again. */
  async #resume() {
    const left = interrupted(this.service);
    if (!left.length) return;
    this.status.hidden = false;
    fill(
      this.overall,
      panel("wait", "The page was left while files were being uploaded", h("p", {}, "Looking for what arrived …")),
    );
    const came = await Promise.all(left.map(cameOf));
    const missing = left.filter((_, at) => !came[at]);
    this.#left = missing;
    fill(
      this.overall,
      missing.length
        ? panel(
            "warn",
            `${count(missing.length, "file")} did not arrive`,
            h(
              "p",
              {},
              `The page was left before ${missing.length === 1 ? "it" : "they"} had been sent. Choose ` +
                `${missing.length === 1 ? "it" : "them"} again, with any file that had not had its turn. The history ` +
                `below lists what arrived.`,
            ),
            h(
              "ul",
              { class: "scroll" },
              missing.map((one) => h("li", { class: "filename" }, one.name)),
            ),
          )
        : panel(
            "good",
            "The files that were on their way have arrived",
            h("p", {}, "The history below has their results. Choose any file that had not had its turn."),
          ),
    );
  }
}
