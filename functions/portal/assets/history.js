// The upload history: the guide's columns, filters on the server, sorting on the page, page by page.
//
//   new History(organisation).element

import { read, written } from "./address.js";
import { get, Problem, remove } from "./api.js";
import { fill, h, quiet, unique } from "./dom.js";
import { icon } from "./icons.js";
import { legend } from "./legend.js";
import { COLUMNS, inOrder, joined } from "./ordering.js";
import { countWords } from "./outcome.js";
import { announce, panel } from "./panels.js";
import { download } from "./saving.js";
import { settings } from "./settings.js";
import { events, nameOf, schoolWords, state, tellUploads } from "./state.js";
import { MOVING, statusOf } from "./statuses.js";
import { countsFor } from "./windows.js";
import { count, stamp } from "./words.js";

const AGAIN = 5000;
const TYPING = 400; // milliseconds after the last key before a search

/** The status of a row: icon, word, and what it means for the user. */
function statusCell(row) {
  const [word, picture] = statusOf(row.status) ?? [row.status, "info"];
  return [h("span", { class: `badge ${picture}` }, icon(picture), word), h("span", { class: "next" }, row.next_step)];
}

export class History {
  #rows = [];
  #cursor = null;
  #filters = { organisation: "", status: "", year: "", service: "", find: "" };
  #sort = { key: "date", down: true };
  #asked = 0;
  #timer = null;
  #loaded = false;
  #shown = "";
  #note = ""; // why a search has found nothing

