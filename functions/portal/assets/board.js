// For operators: the deadline board. Who has submitted, who has only errors, who has nothing; the chase list; histories.

import { Problem, get } from "./api.js";
import { announce, fill, h, icon, panel, save, unique } from "./dom.js";
import { History } from "./history.js";
import { now, openWindow, secondsTo, state } from "./state.js";
import { count, duration, moment, stamp } from "./words.js";

const STANDINGS = { submitted: ["Submitted", "tick"], "only-errors": ["Only errors", "cross"], nothing: ["Nothing yet", "clock"] };
const SHOWN = 100;
const AGAIN = 30_000;

/** A line of CSV that no spreadsheet runs as a formula. */
export const csvLine = (cells) =>
  cells.map((cell) => {
    const text = String(cell ?? "");
    return `"${(/^[=+\-@\t\r\n]/.test(text) ? "'" + text : text).replaceAll('"', '""')}"`;
  }).join(",");

export class Board {
  #service = state.services[0].service;
  #window = (openWindow(state.services[0]) ?? state.services[0].windows[0]).number;
  #board = null;
  #filters = { standing: "", trust: "", authority: "", text: "" };
  #most = SHOWN;
  #ticket = 0;
  #shown = "";
  #timer = null;

  constructor() {
    this.top = h("div", {});
    this.filters = h("div", { class: "filters", role: "group", "aria-label": "Filter the schools" });
    this.groups = h("div", { class: "pair" });
    this.body = h("tbody", { role: "rowgroup" });
    this.found = h("p", { class: "note", role: "status" });
    this.more = h("div", { class: "row centre" });
    this.history = h("div", {});
    const heading = (words) => h("th", { role: "columnheader", scope: "col" }, words);
    this.list = h("section", { class: "card" },
      h("div", { class: "row between top" }, h("h2", {}, "Schools"), this.filters),
      h("div", { class: "row between" }, this.found, h("button", { type: "button", class: "plain", onclick: () => this.#chase() }, icon("download"), "Chase list (CSV)")),
      h("table", { role: "table", class: "cards" }, h("caption", { class: "quiet" }, "Schools and how far they are"),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ["School", "Trust", "LA", "Standing", "Received", "History"].map(heading))), this.body),
      this.more);
    this.element = h("div", {}, h("h1", {}, "Deadline board"), this.#chooser(), this.top, this.groups, this.list, this.#search(), this.history);
    this.load();
  }

  #chooser() {
    const [one, two] = [unique("service"), unique("window")];
    const windows = h("select", { id: two, onchange: () => this.#turn(this.#service, Number(windows.value)) });
    const offer = () => fill(windows, state.services.find((service) => service.service === this.#service).windows.map((window) =>
      h("option", { value: window.number, selected: window.number === this.#window }, `Window ${window.number}, closes ${window.closes_words}`)));
    offer();
    return h("div", { class: "filters" },
      h("div", { class: "filter" }, h("label", { for: one }, "Service"), h("select", { id: one, onchange: (event) => {
        this.#turn(event.target.value, 1);
        offer();
      } }, state.services.map((service) => h("option", { value: service.service }, service.title)))),
      h("div", { class: "filter" }, h("label", { for: two }, "Window"), windows));
  }

  #turn(service, window) {
    this.#service = service;
    this.#window = window;
    this.#board = null;
    this.#shown = "";
    this.load();
  }

  async load() {
    clearTimeout(this.#timer);
    const ticket = ++this.#ticket;
    try {
      const board = await get(`/windows/${this.#service}/${this.#window}`);
      if (ticket !== this.#ticket) return;
      const first = !this.#board;
      this.#board = board;
      if (first) this.#offerFilters();
      this.#draw();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (ticket === this.#ticket) fill(this.top, panel("bad", error.title, h("p", {}, error.detail)));
    }
    if (ticket === this.#ticket && this.#board?.state !== "FROZEN") this.#timer = setTimeout(() => (document.hidden ? (this.#timer = setTimeout(() => this.load(), AGAIN)) : this.load()), AGAIN);
  }

  #offerFilters() {
    const { schools } = this.#board;
    const choice = (label, key, options) => {
      const id = unique("filter");
      const select = h("select", { id, onchange: () => {
        this.#filters[key] = select.value;
        this.#most = SHOWN;
        this.#drawRows();
      } }, h("option", { value: "" }, "All"), options.map(([value, words]) => h("option", { value, selected: value === this.#filters[key] }, words)));
      return h("div", { class: "filter" }, h("label", { for: id }, label), select);
    };
    const distinct = (key) => [...new Set(schools.map((school) => school[key] ?? ""))].sort();
    const id = unique("find");
    fill(this.filters,
      h("div", { class: "filter" }, h("label", { for: id }, "Find"), h("input", { id, type: "search", value: this.#filters.text, oninput: (event) => {
        this.#filters.text = event.target.value.toLocaleLowerCase("en-GB");
        this.#most = SHOWN;
        this.#drawRows();
      } })),
      choice("Standing", "standing", Object.entries(STANDINGS).map(([key, [words]]) => [key, words])),
      choice("Trust", "trust", distinct("trust").map((trust) => [trust || "none", trust || "No trust"])),
      choice("LA", "authority", distinct("authority").map((one) => [one, one])));
  }

  get #rows() {
    const { standing, trust, authority, text } = this.#filters;
    return this.#board.schools.filter((school) =>
      (!standing || school.standing === standing) && (!trust || (school.trust ?? "none") === trust) &&
      (!authority || school.authority === authority) && (!text || `${school.school} ${school.name}`.toLocaleLowerCase("en-GB").includes(text)));
  }

  #draw() {
    const board = this.#board;
    const total = board.schools.length;
    const left = secondsTo(board.closes);
    const opened = Date.parse(board.opens) <= now();
    fill(this.top,
      h("div", { class: `deadline ${left > 0 && left < 3600 ? "soon" : ""}` }, icon("clock"), h("div", {},
        h("p", { class: "big" }, left ? `${opened ? "Open until" : `Opens at ${moment(board.opens)}, closes at`} ${board.closes_words}. ` : `Closed at ${board.closes_words}. `, left && opened ? h("strong", {}, `${duration(left)} left`) : null),
        h("p", { class: "note" }, { OPEN: "Nothing is frozen yet.", CLOSING: "Closing: waiting until every file that came in time is settled.", FROZEN: "Frozen: the manifest has been written." }[board.state]))),
      h("ul", { class: "tiles" }, Object.entries(STANDINGS).map(([key, [words, picture]]) =>
        h("li", { class: `tile ${picture}` }, h("span", { class: "badge" }, icon(picture), words), h("b", {}, board.counts[key].toLocaleString("en-GB")), h("span", { class: "next" }, total ? `${Math.round((100 * board.counts[key]) / total)}% of ${count(total, "school")}` : "")))),
      board.waiting.length > 0 && panel("warn", `${count(board.waiting.length, "upload")} not settled yet`, h("ul", {}, board.waiting.slice(0, 20).map((one) =>
        h("li", {}, `${one.upload_id}: ${one.held ?? one.status.toLowerCase().replace("_", " ")}, ${one.school ?? "school not known"}, since ${stamp(one.issued)}`)))),
      board.manifest.sha256 && h("p", { class: "note hash" }, `Manifest SHA-256 ${board.manifest.sha256}`));
    const looks = JSON.stringify(board.schools);
    if (looks === this.#shown) return; // nothing moves under the reader's eyes
    this.#shown = looks;
    fill(this.groups, this.#group("trust", "By trust", "Trust", "No trust"), this.#group("authority", "By local authority", "LA", ""));
    this.#drawRows();
  }

  #group(key, title, heading, none) {
    const groups = new Map();
    for (const school of this.#board.schools) {
      const name = school[key] ?? none;
      const tally = groups.get(name) ?? { submitted: 0, "only-errors": 0, nothing: 0 };
      tally[school.standing]++;
      groups.set(name, tally);
    }
    const lines = [...groups].sort(([, a], [, b]) => b.nothing + b["only-errors"] - a.nothing - a["only-errors"]);
    const id = unique("group");
    return h("div", { class: "card" }, h("h2", { id }, title),
      h("div", { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": id }, h("table", {},
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, heading), Object.values(STANDINGS).map(([words]) => h("th", { scope: "col", class: "number" }, words)))),
        h("tbody", {}, lines.map(([name, tally]) => h("tr", {}, h("th", { scope: "row" }, name), Object.keys(STANDINGS).map((standing) => h("td", { class: "number" }, tally[standing].toLocaleString("en-GB")))))))));
  }

  #drawRows() {
    const rows = this.#rows;
    const shown = rows.slice(0, this.#most);
    const held = this.body.contains(document.activeElement) ? document.activeElement.dataset.school : null;
    fill(this.found, `${count(rows.length, "school")}${shown.length < rows.length ? `, the first ${shown.length} shown` : ""}.`);
    fill(this.body, shown.map((school) => {
      const [words, picture] = STANDINGS[school.standing];
      const cell = (label, ...body) => h("td", { role: "cell", "data-label": label }, body);
      return h("tr", { role: "row" },
        cell("School", h("span", {}, school.name || "Name not known"), h("span", { class: "next" }, school.school)),
        cell("Trust", school.trust ?? "None"), cell("LA", school.authority),
        cell("Standing", h("span", { class: `badge ${picture}` }, icon(picture), words), school.carried_from && h("span", { class: "next" }, `Carried from window ${school.carried_from}`)),
        cell("Received", school.received ? stamp(school.received) : this.#board.state === "FROZEN" ? "None" : "Not yet"),
        cell("History", h("button", { type: "button", class: "link", "data-school": school.school, "aria-label": `History of ${school.name || school.school}`, onclick: () => this.#show(`SCHOOL#${school.school}`, school.name || school.school) }, "History")));
    }));
    fill(this.more, shown.length < rows.length ? h("button", { type: "button", class: "plain", onclick: () => {
      this.#most += SHOWN;
      this.#drawRows();
    } }, "Show more") : null);
    if (held) this.body.querySelector(`[data-school="${held}"]`)?.focus();
  }

  /** Those who still have to submit, as they are filtered, for a mail merge. */
  #chase() {
    if (!this.#board) return;
    const rows = this.#rows.filter((school) => school.standing !== "submitted");
    const lines = [csvLine(["School DFE", "Name", "Trust", "LA", "Standing", "Window", "Closes"]),
      ...rows.map((school) => csvLine([school.school, school.name, school.trust, school.authority, STANDINGS[school.standing][0], this.#window, this.#board.closes_words]))];
    save(`chase-${this.#service}-window-${this.#window}.csv`, ["\ufeff", lines.join("\r\n"), "\r\n"], "text/csv");
    announce(`The chase list has ${count(rows.length, "school")}.`);
  }

  #search() {
    const id = unique("organisation");
    const said = h("span", { class: "said", role: "status" });
    const input = h("input", { id, placeholder: "1231234 or a trust's id", autocomplete: "off" });
    return h("section", { class: "card" }, h("h2", {}, "Upload history of a school or trust"),
      h("form", { class: "filters", onsubmit: (event) => {
        event.preventDefault();
        const text = input.value.trim();
        fill(said, text ? "" : "Please type a DfE number or a trust's id.");
        if (text) this.#show(/^\d{7}$/.test(text) ? `SCHOOL#${text}` : `TRUST#${text}`, text);
      } }, h("div", { class: "filter" }, h("label", { for: id }, "School DFE or trust"), input), h("button", { class: "plain" }, "Show history"), said));
  }

  #show(organisation, words) {
    const made = new History(organisation);
    fill(this.history, h("h2", { tabindex: "-1" }, `Upload history: ${words}`), made.element);
    this.history.firstElementChild.focus();
    made.load();
  }
}
