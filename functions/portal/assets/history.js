// The upload history: the guide's columns, filters on the server, sorting on the page, page by page.

import { Problem, get, remove } from "./api.js";
import { announce, ask, download, fill, h, icon, panel, quiet, unique } from "./dom.js";
import { events, schoolWords, state, tellUploads } from "./state.js";
import { countWords, verdict } from "./verdict.js";
import { count, stamp } from "./words.js";

const STATUSES = {
  SUCCESSFUL: ["Successful", "tick"],
  OVERWRITTEN: ["Overwritten", "overwritten"],
  PROCESSING: ["Processing", "wait"],
  UPLOAD_ERROR: ["Upload error", "cross"],
  CHECKING: ["Checking", "clock"],
  AWAITING_UPLOAD: ["Waiting for the file", "clock"],
};
const MOVING = new Set(["CHECKING", "AWAITING_UPLOAD", "PROCESSING"]);
const AGAIN = 5000;
const DELETE_WORDS = "This will delete the uploaded file from the file history; any reports and new Y3 estimates will be removed / not generated.";

const COLUMNS = [
  { key: "name", label: "Name", of: (row) => row.name.toLocaleLowerCase("en-GB") },
  { key: "manage", label: "Manage", of: (row) => (row.can_delete ? 0 : 1) },
  { key: "user", label: "User", of: (row) => row.user.toLocaleLowerCase("en-GB") },
  { key: "date", label: "Date", of: (row) => row.upload_id },
  { key: "status", label: "Status", of: (row) => Object.keys(STATUSES).indexOf(row.status) },
];

/** The status of a row: icon, word, and what it means for the user. */
export function statusCell(row) {
  const [word, picture] = STATUSES[row.status] ?? [row.status, "info"];
  return [h("span", { class: `badge ${picture}` }, icon(picture), word), h("span", { class: "next" }, row.next_step)];
}

/** Shows one upload in full, in a dialog. */
export async function showDetails(id, name) {
  const heading = unique("details");
  const body = h("div", { class: "details" }, h("p", {}, "Loading …"));
  const dialog = h("dialog", { class: "wide", "aria-labelledby": heading },
    h("div", { class: "row between" },
      h("h2", { id: heading }, "File upload details"),
      h("button", { type: "button", class: "plain", autofocus: true, onclick: () => dialog.close() }, "Close")),
    h("p", { class: "filename" }, name), body);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  try {
    const upload = await get(`/uploads/${id}`);
    fill(body,
      h("p", {}, `Uploaded by ${upload.user}, ${stamp(upload.date)} (London time).`),
      MOVING.has(upload.status) && upload.status !== "PROCESSING" ? panel("wait", upload.next_step) : verdict(upload));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(body, panel("bad", error.title, h("p", {}, error.detail)));
  }
}

export class History {
  #rows = [];
  #cursor = null;
  #filters = { organisation: "", status: "", year: "", service: "" };
  #sort = { key: "date", down: true };
  #asked = 0;
  #timer = null;
  #loaded = false;
  #shown = "";

