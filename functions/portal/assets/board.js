// For operators: the deadline board. Who has submitted, who has only errors, who has nothing; the chase list.
//
//   new Board().element

import { get, Problem } from "./api.js";
import { now, openWindow, secondsTo } from "./clock.js";
import { csvLine } from "./csv.js";
import { fill, h, unique } from "./dom.js";
import { History } from "./history.js";
import { icon } from "./icons.js";
import { Overviews } from "./overviews.js";
import { announce, panel } from "./panels.js";
import { save } from "./saving.js";
import { settings } from "./settings.js";
import { state } from "./state.js";
import { count, duration, moment, stamp } from "./words.js";

const STANDINGS = {
  submitted: ["Submitted", "tick"],
  "only-errors": ["Only errors", "cross"],
  nothing: ["Nothing yet", "clock"],
};

const MISSING = "only-errors,nothing";
const NO_TRUST = "(none)";
const SHOWN = 100; // schools at a time
const AGAIN = 30_000;
const TYPING = 300; // milliseconds of a pause in typing after which is looked for

/** `ABC Trust (ABC)`, or the id alone where no name is known. */
const trustWords = ({ trust, name }) => (trust ? (name ? `${name} (${trust})` : trust) : "No trust");

export class Board {
  #service = state.services[0].service;
  #window = (openWindow(state.services[0]) ?? state.services[0].windows[0]).number;
  #board = null;
  #rows = [];
  #filters = { standing: "", trust: "", authority: "", find: "" };
  #ticket = 0;
  #shown = "";
  #totalled = "";
  #timer = null;

