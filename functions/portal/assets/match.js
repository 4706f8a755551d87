// Matching a CSV file, or an export of the school's own system, to the template's columns. Nothing is guessed in
// silence: what fits is proposed, and what is used is what the person accepts here.
//
//   const workbook = await matched(serviceOf(name), file);  a File to upload like any other, null if they went back

import { file as answeredFile, Problem, post } from "./api.js";
import { fill, h, quiet, unique } from "./dom.js";
import { announce, panel } from "./panels.js";
import { save } from "./saving.js";
import { settings } from "./settings.js";
import { nameOf, schoolWords, state } from "./state.js";
import { count, size } from "./words.js";

const SHOWN = 12; // rows that are named of those left out
const ACCEPT = ".csv,.txt,.tsv,.xlsx";

/** Asks for the file unless there is one, matches it, and gives the workbook; null if the person went back. */
export function matched(described, file = null) {
  return new Promise((resolve) => new Matching(described, file, resolve));
}

class Matching {
  #data = ""; // the export, in base64
  #columns = null; // by key, once the person has changed any
  #repairs = new Map(); // by column and word: the code that the person said, "" for none
  #told = null; // the last proposal
  #asked = 0;
  #made = null;

  constructor(described, file, resolve) {
    this.service = described.service;
    this.file = file;
    const own = state.me.organisations.filter((one) => one.school).map((one) => one.school);
    this.school = own.length === 1 ? own[0] : "";
    this.place = h("div", {});
    this.said = h("div", { role: "status" });
    this.make = h("button", { type: "button", class: "main", onclick: () => this.#finish() }, "Make the workbook");
    const title = unique("match");
    this.dialog = h(
      "dialog",
      { class: "ask wide", "aria-labelledby": title },
      h("h2", { id: title, tabindex: "-1" }, `Match your file’s columns: ${nameOf(this.service)}`),
      h(
        "p",
        {},
        "For results in a CSV file, or in an export of your MIS. Your file is read for this and is not kept. What " +
          "you get is your template, filled in with its results.",
      ),
      this.#choices(own),
      this.place,
      this.said,
      h(
        "div",
        { class: "row end" },
        h("button", { type: "button", class: "plain", onclick: () => this.dialog.close() }, "Cancel"),
        this.make,
      ),
    );
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      resolve(this.#made);
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.make.hidden = true;
    this.#read();
  }

  #choices(own) {
    const [school, file] = [unique("school"), unique("export")];
    const choose = (event) => {
      this.school = event.target.value;
      this.#read();
    };
    return [
      own.length > 1 &&
        h(
          "div",
          { class: "field" },
          h("label", { for: school }, "School"),
          h(
            "select",
            { id: school, onchange: choose },
            h("option", { value: "" }, "Choose a school"),
            own.map((one) => h("option", { value: one }, schoolWords(one))),
          ),
        ),
      this.file
        ? h("p", {}, h("b", {}, "File: "), h("span", { class: "filename" }, this.file.name))
        : h(
            "div",
            { class: "field" },
            h("label", { for: file }, "CSV file or workbook"),
            h("input", {
              id: file,
              type: "file",
              accept: ACCEPT,
              onchange: (event) => {
                this.file = event.target.files[0] ?? null;
                this.#read();
              },
            }),
          ),
    ];
  }

  /** Another file or school: everything is proposed anew. */
  async #read() {
    this.#columns = null;
    this.#repairs.clear();
    this.make.hidden = true;
    fill(this.place);
    fill(this.said);
    if (!this.file || !this.school) return;
    const most = settings.limits.export_bytes;
    if (this.file.size > most)
      return void this.#wrong("This file is too large", `The most is ${size(most)}. Is it an export?`);
    this.#data = await base64(this.file);
    await this.#propose();
  }

  get #body() {
    const repairs = [...this.#repairs].map(([key, code]) => ({ ...JSON.parse(key), code }));
    const said = this.#columns ? { columns: this.#columns, repairs } : {};
    return { school: this.school, file: this.#data, ...said };
  }

  async #propose() {
    const asked = ++this.#asked;
    if (!this.#told) fill(this.said, "Reading your file …");
    try {
      const told = await post(`/services/${this.service}/match`, this.#body);
      if (asked !== this.#asked) return; // something else was chosen meanwhile
      this.#take(told);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (asked === this.#asked) this.#wrong(error.title, error.detail);
    }
  }

  #wrong(title, detail) {
    fill(this.said, panel("bad", title, h("p", {}, detail)));
    announce(`${title}. ${detail}`, true);
  }

  #take(told) {
    const first = !this.#columns;
    this.#told = told;
    this.#columns = { ...told.columns };
    if (first) for (const one of told.repairs) if (one.said) this.#repairs.set(keyOf(one), one.said);
    fill(this.said);
    this.make.hidden = false;
    this.#draw(first);
  }

  #draw(first) {
    const { activeElement } = document;
    const focused = this.dialog.contains(activeElement) ? activeElement.dataset.key : null;
    fill(this.place, this.#matches(), this.#words(), this.#preview(), this.#counts());
    if (focused) this.place.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    if (first) {
      this.dialog.querySelector("h2").focus();
      announce(`${count(Object.keys(this.#columns).length, "column")} matched. Please check them.`);
    }
  }

  /** Our columns, each with the one of the file that fills it. */
  #matches() {
    const { headings, wanted, remembered } = this.#told;
    const change = (key) => (event) => {
      if (event.target.value) this.#columns[key] = Number(event.target.value);
      else delete this.#columns[key];
      this.#propose();
    };
    const row = ({ key, heading }) => {
      const id = unique("column");
      const options = headings.map((one) =>
        h(
          "option",
          { value: one.column, selected: this.#columns[key] === one.column },
          one.heading || `Column ${one.column}`,
        ),
      );
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, h("label", { for: id }, heading)),
        h(
          "td",
          {},
          h(
            "select",
            { id, "data-key": `column ${key}`, onchange: change(key) },
            h("option", { value: "" }, "Not in my file"),
            options,
          ),
        ),
      );
    };
    return [
      h("h3", {}, "1. Which column is which"),
      h(
        "p",
        { class: "note" },
        remembered
          ? "As your school matched them the last time. Please check each."
          : "Those that fit are proposed. Please check each: the UPN, and at least one result.",
      ),
      h(
        "table",
        { class: "match" },
        h("thead", {}, h("tr", {}, h("th", {}, "Template"), h("th", {}, "Your file"))),
        h("tbody", {}, wanted.map(row)),
      ),
    ];
  }

