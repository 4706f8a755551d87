// One file of a bulk upload: its line on the page, and its transfer.
//
//   list.append(new Line(service, file, dropped).element)

import { now } from "./clock.js";
import { fill, h, quiet } from "./dom.js";
import { stillGood } from "./fates.js";
import { icon } from "./icons.js";
import { LiveVerdict } from "./live.js";
import { numberIn } from "./names.js";
import { countWords, isGood, why } from "./outcome.js";
import { schoolIn } from "./peek.js";
import { progressOf, slowWords } from "./progress.js";
import { schoolWords, serviceOf, state } from "./state.js";
import { statusOf } from "./statuses.js";
import { Transfer } from "./transfer.js";
import { size } from "./words.js";

const badge = (picture, words) => h("span", { class: `badge ${picture}` }, icon(picture), words);

/** One file of the bulk: its line on the page and its transfer. */
export class Line {
  transfer = null;
  rows = null; // the school that the file's own rows name, once they are read
  row = null; // what the history says of it by now
  #phase = "";

  constructor(service, file, dropped) {
    this.service = service;
    this.file = file;
    this.named = numberIn(file.name);
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

  /** The school's number: the rows decide, and the name where they say nothing. */
  get number() {
    return this.transfer?.upload?.school ?? this.rows ?? this.named;
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

  /** Reads in the file itself whose rows they are, before anything is sent. */
  async read() {
    this.rows = await schoolIn(this.file);
    this.words();
  }

  /** Whose file it is: by its rows, or by its name where they say nothing. */
  words() {
    const { number, named } = this;
    const ours = state.me.organisations.some((one) => one.school && one.school === number);
    const byName = number === named && !this.rows && !this.transfer?.upload?.school;
    if (!number)
      fill(this.school, "No school could be recognised, neither from the rows nor from a number in the name");
    else if (!ours)
      fill(
        this.school,
        icon("warning"),
        `${number} ${byName ? "in the name" : "in the rows"} is not one of your trust's schools`,
      );
    else if (named && named !== number)
      fill(this.school, icon("warning"), `${schoolWords(number)}: the rows decide, although the name says ${named}`);
    else fill(this.school, schoolWords(number), byName && this.ended ? ", by the number in its name" : "");
  }

  start(window, previous = null) {
    this.bin.hidden = true;
    this.transfer = new Transfer(this.service, this.file, window, () => this.#show());
    if (previous) this.transfer.meant = previous.meant ?? window;
    if (previous?.form?.post && stillGood(previous.form, now())) this.transfer.take(previous.form, previous.begun);
    this.#phase = "";
    fill(this.more);
    fill(this.doing, h("span", { class: "note" }, "Waiting its turn"));
  }

  /** Takes in what the history says of the file by now; undefined: it is not listed any more. */
  stands(row) {
    const status = row?.status ?? "DELETED";
    if (status === (this.row?.status ?? this.transfer.upload.status)) return;
    this.row = { status };
    this.#badge(status);
  }

  #badge(status) {
    const [words, picture] = statusOf(status) ?? ["Deleted", "bin"];
    fill(this.doing, status === "SUCCESSFUL" ? badge("tick", "Uploaded successfully") : badge(picture, words));
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
      fill(this.doing, badge("cross", transfer.begun ? "Not known to have arrived" : "Not sent"));
      fill(this.more, h("p", {}, h("b", {}, `${transfer.problem.title}. `), transfer.problem.detail));
    } else {
      this.row = null;
      this.#badge(transfer.upload.status); // a file of the same school may have overwritten it by now
      this.#details(transfer);
    }
    this.done?.();
  }

  /** The file was corrected on the page: the line is of the new one from now on. */
  #corrected(event, meant) {
    event.preventDefault();
    const upload = event.detail;
    this.transfer.upload = upload;
    this.transfer.id = upload.upload_id;
    this.row = null;
    this.#badge(upload.status);
    this.#details({ upload, meant });
    this.more.querySelector("details").open = true;
    this.done?.();
  }

  #details({ upload, meant }) {
    const body = h("div", {});
    const counts = countWords(upload.counts);
    const open = () => details.open && !body.hasChildNodes() && fill(body, new LiveVerdict(upload, meant).element);
    const details = h(
      "details",
      { ontoggle: open, oncorrected: (event) => this.#corrected(event, meant) },
      h("summary", {}, this.good ? `Details and receipt: ${counts}` : `${counts}: ${why(upload)}`),
      body,
    );
    fill(this.more, details);
  }
}
