// Correcting a file's results on the page, without Excel: each bad cell is a list of codes or a number field. What
// comes of it is a new workbook, which is uploaded and checked like any other. Enter goes to the next cell.
//
//   const upload = await corrected(first);  the new upload with its verdict, null if the person went back

import { file as answeredFile, get, Problem } from "./api.js";
import { ask } from "./ask.js";
import { now, openWindow } from "./clock.js";
import { cellField, isAnswered } from "./correctfield.js";
import { closedPanel } from "./deadline.js";
import { fill, h, unique } from "./dom.js";
import { rulesOf } from "./findings.js";
import { overwritingWords, turnedWords } from "./overwriting.js";
import { announce, panel } from "./panels.js";
import { progressOf, slowWords } from "./progress.js";
import { nameOf } from "./pupils.js";
import { schoolWords, serviceOf, state } from "./state.js";
import { Transfer } from "./transfer.js";
import { lookNow } from "./watch.js";
import { count } from "./words.js";

/** Asks for corrections of a file with errors, uploads them, and gives the new upload; null if the person went back. */
export const corrected = (upload) => new Promise((resolve) => new Correcting(upload, resolve).open());

/** `results corrected.xlsx` of `results.xlsx` */
export const correctedName = (name) => `${name.replace(/\.[^.]*$/, "").replace(/( corrected)+$/, "")} corrected.xlsx`;

class Correcting {
  #told = null; // what can be corrected
  #fields = []; // one a cell, in order
  #typed = new Map(); // by UPN and column: what was entered, kept while the table is made anew
  #busy = false;
  #made = null;

  constructor(upload, resolve) {
    this.upload = upload;
    this.resolve = resolve;
    this.meant = openWindow(this.service)?.number;
    this.seen = this.current?.upload_id;
    this.place = h("div", {});
    this.said = h("div", { role: "status" });
    this.left = h("p", { class: "note" });
    this.button = h("button", { type: "submit", class: "main", hidden: true }, "Check again");
    const title = unique("correct");
    this.dialog = h(
      "dialog",
      { class: "ask wide correct", "aria-labelledby": title },
      h("h2", { id: title, tabindex: "-1" }, "Correct it here"),
      h(
        "p",
        {},
        h("b", {}, "File: "),
        h("span", { class: "filename" }, upload.name),
        `, ${schoolWords(upload.school)}`,
      ),
      h(
        "form",
        { novalidate: true, onsubmit: (event) => this.#submit(event), onkeydown: (event) => this.#key(event) },
        this.place,
        this.left,
        this.said,
        h(
          "div",
          { class: "row end" },
          h("button", { type: "button", class: "plain", onclick: () => this.#leave() }, "Cancel"),
          this.button,
        ),
      ),
    );
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault(); // Escape asks as Cancel does, so that nothing typed is lost by one key
      this.#leave();
    });
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      resolve(this.#made);
    });
  }

  get service() {
    return serviceOf(this.upload.service);
  }

  get current() {
    const schools = state.schools.get(this.upload.service) ?? [];
    return schools.find((one) => one.school === this.upload.school)?.current ?? null;
  }

  async open() {
    document.body.append(this.dialog);
    this.dialog.showModal();
    await this.#read();
  }

  async #leave() {
    if (this.#busy) return announce("The corrected file is being sent. Please wait until it has been checked.", true);
    const entered = this.#fields.some((one) => isAnswered(one.value()));
    if (!entered || (await ask({ title: "Leave without checking again?", body: h("p", {}, LOST), yes: "Leave" })))
      this.dialog.close();
    return undefined;
  }