  /** Words that are no codes, each with the codes that it may be said to stand for. */
  #words() {
    const { repairs, wanted } = this.#told;
    if (!repairs.length) return null;
    const heading = (key) => wanted.find((one) => one.key === key)?.heading ?? key;
    const say = (one) => (event) => {
      this.#repairs.set(keyOf(one), event.target.value);
      this.#propose();
    };
    const suggested = repairs.filter((one) => one.code && !this.#repairs.get(keyOf(one)));
    const all = () => {
      for (const one of suggested) this.#repairs.set(keyOf(one), one.code);
      this.#propose();
    };
    const row = (one) => {
      const id = unique("word");
      const code = this.#repairs.get(keyOf(one)) ?? "";
      return h(
        "tr",
        {},
        h("th", { scope: "row" }, h("label", { for: id }, `“${one.word}”`)),
        h("td", {}, heading(one.column)),
        h(
          "td",
          {},
          h(
            "select",
            { id, "data-key": `word ${keyOf(one)}`, onchange: say(one) },
            h("option", { value: "" }, one.code ? `Leave as it is (suggested: ${one.code})` : "Leave as it is"),
            one.codes.map((name) => h("option", { value: name, selected: name === code }, name)),
          ),
        ),
      );
    };
    return [
      h("h3", {}, "2. Words that are not codes"),
      h(
        "p",
        { class: "note" },
        "Say which code each stands for. What is left as it is will be told as an error. Your receipt lists them.",
      ),
      suggested.length > 0 &&
        h(
          "p",
          {},
          h(
            "button",
            { type: "button", class: "plain", "data-key": "all", onclick: all },
            `Use ${suggested.length === 1 ? "the suggestion" : `the ${suggested.length} suggestions`}`,
          ),
        ),
      h(
        "table",
        { class: "match" },
        h("thead", {}, h("tr", {}, h("th", {}, "Your file has"), h("th", {}, "Column"), h("th", {}, "Code"))),
        h("tbody", {}, repairs.map(row)),
      ),
    ];
  }

  #preview() {
    const { rows, wanted, repairs } = this.#told;
    const shown = wanted.filter((one) => one.key !== "upn" && one.key in this.#columns);
    if (!rows.length || !shown.length) return null;
    return [
      h("h3", {}, `${repairs.length ? 3 : 2}. The first rows as they will be read`),
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "The first rows" },
        h(
          "table",
          {},
          h("caption", {}, quiet("The first rows as they will be read")),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", {}, "Row"),
              shown.map((one) => h("th", {}, one.heading)),
            ),
          ),
          h(
            "tbody",
            {},
            rows.map(({ row, cells }) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, row),
                shown.map((one) => h("td", {}, cells[one.key] ?? "")),
              ),
            ),
          ),
        ),
      ),
    ];
  }

  #counts() {
    const { found, pupils, unknown, repeated } = this.#told;
    const rows = (list) => {
      const more = list.length > SHOWN ? " and more" : "";
      return `${list.length === 1 ? "Row" : "Rows"} ${list.slice(0, SHOWN).join(", ")}${more}`;
    };
    const left = [
      unknown.length > 0 && `${rows(unknown)}: not a pupil of your list`,
      repeated.length > 0 && `${rows(repeated)}: a pupil who is on an earlier row`,
    ].filter(Boolean);
    return [
      h("p", {}, h("b", {}, `${found} of your ${count(pupils, "pupil")} have results in this file.`)),
      left.length > 0 &&
        panel(
          "warn",
          "Left out",
          h(
            "ul",
            {},
            left.map((words) => h("li", {}, words)),
          ),
        ),
    ];
  }

  async #finish() {
    this.make.disabled = true;
    fill(this.said, "Making the workbook …");
    try {
      const body = { ...this.#body, columns: this.#columns };
      const { name, blob } = await answeredFile(`/services/${this.service}/match/workbook`, {}, body);
      this.#made = new File([blob], name, { type: blob.type });
      save(name, [blob]);
      this.dialog.close();
      announce(`${name} has been made, saved on your computer, and chosen. Select Upload to send it.`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#wrong(error.title, error.detail);
    } finally {
      this.make.disabled = false;
    }
  }
}

const keyOf = ({ column, word }) => JSON.stringify({ column, word });

/** A file's bytes in base64. */
async function base64(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