  constructor(organisation = "") {
    this.fixed = Boolean(organisation); // one of several that an operator looks at
    if (!this.fixed)
      for (const [key, value] of Object.entries(read(location.hash).filters))
        if (key in this.#filters) this.#filters[key] = value;
    if (organisation) this.#filters.organisation = organisation;
    const id = unique("history");
    this.body = h("tbody", { role: "rowgroup" });
    this.heads = h("tr", { role: "row" });
    this.more = h("div", { class: "row centre" });
    this.said = h("div", {});
    this.element = h(
      "section",
      { class: "card history", "aria-labelledby": id },
      h(
        "div",
        { class: "row between top" },
        h(
          "div",
          {},
          h("h2", { id }, "File upload history"),
          h(
            "p",
            { class: "note" },
            state.me.role === "operator"
              ? "These are all the files uploaded by or for the organisation."
              : "These are all the files uploaded by your organisation.",
          ),
        ),
        this.#filterRow(),
      ),
      this.said,
      h(
        "table",
        { role: "table", class: "cards" },
        h("caption", { class: "quiet" }, "File upload history, newest first unless sorted otherwise"),
        h("thead", { role: "rowgroup" }, this.heads),
        this.body,
      ),
      this.more,
      legend(),
    );
    this.#drawHeads();
    events.addEventListener("uploads", () => this.load());
    document.addEventListener("visibilitychange", () => document.hidden || !this.#loaded || this.load());
  }

  #filterRow() {
    const choice = (label, key, options) => {
      const id = unique("filter");
      const select = h(
        "select",
        {
          id,
          onchange: () => {
            this.#filters[key] = select.value;
            this.#filtered();
          },
        },
        options.map(([value, words]) => h("option", { value, selected: value === this.#filters[key] }, words)),
      );
      return h("div", { class: "filter" }, h("label", { for: id }, label), select);
    };
    const find = unique("find");
    let typing = null;
    const seek = (event) => {
      const words = event.target.value.trim();
      clearTimeout(typing);
      typing = setTimeout(() => {
        if (words === this.#filters.find) return;
        this.#filters.find = words;
        this.#filtered();
      }, TYPING);
    };
    const organisations = state.me.organisations.map((one) => [
      one.organisation,
      one.school ? schoolWords(one.school) : one.name || one.organisation,
    ]);
    const years = [...new Set(state.services.map((service) => String(service.year)))].sort().reverse();
    return h(
      "div",
      { class: "filters", role: "group", "aria-label": "Filter the history" },
      h(
        "div",
        { class: "filter" },
        h("label", { for: find }, "Reference or name"),
        h("input", {
          id: find,
          type: "search",
          autocomplete: "off",
          maxlength: 60,
          value: this.#filters.find,
          oninput: seek,
        }),
      ),
      organisations.length > 1 && choice("Organisation", "organisation", [["", "All"], ...organisations]),
      choice("Status", "status", [
        ["", "All"],
        ...["SUCCESSFUL", "OVERWRITTEN", "PROCESSING", "UPLOAD_ERROR", "CHECKING"].map((key) => [
          key,
          settings.statuses[key],
        ]),
      ]),
      choice("Year", "year", [["", "All"], ...years.map((year) => [year, year])]),
      choice("Service", "service", [["", "All"], ...state.services.map((service) => [service.service, service.title])]),
    );
  }

  /** Reads the history anew by its filters, which the address has from now on. */
  #filtered() {
    this.#rows = [];
    this.#shown = "";
    if (!this.fixed) window.history.replaceState(null, "", written({ ...read(location.hash), filters: this.#filters }));
    this.load(true);
  }

  #drawHeads() {
    fill(
      this.heads,
      COLUMNS.map((column) => {
        const on = this.#sort.key === column.key;
        return h(
          "th",
          {
            role: "columnheader",
            scope: "col",
            class: `col-${column.key}`,
            "aria-sort": on ? (this.#sort.down ? "descending" : "ascending") : "none",
          },
          h(
            "button",
            {
              type: "button",
              class: "sort",
              "data-key": column.key,
              onclick: () => {
                this.#sort = { key: column.key, down: on ? !this.#sort.down : column.key === "date" };
                this.#drawHeads();
                this.heads.querySelector(`[data-key="${column.key}"]`).focus();
                this.#draw();
                const which = this.#cursor ? `the ${this.#rows.length} uploads shown` : "all uploads";
                announce(`Sorted ${which} by ${column.label}, ${this.#sort.down ? "descending" : "ascending"}`);
              },
            },
            column.label,
            h("span", { "aria-hidden": "true", class: "arrow" }, on ? (this.#sort.down ? "▼" : "▲") : ""),
          ),
        );
      }),
    );
  }

  /** Reads the newest page; older pages that were loaded stay. `afresh` starts over, after a filter changed. */
  async load(afresh = false) {
    if (this.#loaded && !this.element.isConnected) return; // another history has taken its place
    const ticket = ++this.#asked;
    clearTimeout(this.#timer);
    try {
      const page = await get("/uploads", this.#filters);
      if (ticket !== this.#asked) return;
      const { rows, older } = joined(afresh ? [] : this.#rows, page.uploads, page.cursor);
      if (!older) this.#cursor = page.cursor;
      this.#rows = rows;
      this.#note = page.note;
      this.#loaded = true;
      fill(this.said);
      const looks = JSON.stringify([this.#rows, this.#cursor, this.#note]);
      if (looks !== this.#shown) this.#draw(); // nothing is replaced under the mouse that has not changed
      this.#shown = looks;
      const more = this.#cursor ? ", and there are more" : "";
      if (afresh) announce(`${count(this.#rows.length, "upload")} shown${more}. ${page.note ?? ""}`);
      if (this.#rows.some((row) => MOVING.has(row.status)) && !document.hidden)
        this.#timer = setTimeout(() => this.load(), AGAIN);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (ticket !== this.#asked) return;
      fill(
        this.said,
        panel(
          "bad",
          "The history could not be read",
          h("p", {}, error.detail),
          h("button", { type: "button", class: "plain", onclick: () => this.load() }, "Try again"),
        ),
      );
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
      this.#rows = [
        ...this.#rows,
        ...page.uploads.filter((row) => !this.#rows.some((other) => other.upload_id === row.upload_id)),
      ];
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
    const held =
      document.activeElement?.dataset?.row && this.body.contains(document.activeElement)
        ? { ...document.activeElement.dataset }
        : null;
    const rows = inOrder(this.#rows, this.#sort.key, this.#sort.down);
    const filtered = Object.values(this.#filters).some(Boolean);
    fill(
      this.body,
      rows.length
        ? rows.map((row) => this.#row(row))
        : h(
            "tr",
            { role: "row" },
            h(
              "td",
              { role: "cell", colspan: 5, class: "none" },
              filtered
                ? `${this.#note ?? ""} No uploads match these filters.`.trim()
                : "Nothing has been uploaded yet. Files you upload are listed here, newest first.",
            ),
          ),
    );
    fill(
      this.more,
      this.#cursor
        ? h(
            "button",
            { type: "button", class: "plain", onclick: (event) => this.#loadMore(event.currentTarget) },
            "Load more",
          )
        : null,
    );
    if (held) this.body.querySelector(`[data-row="${held.row}"][data-act="${held.act}"]`)?.focus();
  }

  #row(row) {
    const act = (name, words, picture, run) =>
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          title: words,
          "data-row": row.upload_id,
          "data-act": name,
          onclick: run,
        },
        icon(picture),
        quiet(`${words}: ${row.name}`),
      );
    const several = state.me.organisations.length > 1 || state.me.role === "operator";
    const found = countWords(row.counts);
    return h(
      "tr",
      { role: "row" },
      h(
        "td",
        { role: "cell", "data-label": "Name" },
        h(
          "button",
          {
            type: "button",
            class: "link filename",
            "data-row": row.upload_id,
            "data-act": "details",
            onclick: async () => (await import("./details.js")).showDetails(row.upload_id, row.name),
          },
          row.name,
        ),
        several && h("span", { class: "next" }, row.school ? schoolWords(row.school) : "School not known"),
        h("span", { class: "next" }, nameOf(row.service)),
        h("span", { class: "next" }, `Reference ${row.reference}`),
        row.corrected_from &&
          h("span", { class: "next" }, `Corrected on this page from ${row.corrected_from.reference}`),
        row.counts?.errors || row.counts?.warnings
          ? h("span", { class: "next" }, `${found[0].toUpperCase()}${found.slice(1)}`)
          : null,
      ),
      h(
        "td",
        { role: "cell", "data-label": "Manage" },
        row.can_download || row.can_delete
          ? h(
              "span",
              { class: "acts" },
              row.can_download && act("download", "Download", "download", () => this.#download(row)),
              row.can_delete && act("delete", "Delete upload", "bin", () => this.#delete(row)),
            )
          : quiet("Nothing to manage"),
      ),
      h("td", { role: "cell", "data-label": "User", class: "wrap" }, row.user),
      h(
        "td",
        { role: "cell", "data-label": "Date" },
        h("span", { class: "date" }, stamp(row.date)),
        row.counts_for_school && h("span", { class: "counts" }, icon("tick"), `Counts for ${countsFor(row.windows)}`),
      ),
      h("td", { role: "cell", "data-label": "Status", class: "status-cell" }, statusCell(row)),
    );
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
    const { sureToDelete } = await import("./deleting.js");
    if (!(await sureToDelete(row))) return;
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