  async #read() {
    if (!openWindow(this.service)) return void fill(this.place, closedPanel(this.service));
    fill(this.said, "Reading your file …");
    try {
      this.#told = await get(`/uploads/${this.upload.upload_id}/corrections`);
      fill(this.said);
      this.#draw();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#wrong(error.title, error.detail);
    }
    return undefined;
  }

  #wrong(title, detail, kind = "bad") {
    fill(this.said, panel(kind, title, h("p", {}, detail)));
    announce(`${title}. ${detail}`, true);
  }

  #draw() {
    const { elsewhere, cells, missing, put_right: right } = this.#told;
    this.#fields = [];
    this.button.hidden = elsewhere.length > 0 || !(cells.length + missing.length + right.length);
    if (elsewhere.length) return void fill(this.place, inExcel(elsewhere));
    fill(
      this.place,
      h(
        "p",
        {},
        "Only these results change. Everything else is taken from your file, and pupils’ details from your MIS. ",
        "Enter goes to the next one.",
      ),
      cells.length > 0 && this.#table(cells),
      missing.length > 0 && this.#missing(missing),
      putRight(right.filter((one) => one.code !== "pupil-missing")),
    );
    this.#count();
    (this.#fields[0]?.input ?? this.button).focus();
    return undefined;
  }

  #field(pupil, key, described) {
    const column = this.#told.columns.find((one) => one.key === key);
    const place = JSON.stringify([pupil.upn, key]);
    const field = cellField(column, `${nameOf(pupil)}: ${column.heading}`, described, this.#typed.get(place));
    field.pupil = pupil;
    field.key = key;
    field.place = place;
    field.element.addEventListener("input", () => {
      this.#typed.set(place, field.value());
      field.mend();
      this.#count();
    });
    this.#fields.push(field);
    return field;
  }

  #table(cells) {
    const heads = ["Pupil", "Column", "In your file", "Correct to"];
    const row = (cell) => {
      const id = unique("why");
      const field = this.#field(cell.pupil, cell.column, id);
      field.needed = true;
      const { heading } = this.#told.columns.find((one) => one.key === cell.column);
      return h(
        "tr",
        { role: "row" },
        h(
          "th",
          { scope: "row", role: "rowheader" },
          nameOf(cell.pupil),
          h("span", { class: "next" }, `Row ${cell.row}`),
        ),
        h("td", { role: "cell", "data-label": heads[1] }, heading),
        h(
          "td",
          { role: "cell", "data-label": heads[2] },
          cell.value ? h("span", { class: "value" }, cell.value) : "blank",
          h("span", { class: "next", id }, cell.message),
        ),
        h("td", { role: "cell", "data-label": heads[3] }, field.element),
      );
    };
    return h(
      "table",
      { role: "table", class: "cards" },
      h("caption", { class: "quiet" }, "The results to correct"),
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          heads.map((words) => h("th", { scope: "col", role: "columnheader" }, words)),
        ),
      ),
      h("tbody", { role: "rowgroup" }, cells.map(row)),
    );
  }

  /** Pupils of the list who are not in the file: they are in the new one, with the results that are entered here. */
  #missing(pupils) {
    const one = (pupil) =>
      h(
        "details",
        {},
        h("summary", {}, nameOf(pupil)),
        h(
          "div",
          { class: "pair" },
          this.#told.columns.map(({ key, heading }) => {
            const field = this.#field(pupil, key, null);
            return h(
              "div",
              { class: "field" },
              h("p", { class: "next", "aria-hidden": "true" }, heading),
              field.element,
            );
          }),
        ),
      );
    return [
      h("h3", {}, `${count(pupils.length, "pupil")} of your list not in the file`),
      h("p", {}, "They are added. Enter their results, or leave them blank if you have none."),
      pupils.map(one),
    ];
  }

  get #open() {
    return this.#fields.filter((one) => one.needed && !isAnswered(one.value()));
  }

  #count() {
    const needed = this.#fields.filter((one) => one.needed).length;
    const open = this.#open.length;
    fill(this.left, needed > 0 && `${needed - open} of ${count(needed, "result")} corrected.`);
  }

  /** Enter goes on to the next cell; on the last one it checks. A list keeps its own use of the key. */
  #key(event) {
    if (event.key !== "Enter" || event.target.tagName === "BUTTON" || event.target.tagName === "SUMMARY") return;
    event.preventDefault();
    const at = this.#fields.findIndex((one) => one.element.contains(event.target));
    const next = this.#fields.slice(at + 1).find((one) => one.input.checkVisibility());
    (next?.input ?? this.button).focus();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.#busy) return; // the second of two quick clicks
    const wrong = this.#fields.filter((one) => one.told());
    const [first] = [...this.#open, ...wrong].sort((a, b) => this.#fields.indexOf(a) - this.#fields.indexOf(b));
    if (first) {
      for (const one of this.#open) one.tell("Choose or enter the right one, or say that it is blank.");
      first.input.focus();
      return void announce(`${count(this.#open.length + wrong.length, "result")} still to correct.`, true);
    }
    this.#busy = true;
    try {
      await lookNow();
      if (await this.#sure()) await this.#send();
    } finally {
      this.#busy = false;
    }
  }

  /** Whether the person still wants it, where something else is so by now than when they began. */
  async #sure() {
    const open = openWindow(this.service);
    if (!open) {
      fill(this.place, closedPanel(this.service));
      this.button.hidden = true;
      return false;
    }
    if (this.meant !== open.number) {
      const { title, detail } = turnedWords(this.service, this.meant, open);
      if (!(await ask({ title, body: h("p", {}, detail), yes: `Upload for window ${open.number}` }))) return false;
      this.meant = open.number;
    }
    const { current } = this;
    if (!current || current.upload_id === this.seen) return true;
    const { title, detail } = overwritingWords(current, open);
    const sure = await ask({
      title: "Overwrite a file that came meanwhile?",
      body: [h("p", {}, h("b", {}, `${title}.`)), h("p", {}, "It came after you had begun to correct. ", detail)],
      yes: "Upload and overwrite",
    });
    if (sure) this.seen = current.upload_id;
    return sure;
  }

  async #send() {
    fill(this.said, "Making the new workbook …");
    let made;
    try {
      const given = this.#fields.filter((one) => isAnswered(one.value()));
      const body = {
        roster_version: this.#told.roster_version,
        cells: given.map((one) => ({ upn: one.pupil.upn, column: one.key, value: one.value().trim() })),
      };
      made = await answeredFile(`/uploads/${this.upload.upload_id}/corrections`, {}, body);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.kind === "roster-changed") await this.#read(); // what was entered stays
      return this.#wrong(error.title, error.detail, error.kind === "roster-changed" ? "warn" : "bad");
    }
    const file = new File([made.blob], correctedName(this.upload.name), { type: made.blob.type, lastModified: now() });
    return this.#transfer(new Transfer(this.upload.service, file, this.meant, (one) => this.#show(one)));
  }

  async #transfer(transfer) {
    await transfer.run();
    if (transfer.phase === "done") {
      this.#made = transfer.upload;
      this.dialog.close();
    }
  }

  #show(transfer) {
    if (transfer.phase === "failed") {
      const { title, detail } = transfer.problem;
      return this.#wrong(title, detail);
    }
    return void fill(this.said, progressOf(transfer), transfer.slow && slowWords(this.service));
  }
}

const LOST = "What you entered here is not kept. Your file stays as it is.";

/** Errors that are not in results: where they are, and what to do. */
const inExcel = (findings) => [
  panel(
    "warn",
    "This file must be corrected in Excel",
    h(
      "p",
      {},
      "These errors are not in its results. Your workbook with the errors marked puts many of them right: download " +
        "it below the errors, correct the red cells and upload it.",
    ),
  ),
  rulesOf(findings, {}),
];

const putRight = (findings) =>
  findings.length > 0 &&
  h(
    "details",
    {},
    h("summary", {}, `${count(findings.length, "other error")} put right by itself`),
    rulesOf(findings, {}),
  );
