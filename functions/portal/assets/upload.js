// Uploading one file, for a school: choose or drop, send, check, verdict.
//
//   new SingleUpload(service).element

import { ask } from "./ask.js";
import { now, openWindow, secondsTo } from "./clock.js";
import { fill, h } from "./dom.js";
import { dropZone } from "./dropzone.js";
import { goesOn, interrupted } from "./kept.js";
import { countWords, isGood } from "./outcome.js";
import { announce, panel } from "./panels.js";
import { progressOf, slowWords } from "./progress.js";
import { events, nameOf, state } from "./state.js";
import { Transfer } from "./transfer.js";
import { verdict } from "./verdict.js";
import { cameOf } from "./verdicts.js";
import { moment, size } from "./words.js";

/** The words of an Upload button, and whether it does anything; it keeps the focus either way. */
export function setReady(button, ready, words) {
  if (ready) button.removeAttribute("aria-disabled");
  else button.setAttribute("aria-disabled", "true");
  if (button.textContent !== words) button.textContent = words;
}

/** The upload area of a school. Lives as long as the page does, so that nothing chosen is ever lost. */
export class SingleUpload {
  #file = null;
  #transfer = null;
  #busy = false;
  #shown = "";

  constructor(service) {
    this.service = service;
    this.area = h("div", {});
    this.zone = dropZone("or drop your completed workbook here", false, (files, dropped = 1) =>
      this.#choose(files[0], dropped),
    );
    this.chosen = h("div", { class: "chosen" });
    this.button = h("button", { type: "button", class: "main", "data-key": "upload", onclick: () => this.#start() });
    this.counting = h("p", { class: "note counting" });
    this.status = h("section", { class: "status", "aria-labelledby": `status-${service}`, hidden: true });
    this.element = h("div", {}, this.area);
    events.addEventListener("services", () => this.draw());
    events.addEventListener("schools", () => this.draw());
    this.draw();
    this.#resume();
  }

  get described() {
    return state.services.find((one) => one.service === this.service);
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
      fill(
        this.area,
        open
          ? [
              this.zone,
              this.chosen,
              h(
                "div",
                { class: "row" },
                this.button,
                h("span", { class: "note" }, `until ${open.closes_words} (London time)`),
              ),
              this.counting,
              h(
                "p",
                {},
                h(
                  "button",
                  { type: "button", class: "link", onclick: () => this.#nil() },
                  `We have no ${this.described.year_group} pupils`,
                ),
              ),
            ]
          : this.#closed(),
      );
    }
    if (!open) return;
    const { current } = this;
    fill(
      this.chosen,
      this.#file && [
        h(
          "p",
          {},
          h("b", {}, "Chosen: "),
          h("span", { class: "filename" }, this.#file.name),
          ` (${size(this.#file.size)})`,
        ),
        current &&
          h(
            "p",
            { class: "note" },
            `If it passes the checks, it will overwrite ${current.name}, uploaded by ${current.user} at ` +
              `${moment(current.received)}.`,
          ),
      ],
    );
    setReady(this.button, this.#file && !this.#busy, this.#busy ? "Uploading …" : "Upload");
    fill(this.counting, this.#counting(open));
  }

  /** A school without pupils of the year group says so, and is asked no more. A file uploaded later overwrites it. */
  async #nil() {
    if (this.#busy) return;
    const { service, year_group: years } = this.described;
    const [{ school }] = state.me.organisations.filter((one) => one.school);
    const sure = await ask({
      title: `No ${years} pupils?`,
      body: [
        h("p", {}, `This tells us that your school has no ${years} pupils for ${nameOf(service)}: a nil return.`),
        h("p", {}, "It counts as your school's file. A file that you upload later overwrites it."),
      ],
      yes: "Send the nil return",
    });
    if (!sure) return;
    const text = `Early Results nil return\nservice: ${service}\nschool: ${school}\n`;
    this.#file = new File([text], `Nil return ${school}.txt`);
    await this.#start();
  }

  #closed() {
    const next = this.described.windows.find((window) => secondsTo(window.opens) > 0);
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

  #choose(file, dropped) {
    if (this.#busy) return announce("A file is being uploaded. Please wait until it has been checked.", true);
    this.#file = file;
    this.draw();
    this.button.focus();
    announce(
      dropped > 1
        ? `One file at a time: ${file.name} was chosen. Select Upload to send it.`
        : `${file.name} was chosen. Select Upload to send it.`,
    );
  }

  async #start(transfer = null) {
    if (this.#busy) return; // the second of two quick clicks
    if (!this.#file && !transfer) return announce("Please choose a file first.", true);
    this.#busy = true;
    this.draw();
    this.#transfer = transfer ?? this.#again() ?? new Transfer(this.service, this.#file, (one) => this.#show(one));
    this.#again = () => null;
    try {
      await this.#transfer.run();
    } finally {
      this.#busy = false;
      if (this.#transfer.phase === "done") this.#file = null;
      this.draw();
    }
  }

  /** A transfer that goes on with the form of an upload that a reload interrupted; null unless it is the same file. */
  #again = () => null;

  async #resume() {
    const [left] = interrupted(this.service);
    if (!left) return;
    this.#say(
      "wait",
      `Looking for ${left.name} …`,
      h("p", {}, "The page was left while this file was being uploaded."),
    );
    const upload = await cameOf(left);
    if (upload) return this.#verdict(upload);
    this.#again = () => {
      const file = this.#file;
      if (!goesOn(left, file)) return null;
      const transfer = new Transfer(this.service, file, (one) => this.#show(one));
      transfer.take(left.form, left.window, true);
      return transfer;
    };
    return this.#say(
      "warn",
      "Your upload was interrupted",
      h(
        "p",
        {},
        `The page was left before all of ${left.name} had been sent, so it has not been received. Choose the file ` +
          `again and select Upload.`,
      ),
    );
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

  #verdict(upload, window) {
    this.status.hidden = false;
    const heading = this.#heading(true);
    fill(
      this.status,
      heading,
      h("p", {}, h("b", {}, "File: "), h("span", { class: "filename" }, upload.name)),
      verdict(upload, window),
    );
    heading[0].tabIndex = -1;
    heading[0].focus();
    announce(
      isGood(upload)
        ? `File uploaded successfully, with ${countWords(upload.counts)}.`
        : `File upload error: ${countWords(upload.counts)}.`,
      true,
    );
  }

  #live = null;

  #show(transfer) {
    if (transfer.phase === "done") {
      this.#live = null;
      return this.#verdict(transfer.upload, transfer.window);
    }
    if (transfer.phase === "failed") {
      this.#live = null;
      const { title, detail, again } = transfer.problem;
      this.status.hidden = false;
      fill(
        this.status,
        this.#heading(),
        panel(
          "bad",
          title,
          h("p", {}, detail),
          again && h("button", { type: "button", class: "main", onclick: () => this.#retry(transfer) }, "Try again"),
        ),
      );
      return announce(`${title}. ${detail}`, true);
    }
    if (!this.#live) {
      this.status.hidden = false;
      this.#live = { line: h("div", { class: "progress" }), slow: h("div", {}), said: "" };
      fill(
        this.status,
        this.#heading(),
        h("p", {}, h("b", {}, "File: "), h("span", { class: "filename" }, transfer.name)),
        this.#live.line,
        this.#live.slow,
      );
      this.status.scrollIntoView({ block: "nearest" });
    }
    if (transfer.phase !== this.#live.said) {
      this.#live.said = transfer.phase;
      announce(
        {
          sending: `Sending ${transfer.name}`,
          checking: "The file has been received and is being checked.",
          retrying: "The connection was lost. Trying again.",
        }[transfer.phase] ?? "",
      );
    }
    fill(this.#live.line, progressOf(transfer));
    if (transfer.slow && !this.#live.slow.hasChildNodes()) {
      fill(this.#live.slow, slowWords(this.described));
      announce("This is taking longer than usual. Your file is safe. You do not need to upload it again.");
    }
    return undefined;
  }

  /** Tries once more: with the same form while it is good, so that nothing is sent twice. */
  #retry(transfer) {
    const next = new Transfer(this.service, transfer.file, (one) => this.#show(one));
    if (transfer.form?.post && Date.parse(transfer.form.expires_at) > now() + 30_000)
      next.take(transfer.form, transfer.window, true);
    this.#file = transfer.file;
    this.#start(next);
  }
}