  constructor() {
    this.top = h("div", {});
    this.summary = h("div", {});
    this.filters = h("div", { class: "filters", role: "group", "aria-label": "Filter the schools" });
    this.groups = h("div", { class: "pair" });
    this.body = h("tbody", { role: "rowgroup" });
    this.found = h("p", { class: "note", role: "status" });
    this.more = h("div", { class: "row centre" });
    this.history = h("div", {});
    const heading = (words) =>
      h("th", { role: "columnheader", scope: "col", class: `col-${words.toLowerCase()}` }, words);
    this.heading = h("h2", { tabindex: "-1" }, "Schools");
    this.list = h(
      "section",
      { class: "card" },
      h("div", { class: "row between top" }, this.heading, this.filters),
      h("div", { class: "row between" }, this.found, this.#chaseButton()),
      h(
        "table",
        { role: "table", class: "cards" },
        h("caption", { class: "quiet" }, "Schools and how far they are"),
        h(
          "thead",
          { role: "rowgroup" },
          h("tr", { role: "row" }, ["School", "Trust", "LA", "Standing", "Received", "History"].map(heading)),
        ),
        this.body,
      ),
      this.more,
    );
    this.element = h(
      "div",
      {},
      h("h1", {}, "Deadline board"),
      this.#chooser(),
      this.top,
      this.summary,
      this.groups,
      this.list,
      this.#search(),
      this.history,
    );
    this.load();
  }

  #chooser() {
    const [one, two] = [unique("service"), unique("window")];
    const windows = h("select", { id: two, onchange: () => this.#turn(this.#service, Number(windows.value)) });
    const offer = () =>
      fill(
        windows,
        state.services
          .find((service) => service.service === this.#service)
          .windows.map((window) =>
            h(
              "option",
              { value: window.number, selected: window.number === this.#window },
              `Window ${window.number}, closes ${window.closes_words}`,
            ),
          ),
      );
    offer();
    return h(
      "div",
      { class: "filters" },
      h(
        "div",
        { class: "filter" },
        h("label", { for: one }, "Service"),
        h(
          "select",
          {
            id: one,
            onchange: (event) => {
              this.#turn(event.target.value, 1);
              offer();
            },
          },
          state.services.map((service) => h("option", { value: service.service }, service.title)),
        ),
      ),
      h("div", { class: "filter" }, h("label", { for: two }, "Window"), windows),
    );
  }

  #turn(service, window) {
    this.#service = service;
    this.#window = window;
    this.#board = null;
    this.#rows = [];
    this.#shown = this.#totalled = "";
    fill(this.summary);
    this.load();
  }

  #ask(values) {
    return get(`/windows/${this.#service}/${this.#window}`, { ...this.#filters, ...values });
  }

  /** Reads the totals and the schools that are shown: as many as there were, or the first ones. */
  async load() {
    clearTimeout(this.#timer);
    const ticket = ++this.#ticket;
    try {
      const board = await this.#ask({
        limit: Math.min(settings.limits.schools_at_once, Math.max(SHOWN, this.#rows.length)),
      });
      if (ticket !== this.#ticket) return;
      const rest =
        this.#rows.length > settings.limits.schools_at_once && board.cursor
          ? this.#rows.filter((school) => school.school > board.cursor)
          : [];
      this.#board = { ...board, cursor: rest.length ? this.#board.cursor : board.cursor };
      this.#rows = [...board.schools, ...rest];
      this.#draw();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (ticket === this.#ticket) fill(this.top, panel("bad", error.title, h("p", {}, error.detail)));
    }
    if (ticket === this.#ticket && this.#board?.state !== "FROZEN")
      this.#timer = setTimeout(() => this.#again(), AGAIN);
    else if (ticket === this.#ticket) this.#summarise(ticket);
  }

  /** The summary of a window that is frozen; looked for again until it is built. */
  async #summarise(ticket) {
    const overviews = new Overviews(this.#service);
    try {
      await overviews.load();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    if (ticket !== this.#ticket) return;
    const part = overviews.part({ number: this.#window });
    if (part) fill(this.summary, h("section", { class: "card reports" }, part));
    if (overviews.told.some(({ state }) => state === "PROCESSING"))
      this.#timer = setTimeout(() => this.#again(), AGAIN);
  }

  #again() {
    if (!this.element.isConnected) return;
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), AGAIN);
    else this.load();
  }

  #filter(values) {
    Object.assign(this.#filters, values);
    this.#rows = [];
    this.load();
  }

  async #loadMore(button) {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    fill(button, "Loading …");
    const ticket = this.#ticket;
    try {
      const page = await this.#ask({ limit: SHOWN, cursor: this.#board.cursor });
      if (ticket !== this.#ticket) return; // asked anew meanwhile
      this.#rows = [...this.#rows, ...page.schools];
      this.#board.cursor = page.cursor;
      this.#drawRows();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(button, "Show more");
      button.removeAttribute("aria-disabled");
      announce(error.detail, true);
    }
  }

  #drawFilters() {
    const held = document.activeElement?.dataset?.filter;
    const choice = (label, key, options) => {
      const id = unique("filter");
      const select = h(
        "select",
        { id, "data-filter": key, onchange: () => this.#filter({ [key]: select.value }) },
        h("option", { value: "" }, "All"),
        options.map(([value, words]) => h("option", { value, selected: value === this.#filters[key] }, words)),
      );
      return h("div", { class: "filter" }, h("label", { for: id }, label), select);
    };
    if (!this.find) {
      const id = unique("find");
      let typing = null;
      this.find = h(
        "div",
        { class: "filter" },
        h("label", { for: id }, "School or reference"),
        h("input", {
          id,
          type: "search",
          maxlength: 60,
          oninput: (event) => {
            const find = event.target.value.trim();
            clearTimeout(typing);
            typing = setTimeout(() => this.#filter({ find }), TYPING);
          },
        }),
      );
      this.chosen = h("div", { class: "inline" });
      fill(this.filters, this.find, this.chosen);
    }
    fill(
      this.chosen,
      choice(
        "Standing",
        "standing",
        Object.entries(STANDINGS).map(([key, [words]]) => [key, words]),
      ),
      choice(
        "Trust",
        "trust",
        this.#board.trusts.map((one) => [one.trust ?? NO_TRUST, trustWords(one)]),
      ),
      choice(
        "LA",
        "authority",
        this.#board.authorities.map(({ authority }) => [authority, authority]),
      ),
    );
    if (held) this.chosen.querySelector(`[data-filter="${held}"]`)?.focus();
  }

  #draw() {
    const board = this.#board;
    const total = Object.values(board.counts).reduce((sum, number) => sum + number, 0);
    const left = secondsTo(board.closes);
    const opened = Date.parse(board.opens) <= now();
    fill(
      this.top,
      h(
        "div",
        { class: `deadline ${left > 0 && left < 3600 ? "soon" : ""}` },
        icon("clock"),
        h(
          "div",
          {},
          h(
            "p",
            { class: "big" },
            left
              ? `${opened ? "Open until" : `Opens at ${moment(board.opens)}, closes at`} ${board.closes_words}. `
              : `Closed at ${board.closes_words}. `,
            left && opened ? h("strong", {}, `${duration(left)} left`) : null,
          ),
          h(
            "p",
            { class: "note" },
            {
              OPEN: "Nothing is frozen yet.",
              CLOSING: "Closing: waiting until every file that came in time is settled.",
              FROZEN: "Frozen: the manifest has been written.",
              "not-held": "Not held: it had closed before there was a first school. It is never frozen.",
            }[board.state],
          ),
        ),
      ),
      h(
        "ul",
        { class: "tiles" },
        Object.entries(STANDINGS).map(([key, [words, picture]]) =>
          h(
            "li",
            { class: `tile ${picture}` },
            h("span", { class: "badge" }, icon(picture), words),
            h("b", {}, board.counts[key].toLocaleString("en-GB")),
            h(
              "span",
              { class: "next" },
              total ? `${Math.round((100 * board.counts[key]) / total)}% of ${count(total, "school")}` : "",
            ),
          ),
        ),
      ),
      board.waiting_in_all > 0 &&
        panel(
          "warn",
          board.waiting.some((one) => one.commands.length)
            ? `${count(board.waiting_in_all, "upload")} not settled yet, of which some wait for an operator`
            : `${count(board.waiting_in_all, "upload")} not settled yet`,
          h(
            "ul",
            {},
            board.waiting.slice(0, 20).map((one) =>
              h(
                "li",
                {},
                `${one.reference} (${one.upload_id}): ` +
                  `${one.held ?? one.status.toLowerCase().replace("_", " ")}, ` +
                  `${one.school ?? "school not known"}, since ${stamp(one.issued)}`,
                one.commands.map((words) => h("code", { class: "block" }, words)),
              ),
            ),
          ),
        ),
      board.manifest.sha256 && h("p", { class: "note hash" }, `Manifest SHA-256 ${board.manifest.sha256}`),
    );
    const totals = JSON.stringify([board.authorities, board.trusts, this.#filters]);
    if (totals !== this.#totalled) {
      // nothing moves under the reader's eyes that has not changed
      this.#totalled = totals;
      const tops = [...this.groups.querySelectorAll(".scroll")].map((one) => one.scrollTop);
      this.#drawFilters();
      fill(
        this.groups,
        this.#group("trust", "By trust", "Trust", board.trusts),
        this.#group("authority", "By local authority", "LA", board.authorities),
      );
      this.groups.querySelectorAll(".scroll").forEach((one, at) => {
        one.scrollTop = tops[at] ?? 0;
      });
    }
    const looks = JSON.stringify([this.#rows, board.cursor]);
    if (looks !== this.#shown) this.#drawRows();
  }

  #group(key, title, heading, groups) {
    const lines = [...groups].sort((a, b) => b.nothing + b["only-errors"] - a.nothing - a["only-errors"]);
    const id = unique("group");
    const name = (line) => {
      const value = line[key] ?? NO_TRUST;
      const on = this.#filters[key] === value;
      return h(
        "button",
        {
          type: "button",
          class: "link",
          "aria-pressed": String(on),
          onclick: () => {
            this.#filter({ [key]: on ? "" : value });
            this.list.scrollIntoView();
            this.heading.focus({ preventScroll: true });
          },
        },
        key === "trust" ? trustWords(line) : line[key],
      );
    };
    return h(
      "div",
      { class: "card" },
      h("h2", { id }, title),
      h("p", { class: "note" }, "Choose one to see its schools below."),
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-labelledby": id },
        h(
          "table",
          {},
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              h("th", { scope: "col" }, heading),
              Object.values(STANDINGS).map(([words]) => h("th", { scope: "col", class: "number" }, words)),
            ),
          ),
          h(
            "tbody",
            {},
            lines.map((line) =>
              h(
                "tr",
                {},
                h("th", { scope: "row" }, name(line)),
                Object.keys(STANDINGS).map((standing) =>
                  h("td", { class: "number" }, line[standing].toLocaleString("en-GB")),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }

  #drawRows() {
    const rows = this.#rows;
    const { cursor, found } = this.#board;
    this.#shown = JSON.stringify([rows, cursor]);
    const held = this.body.contains(document.activeElement) ? document.activeElement.dataset.school : null;
    const shown = cursor ? `, the first ${rows.length.toLocaleString("en-GB")} shown` : "";
    fill(this.found, rows.length ? `${count(found, "school")}${shown}.` : this.#nothing());
    fill(
      this.body,
      rows.map((school) => {
        const [words, picture] = STANDINGS[school.standing];
        const cell = (label, ...body) => h("td", { role: "cell", "data-label": label }, body);
        return h(
          "tr",
          { role: "row" },
          cell("School", h("span", {}, school.name || "Name not known"), h("span", { class: "next" }, school.school)),
          cell("Trust", school.trust ? this.#trustOf(school.trust) : "None"),
          cell("LA", school.authority),
          cell(
            "Standing",
            h("span", { class: `badge ${picture}` }, icon(picture), words),
            school.carried_from && h("span", { class: "next" }, `Carried from window ${school.carried_from}`),
            school.carries_on && h("span", { class: "next" }, `Window ${school.carries_on}’s file is carried forward`),
          ),
          cell(
            "Received",
            school.received ? stamp(school.received) : this.#board.state === "FROZEN" ? "None" : "Not yet",
          ),
          cell(
            "History",
            h(
              "button",
              {
                type: "button",
                class: "link",
                "data-school": school.school,
                "aria-label": `History of ${school.name || school.school}`,
                onclick: () => this.#show(`SCHOOL#${school.school}`, school.name || school.school),
              },
              "History",
            ),
          ),
        );
      }),
    );
    fill(
      this.more,
      cursor
        ? h(
            "button",
            { type: "button", class: "plain", onclick: (event) => this.#loadMore(event.currentTarget) },
            "Show more",
          )
        : null,
    );
    if (held) this.body.querySelector(`[data-school="${held}"]`)?.focus();
  }

  #trustOf(trust) {
    return this.#board.trusts.find((one) => one.trust === trust)?.name || trust;
  }

  /** Why no school is listed, for somebody who looks for one. */
  #nothing() {
    const { find, standing, trust, authority } = this.#filters;
    if (!find) return "No school stands so.";
    const others = standing || trust || authority ? " among the schools that the other filters leave" : "";
    return (
      `Nothing is found for “${find}”${others}. It is looked for in DfE numbers, in names, and among the references ` +
      "of each school’s file that counts and its latest one with errors. Other files are found in the history of " +
      "their school, or by early-results trace."
    );
  }

  #chaseButton() {
    const said = h("span", { class: "said", role: "status" });
    const button = h(
      "button",
      {
        type: "button",
        class: "plain",
        onclick: async () => {
          if (button.getAttribute("aria-disabled") || !this.#board) return;
          button.setAttribute("aria-disabled", "true");
          fill(said, "Preparing …");
          try {
            const schools = await this.#chase((number) => fill(said, `Preparing … ${count(number, "school")}`));
            fill(said, `The chase list has ${count(schools, "school")}.`);
          } catch (error) {
            if (!(error instanceof Problem)) throw error;
            fill(said, error.detail);
          } finally {
            button.removeAttribute("aria-disabled");
          }
        },
      },
      icon("download"),
      "Chase list (CSV)",
    );
    return h("span", { class: "with-said" }, button, said);
  }

  /** Saves those who still have to submit, as they are filtered and every one of them, for a mail merge. */
  async #chase(tell) {
    const [service, window, closes] = [this.#service, this.#window, this.#board.closes_words];
    const filters = {
      ...this.#filters,
      standing: this.#filters.standing || MISSING,
      limit: settings.limits.schools_at_once,
    };
    const schools = [];
    let cursor = this.#filters.standing === "submitted" ? null : "";
    while (cursor !== null) {
      const page = await get(`/windows/${service}/${window}`, { ...filters, cursor });
      schools.push(...page.schools.filter((school) => !school.carries_on)); // their earlier file is carried forward
      cursor = page.cursor;
      tell(schools.length);
    }
    const lines = [
      csvLine(["School DFE", "Name", "Trust", "LA", "Standing", "Window", "Closes"]),
      ...schools.map((school) =>
        csvLine([
          school.school,
          school.name,
          school.trust,
          school.authority,
          STANDINGS[school.standing][0],
          window,
          closes,
        ]),
      ),
    ];
    save(`chase-${service}-window-${window}.csv`, ["\ufeff", lines.join("\r\n"), "\r\n"], "text/csv");
    return schools.length;
  }

  #search() {
    const id = unique("organisation");
    const said = h("span", { class: "said", role: "status" });
    const input = h("input", { id, placeholder: "1231234 or a trust", autocomplete: "off" });
    return h(
      "section",
      { class: "card" },
      h("h2", {}, "Upload history of a school or trust"),
      h(
        "form",
        {
          class: "filters",
          onsubmit: (event) => {
            event.preventDefault();
            const text = input.value.trim();
            fill(said, text ? "" : "Please type a DfE number, or a trust's id or name.");
            if (!text) return;
            if (/^\d{7}$/.test(text)) return void this.#show(`SCHOOL#${text}`, text);
            const asked = text.toLowerCase();
            const named = (this.#board?.trusts ?? []).filter(
              ({ trust, name }) => trust && (trust.toLowerCase() === asked || name.toLowerCase().includes(asked)),
            );
            if (named.length === 1) return void this.#show(`TRUST#${named[0].trust}`, trustWords(named[0]));
            const several = `Several trusts have this in their names: ${named.map(trustWords).join(", ")}.`;
            fill(said, named.length ? several : "There is no trust of this id or name, and a DfE number has 7 digits.");
          },
        },
        h("div", { class: "filter" }, h("label", { for: id }, "School DFE or trust"), input),
        h("button", { class: "plain" }, "Show history"),
        said,
      ),
    );
  }

  #show(organisation, words) {
    const made = new History(organisation);
    fill(this.history, h("h2", { tabindex: "-1" }, `Upload history: ${words}`), made.element);
    this.history.firstElementChild.focus();
    made.load();
  }
}
