// One file of a bulk upload: its line on the page, and its transfer.
//
//   list.append(new Line(service, file, dropped).element)

import { now } from "./clock.js";
import { fill, h, quiet } from "./dom.js";
import { icon } from "./icons.js";
import { numberIn } from "./names.js";
import { countWords, isGood, why } from "./outcome.js";
import { progressOf, slowWords } from "./progress.js";
import { schoolWords, serviceOf, state } from "./state.js";
import { Transfer } from "./transfer.js";
import { verdict } from "./verdict.js";
import { size } from "./words.js";

/** One file of the bulk: its line on the page and its transfer. */
export class Line {
  transfer = null;
  #phase = "";

  constructor(service, file, dropped) {
    this.service = service;
    this.file = file;
    this.dropped = dropped;
    this.number = numberIn(file.name);
    this.school = h("span", { class: "next" });
    this.doing = h("div", { class: "progress" });
    this.more = h("div", {});
    this.bin = h(
      "button",
      { type: "button", class: "icon-button", onclick: () => dropped(this) },
      icon("cross"),
      quiet(`Leave out ${file.name}`),
    );
    this.element = h(
      "li",
      { class: "line" },
      h(
        "div",
        { class: "what" },
        h("span", { class: "filename" }, file.name),
        h("span", { class: "next" }, size(file.size)),
        this.school,
      ),
      h("div", { class: "how" }, this.doing, this.bin),
      this.more,
    );
    this.words();
  }

  get known() {
    return state.me.organisations.some((one) => one.school && one.school === this.number);
  }

  get ended() {
    return this.transfer?.ended ?? false;
  }

  get good() {
    return this.transfer?.phase === "done" && isGood(this.transfer.upload);
  }

  get attention() {
    return this.ended && !this.good;
  }

  /** Whose file it is: by the name before the upload, by the rows after it. */
  words() {
    const { upload } = this.transfer ?? {};
    if (upload)
      return void fill(
        this.school,
        upload.school ? schoolWords(upload.school) : "No school of your trust could be recognised from the rows",
      );
    if (this.known) fill(this.school, schoolWords(this.number));
    else if (this.number)
      fill(this.school, icon("warning"), `${this.number} in the name is not one of your trust's schools`);
    else fill(this.school, "No DfE number in the name: the rows will tell the school");
  }

  start(previous = null) {
    this.bin.hidden = true;
    this.transfer = new Transfer(this.service, this.file, () => this.#show());
    if (previous?.form?.post && Date.parse(previous.form.expires_at) > now() + 30_000)
      this.transfer.take(previous.form, previous.window, true);
    this.#phase = "";
    fill(this.more);
    fill(this.doing, h("span", { class: "note" }, "Waiting its turn"));
  }

  #show() {
    const { transfer } = this;
    if (transfer.phase === "sending" || transfer.phase !== this.#phase) {
      this.#phase = transfer.phase;
      if (!transfer.ended) fill(this.doing, progressOf(transfer));
    }
    if (transfer.slow && !this.more.hasChildNodes()) fill(this.more, slowWords(serviceOf(this.service)));
    if (!transfer.ended) return;
    this.words();
    fill(this.more);
    if (transfer.phase === "failed") {
      fill(this.doing, h("span", { class: "badge cross" }, icon("cross"), "Not received"));
      fill(this.more, h("p", {}, h("b", {}, `${transfer.problem.title}. `), transfer.problem.detail));
    } else {
      fill(
        this.doing,
        this.good
          ? h("span", { class: "badge tick" }, icon("tick"), "Uploaded successfully")
          : h("span", { class: "badge cross" }, icon("cross"), "Upload error"),
      );
      this.#details(transfer);
    }
    this.done?.();
  }

  #details({ upload, window }) {
    const body = h("div", {});
    const details = h(
      "details",
      { ontoggle: () => details.open && !body.hasChildNodes() && fill(body, verdict(upload, window)) },
      h(
        "summary",
        {},
        this.good
          ? `Details and receipt: ${countWords(upload.counts)}`
          : `${countWords(upload.counts)}: ${why(upload)}`,
      ),
      body,
    );
    fill(this.more, details);
  }
}
