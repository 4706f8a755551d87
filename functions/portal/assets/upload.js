// Uploading one file, for a school: choose or drop, send, check, verdict.
//
//   new SingleUpload(service).element, and below it .status

import { ask } from "./ask.js";
import { now, openWindow } from "./clock.js";
import { closedPanel } from "./deadline.js";
import { fill, h } from "./dom.js";
import { dropZone } from "./dropzone.js";
import { knownBy } from "./fates.js";
import { goesOn, interrupted } from "./kept.js";
import { LiveVerdict } from "./live.js";
import { isText, matchLink } from "./matchlink.js";
import { countWords, isGood } from "./outcome.js";
import { fileWords, overwritingWords, turnedWords } from "./overwriting.js";
import { announce, panel } from "./panels.js";
import { progressOf, setReady, slowWords } from "./progress.js";
import { events, serviceOf, state } from "./state.js";
import { Transfer } from "./transfer.js";
import { becomes } from "./verdicts.js";
import { lookNow } from "./watch.js";
import { eitherOf, moment, size } from "./words.js";

/** The upload area of a school. Lives as long as the page does, so that nothing chosen is ever lost. */
export class SingleUpload {
  #file = null;
  #meant = null; // the window that was open when the file was chosen
  #seen = null; // the upload that the file would overwrite, as the person was told when choosing it
  #transfer = null;
  #busy = false;
  #shown = "";
  #verdict = null;
  #live = null;