  constructor(organisation = "") {
    this.#filters.organisation = organisation;
    const id = unique("history");
    this.body = h("tbody", { role: "rowgroup" });
    this.heads = h("tr", { role: "row" });
    this.more = h("div", { class: "row centre" });
    this.said = h("div", {});
    this.element = h("section", { class: "card history", "aria-labelledby": id },
      h("div", { class: "row between top" },
        h("div", {}, h("h2", { id }, "File upload history"), h("p", { class: "note" }, state.me.role === "operator" ? "These are all the files uploaded by or for the organisation." : "These are all the files uploaded by your organisation.")),
        this.#filterRow()),
      this.said,
      h("table", { role: "table", class: "cards" }, h("caption", { class: "quiet" }, "File upload history, newest first unless sorted otherwise"), h("thead", { role: "rowgroup" }, this.heads), this.body),
      this.more,
      this.#legend());
    this.#drawHeads();
    events.addEventListener("uploads", () => this.load());
    document.addEventListener("visibilitychange", () => document.hidden || !this.#loaded || this.load());
  }

  #filterRow() {
    const choice = (label, key, options) => {
      const id = unique("filter");
      const select = h("select", { id, onchange: () => {
        this.#filters[key] = select.value;
        this.#rows = [];
        this.#shown = "";
        this.load(true);
      } }, options.map(([value, words]) => h("option", { value, selected: value === this.#filters[key] }, words)));
      return h("div", { class: "filter" }, h("label", { for: id }, label), select);
    };
    const organisations = state.me.organisations.map((one) => [one.organisation, one.school ? schoolWords(one.school) : one.name || one.organisation]);
    const years = [...new Set(state.services.map((service) => String(service.year)))].sort().reverse();
    return h("div", { class: "filters", role: "group", "aria-label": "Filter the history" },
      organisations.length > 1 && choice("Organisation", "organisation", [["", "All"], ...organisations]),
      choice("Status", "status", [["", "All"], ...["SUCCESSFUL", "OVERWRITTEN", "PROCESSING", "UPLOAD_ERROR", "CHECKING"].map((key) => [key, STATUSES[key][0]])]),
      choice("Year", "year", [["", "All"], ...years.map((year) => [year, year])]),
      choice("Service", "service", [["", "All"], ...state.services.map((service) => [service.service, service.title])]));
  }

  #legend() {
    const rows = [
      ["download", "Download", "Download your submitted template - useful if corrections to results are required"],
      ["tick", "Successful", "This data will be used to generate reports on the published date and new Y3 estimates generated in the autumn term"],
      ["overwritten", "Overwritten", "This file has been overwritten so reports will no longer be generated from its data"],
      ["wait", "Processing", "Report generation is in progress for this file"],
      ["cross", "Upload error", "This file contains errors and will not be used to generate a report/ there is an error in the report creation process. View the error(s) in the file upload details"],
      ["bin", "Delete upload", DELETE_WORDS.slice(0, -1)],
    ];
    return h("details", {}, h("summary", {}, "What the icons and statuses mean"),
      h("dl", { class: "legend" }, rows.map(([picture, word, meaning]) => [h("dt", {}, icon(picture), word), h("dd", {}, meaning)])),
      h("p", { class: "note" }, "All users can download a file; only the user who uploaded a file can delete it. The word “Counts” marks the file that is used for the school's report."));
  }

  #drawHeads() {
    fill(this.heads, COLUMNS.map((column) => {
      const on = this.#sort.key === column.key;
      return h("th", { role: "columnheader", scope: "col", class: `col-${column.key}`, "aria-sort": on ? (this.#sort.down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", class: "sort", "data-key": column.key, onclick: () => {
          this.#sort = { key: column.key, down: on ? !this.#sort.down : column.key === "date" };
          this.#drawHeads();
          this.heads.querySelector(`[data-key="${column.key}"]`).focus();
          this.#draw();
          announce(`Sorted by ${column.label}, ${this.#sort.down ? "descending" : "ascending"}`);
        } }, column.label, h("span", { "aria-hidden": "true", class: "arrow" }, on ? (this.#sort.down ? "▼" : "▲") : "")));
    }));
  }

  /** Reads the newest page; older pages that were loaded stay. `afresh` starts over, after a filter changed. */
  async load(afresh = false) {
    if (this.#loaded && !this.element.isConnected) return; // another history has taken its place
    const ticket = ++this.#asked;
    clearTimeout(this.#timer);
    try {
      const page = await get("/uploads", this.#filters);
      if (ticket !== this.#asked) return;
      const last = page.uploads.at(-1)?.upload_id;
      // Older pages stay only if this one reaches down to what was loaded before: no upload may fall between them.
      const meets = page.uploads.some((row) => this.#rows.some((old) => old.upload_id === row.upload_id));
      const older = afresh || !page.cursor || !meets ? [] : this.#rows.filter((row) => row.upload_id < last);
      if (!older.length) this.#cursor = page.cursor;
      this.#rows = [...page.uploads, ...older];
      this.#loaded = true;
      fill(this.said);
      const looks = JSON.stringify([this.#rows, this.#cursor]);
      if (looks !== this.#shown) this.#draw(); // nothing is replaced under the mouse that has not changed
      this.#shown = looks;
      if (afresh) announce(`${count(this.#rows.length, "upload")} shown${this.#cursor ? ", and there are more" : ""}`);
      if (this.#rows.some((row) => MOVING.has(row.status)) && !document.hidden) this.#timer = setTimeout(() => this.load(), AGAIN);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (ticket !== this.#asked) return;
      fill(this.said, panel("bad", "The history could not be read", h("p", {}, error.detail), h("button", { type: "button", class: "plain", onclick: () => this.load() }, "Try again")));
      if (error.status === 0) this.#timer = setTimeout(() => this.load(), 2 * AGAIN);
    }
  }

  async #loadMore(button) {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    fill(button, "Loading …");
    const ticket = this.#asked;
    try {
      const page = await get("/uploads", { ...this.#filters, cursor: this.#cursor });
      if (ticket !== this.#asked && !this.#cursor) return;
      this.#rows = [...this.#rows, ...page.uploads.filter((row) => !this.#rows.some((other) => other.upload_id === row.upload_id))];
      this.#cursor = page.cursor;
      this.#shown = "";
      this.#draw();
      announce(`${count(page.uploads.length, "more upload", "more uploads")} shown`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(button, "Load more");
      button.removeAttribute("aria-disabled");
      announce(error.detail, true);
    }
  }

  #draw() {
    const held = document.activeElement?.dataset?.row && this.body.contains(document.activeElement) ? { ...document.activeElement.dataset } : null;
    const { of } = COLUMNS.find((column) => column.key === this.#sort.key);
    const way = this.#sort.down ? -1 : 1;
    const rows = [...this.#rows].sort((a, b) => {
      const [x, y] = [of(a), of(b)];
      return x === y ? (a.upload_id < b.upload_id ? 1 : -1) : (x < y ? -1 : 1) * way;
    });
    const filtered = Object.values(this.#filters).some(Boolean);
    fill(this.body, rows.length ? rows.map((row) => this.#row(row))
      : h("tr", { role: "row" }, h("td", { role: "cell", colspan: 5, class: "none" }, filtered ? "No uploads match these filters." : "Nothing has been uploaded yet. Files you upload are listed here, newest first.")));
    fill(this.more, this.#cursor ? h("button", { type: "button", class: "plain", onclick: (event) => this.#loadMore(event.currentTarget) }, "Load more") : null);
    if (held) this.body.querySelector(`[data-row="${held.row}"][data-act="${held.act}"]`)?.focus();
  }

  #row(row) {
    const act = (name, words, picture, run) =>
      h("button", { type: "button", class: "icon-button", title: words, "data-row": row.upload_id, "data-act": name, onclick: run }, icon(picture), quiet(`${words}: ${row.name}`));
    const several = state.me.organisations.length > 1 || state.me.role === "operator";
    const found = countWords(row.counts);
    return h("tr", { role: "row" },
      h("td", { role: "cell", "data-label": "Name" },
        h("button", { type: "button", class: "link filename", "data-row": row.upload_id, "data-act": "details", onclick: () => showDetails(row.upload_id, row.name) }, row.name),
        several && h("span", { class: "next" }, row.school ? schoolWords(row.school) : "School not known"),
        row.counts?.errors || row.counts?.warnings ? h("span", { class: "next" }, `${found[0].toUpperCase()}${found.slice(1)}`) : null),
      h("td", { role: "cell", "data-label": "Manage" },
        row.can_download || row.can_delete
          ? h("span", { class: "acts" },
            row.can_download && act("download", "Download", "download", () => this.#download(row)),
            row.can_delete && act("delete", "Delete upload", "bin", () => this.#delete(row)))
          : quiet("Nothing to manage")),
      h("td", { role: "cell", "data-label": "User", class: "wrap" }, row.user),
      h("td", { role: "cell", "data-label": "Date" },
        h("span", { class: "date" }, stamp(row.date)),
        row.counts_for_school && h("span", { class: "counts" }, icon("tick"), `Counts${row.receipt?.window ? ` for window ${row.receipt.window}` : ""}`)),
      h("td", { role: "cell", "data-label": "Status", class: "status-cell" }, statusCell(row)));
  }

  async #download(row) {
    try {
      download((await get(`/uploads/${row.upload_id}/file`)).url, row.name);
      announce(`The download of ${row.name} has started.`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(this.said, panel("bad", "The file could not be downloaded", h("p", {}, error.detail)));
    }
  }

  async #delete(row) {
    const sure = await ask({
      title: "Delete this upload?",
      body: [
        h("p", { class: "filename" }, row.name),
        h("p", {}, DELETE_WORDS),
        row.counts_for_school && panel("warn", `This file counts for ${row.school ? schoolWords(row.school) : "the school"}`, h("p", {}, "If you delete it, the school has no file until another one is uploaded. An older file does not come back.")),
      ],
      yes: "Delete upload", danger: true,
    });
    if (!sure) return;
    try {
      await remove(`/uploads/${row.upload_id}`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 404) {
        fill(this.said, panel("bad", "The upload was not deleted", h("p", {}, error.detail)));
        return announce(error.detail, true);
      }
    }
    this.#rows = this.#rows.filter((other) => other.upload_id !== row.upload_id);
    this.#shown = "";
    this.#draw();
    this.element.querySelector("h2").tabIndex = -1;
    this.element.querySelector("h2").focus();
    announce(`${row.name} has been deleted.`);
    tellUploads();
    return undefined;
  }
}