  constructor(service) {
    this.service = service;
    this.area = h("div", {});
    this.zone = dropZone("or drop your completed workbook here", false, (files, dropped) =>
      this.#choose(files[0], dropped),
    );
    this.chosen = h("div", { class: "chosen" });
    this.button = h("button", { type: "button", class: "main", "data-key": "upload", onclick: () => this.#start() });
    this.counting = h("p", { class: "note counting" });
    const nil = `We have no ${eitherOf(this.described.year_group)} pupils`;
    this.nil = h("p", {}, h("button", { type: "button", class: "link", onclick: () => this.#nil() }, nil));
    this.match = matchLink(() => this.#match());
    this.status = h("section", { class: "status", "aria-labelledby": `status-${service}`, hidden: true });
    this.status.addEventListener("corrected", (event) => {
      event.preventDefault(); // the corrected file's verdict is shown with its name
      this.#judged(event.detail, openWindow(this.described)?.number);
    });
    this.element = h("div", {}, this.area);
    events.addEventListener("services", () => this.draw());
    events.addEventListener("schools", () => this.draw());
    this.draw();
    this.#resume();
  }

  get described() {
    return serviceOf(this.service);
  }

  get current() {
    return state.schools.get(this.service)?.[0]?.current ?? null;
  }

  /** Draws what changed and nothing else: the button that is being clicked must not be replaced under the mouse. */
  draw() {
    const open = openWindow(this.described);
    const frame = JSON.stringify([open?.number, open?.closes]);
    if (frame !== this.#shown) {
      this.#shown = frame;
      const until = open && h("span", { class: "note" }, `until ${open.closes_words} (London time)`);
      fill(
        this.area,
        open
          ? [
              this.zone,
              this.chosen,
              h("div", { class: "row" }, this.button, until),
              this.counting,
              this.match,
              this.nil,
            ]
          : closedPanel(this.described),
      );
    }
    if (!open) return;
    fill(this.chosen, this.#file && this.#chosen(open));
    setReady(this.button, this.#file && !this.#busy, this.#busy ? "Uploading …" : "Upload");
    fill(this.counting, this.#counting(open));
  }

  #chosen(open) {
    const { current } = this;
    const words = overwritingWords(current, open);
    const others = current && current.user !== state.me.name;
    const turned = this.#meant !== open.number && turnedWords(this.described, this.#meant, open);
    return [
      h(
        "p",
        {},
        h("b", {}, "Chosen: "),
        h("span", { class: "filename" }, this.#file.name),
        ` (${size(this.#file.size)})`,
      ),
      turned && panel("warn", turned.title, h("p", {}, turned.detail)),
      others
        ? panel("warn", words.title, h("p", {}, words.detail))
        : current && h("p", { class: "note" }, words.detail),
    ];
  }

  /** Which file counts as things stand: nobody should have to work it out from the history. */
  #counting(open) {
    const school = state.schools.get(this.service)?.[0];
    if (!school) return "…";
    const { current } = school;
    if (!current) return "No file counts for your school yet.";
    const carried = current.window && current.window !== open.number;
    return [
      "The file that counts now: ",
      h("span", { class: "filename" }, current.name),
      `, by ${current.user}, received at ${moment(current.received)}`,
      carried ? `, in window ${current.window}. It is carried forward unless you upload another.` : ".",
    ];
  }

  async #choose(file, dropped) {
    if (this.#busy) return announce("A file is being uploaded. Please wait until it has been checked.", true);
    if (isText(file)) return this.#match(file);
    this.#file = file;
    this.#meant = openWindow(this.described)?.number;
    this.#seen = this.current?.upload_id;
    this.draw();
    this.button.focus();
    announce(
      `${dropped > 1 ? "One file at a time: " : ""}${file.name} was chosen. Select Upload to send it.` +
        `${this.current ? ` ${overwritingWords(this.current).detail}` : ""}`,
    );
    await lookNow();
    this.#seen = this.current?.upload_id; // what the note beside the button says by now
    return undefined;
  }

  /** A school without pupils of the year group says so, and is asked no more. A file uploaded later overwrites it. */
  async #nil() {
    if (this.#busy) return;
    const { nilReturn } = await import("./nil.js");
    const file = await nilReturn(this.described);
    if (!file) return;
    this.#file = file;
    this.#meant = openWindow(this.described)?.number;
    this.#seen = this.current?.upload_id;
    await this.#start();
  }

  /** An export becomes a workbook first, which is then chosen like any other file. */
  async #match(file = null) {
    const { matched } = await import("./match.js");
    const workbook = await matched(this.described, file);
    if (workbook) await this.#choose(workbook);
  }

  /** Where a file has the results under headings of its own, or is none of Excel's: that it can be matched. */
  #offerMatch(upload) {
    const file = this.#transfer?.file;
    if (!file || !upload.findings?.some(({ code }) => MATCHABLE.has(code))) return null;
    const words = "Are its results under other headings, as an export of your MIS has them?";
    const button = { type: "button", class: "plain", onclick: () => this.#match(file) };
    return panel("info", words, h("p", {}, h("button", button, "Match its columns")));
  }

  /** Whether the person still wants it, where something else is so by now than when the file was chosen. */
  async #sure() {
    const open = openWindow(this.described);
    if (open && this.#meant !== open.number) {
      const { title, detail } = turnedWords(this.described, this.#meant, open);
      const yes = `Upload for window ${open.number}`;
      if (!(await ask({ title, body: h("p", {}, detail), yes }))) return false;
    }
    const { current } = this;
    if (!current || current.upload_id === this.#seen) return true;
    this.#seen = current.upload_id;
    const { title, detail } = overwritingWords(current, open);
    return ask({
      title: "Overwrite a file that came meanwhile?",
      body: [h("p", {}, h("b", {}, `${title}.`)), h("p", {}, "It came after you had chosen yours. ", detail)],
      yes: "Upload and overwrite",
    });
  }

  async #start(transfer = null) {
    if (this.#busy) return; // the second of two quick clicks
    if (!this.#file && !transfer) return announce("Please choose a file first.", true);
    this.#busy = true;
    this.draw();
    try {
      if (!transfer) {
        await lookNow();
        if (!(await this.#sure())) return undefined;
        transfer = this.#again() ?? this.#fresh();
      }
      this.#transfer = transfer;
      this.#again = () => null;
      await transfer.run();
    } finally {
      this.#busy = false;
      if (this.#transfer?.phase === "done" && this.#transfer === transfer) this.#file = null;
      this.draw();
    }
    return undefined;
  }

  #fresh() {
    const open = openWindow(this.described);
    const transfer = new Transfer(this.service, this.#file, open?.number, (one) => this.#show(one));
    transfer.meant = this.#meant;
    return transfer;
  }

  /** A transfer that goes on with the form of an upload that a reload interrupted; null unless it is the same file. */
  #again = () => null;

  /** What became of a file that was on its way when the page was left. It is called lost only once that is certain. */
  async #resume() {
    const [left] = interrupted(this.service);
    if (!left) return;
    this.#say("wait", `Looking for ${left.name} …`, h("p", {}, "The page was left while this file was being sent."));
    const offer = () => {
      this.#again = () => {
        if (!goesOn(left, this.#file)) return null;
        const transfer = new Transfer(this.service, this.#file, left.window, (one) => this.#show(one));
        transfer.take(left.form, left.begun);
        return transfer;
      };
    };
    const upload = await becomes(left, (fate) => {
      if (this.#transfer) return; // the person went on
      if (fate === "checking")
        this.#say("wait", `${left.name} has been received and is being checked`, h("p", {}, RESULT));
      if (fate === "unknown" || fate === "lost") offer();
      if (fate === "unknown")
        this.#say("wait", `It is not known yet whether ${left.name} has reached us`, unknown(left));
      if (fate === "lost" || fate === "gone") {
        const none = `The page was left before ${left.name} had been sent, and it has not been received.`;
        this.#say(
          "warn",
          "Your upload was interrupted",
          h("p", {}, `${none} Choose the file again and select Upload.`),
        );
      }
    });
    if (upload && !this.#transfer) this.#judged(upload, left.window);
  }

  #heading(note = false) {
    return [
      h("h2", { id: `status-${this.service}` }, "File upload status"),
      note && h("p", {}, "Please check and correct any validation errors identified below."),
    ];
  }

  #say(kind, title, ...body) {
    this.status.hidden = false;
    fill(this.status, this.#heading(), panel(kind, title, ...body));
    announce(title);
  }

  #judged(upload, meant) {
    this.#verdict?.end();
    this.#verdict = new LiveVerdict(upload, meant);
    this.status.hidden = false;
    const heading = this.#heading(true);
    fill(this.status, heading, fileWords(upload.name), this.#verdict.element, this.#offerMatch(upload));
    heading[0].tabIndex = -1;
    heading[0].focus({ preventScroll: true });
    this.status.scrollIntoView({ block: "start" });
    announce(
      isGood(upload)
        ? `File uploaded successfully, with ${countWords(upload.counts)}.`
        : `File upload error: ${countWords(upload.counts)}.`,
      true,
    );
  }

  #show(transfer) {
    if (transfer.phase === "done") {
      this.#live = null;
      return this.#judged(transfer.upload, transfer.meant);
    }
    if (transfer.phase === "failed") {
      this.#live = null;
      return this.#failed(transfer);
    }
    if (!this.#live) {
      this.status.hidden = false;
      this.#live = { line: h("div", { class: "progress" }), slow: h("div", {}), said: "" };
      fill(this.status, this.#heading(), fileWords(transfer.name), this.#live.line, this.#live.slow);
      this.status.scrollIntoView({ block: "nearest" });
    }
    if (transfer.phase !== this.#live.said) {
      this.#live.said = transfer.phase;
      const said = {
        sending: `Sending ${transfer.name}`,
        checking: "The file has been received and is being checked.",
        retrying: "The connection was lost. Trying again.",
      };
      announce(said[transfer.phase] ?? "");
    }
    fill(this.#live.line, progressOf(transfer));
    if (transfer.slow && !this.#live.slow.hasChildNodes()) {
      fill(this.#live.slow, slowWords(this.described));
      announce("This is taking longer than usual. Your file is safe. You do not need to upload it again.");
    }
    return undefined;
  }

  #failed(transfer) {
    const { title, detail, again } = transfer.problem;
    const retry = () => {
      this.#file = transfer.file;
      this.#start(transfer.again((one) => this.#show(one)));
    };
    const button = again && h("button", { type: "button", class: "main", onclick: retry }, "Try again");
    this.status.hidden = false;
    fill(this.status, this.#heading(), panel("bad", title, h("p", {}, detail), button));
    this.status.scrollIntoView({ block: "nearest" });
    announce(`${title}. ${detail}`, true);
  }
}

const MATCHABLE = new Set(["not-a-workbook", "no-results-sheet"]);
const RESULT = "Its result will be shown here by itself. You do not need to upload it again.";

const unknown = (left) => [
  h("p", {}, "The page was left while it was being sent. If it has arrived, its result will be shown here by itself."),
  h(
    "p",
    {},
    `You may also choose the same file again and select Upload: it goes on with the same upload, so that nothing is ` +
      `counted twice. ${knownBy(left) > now() ? `We will know for certain by ${moment(knownBy(left))}.` : ""}`,
  ),
];
