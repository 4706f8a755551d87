// After a close: what was frozen, when reports come, and then the reports themselves.
//
//   new Reports(service).element

import { get, Problem } from "./api.js";
import { now } from "./clock.js";
import { fill, h, unique } from "./dom.js";
import { downloadButton } from "./downloads.js";
import { icon } from "./icons.js";
import { Overviews } from "./overviews.js";
import { panel } from "./panels.js";
import { settings } from "./settings.js";
import { events, schoolWords, state } from "./state.js";
import { count, moment } from "./words.js";

const NOT_HELD = "not-held"; // it closed before there was a first school: nothing is said of it
const AGAIN = 10_000;
const MANY = 6; // schools of a trust that are listed without being asked for

export class Reports {
  #reports = null;
  #shown = "";
  #timer = null;

  constructor(service) {
    this.service = service;
    this.element = h("div", {});
    this.overviews = new Overviews(service);
    events.addEventListener("services", () => this.load());
    events.addEventListener("uploads", () => this.load());
    events.addEventListener("schools", () => this.#reports && this.#draw(this.#closed));
    this.load();
  }

  get #closed() {
    const service = state.services.find((one) => one.service === this.service);
    return service.windows.filter(({ closes, state }) => Date.parse(closes) <= now() && state !== NOT_HELD).reverse();
  }

  async load() {
    clearTimeout(this.#timer);
    const closed = this.#closed;
    if (!closed.length) return;
    if (!this.#reports) this.#draw(closed); // what is known already, so that the page does not jump later
    try {
      this.#reports = (await get("/reports", { service: this.service })).reports;
      await this.overviews.load();
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (!this.#reports) {
        this.#shown = "";
        this.#timer = setTimeout(() => this.load(), AGAIN);
        return void fill(this.element, panel("bad", "The reports could not be read", h("p", {}, error.detail)));
      }
    }
    this.#draw(closed);
    return undefined;
  }

  #draw(closed) {
    const looks = JSON.stringify([closed, this.#reports, this.overviews.told, state.schools.get(this.service)]);
    if (looks === this.#shown) return;
    this.#shown = looks;
    fill(
      this.element,
      closed.map((window) => this.#window(window)),
    );
  }

  #window(window) {
    const id = unique("window");
    const schools = state.me.organisations.filter((one) => one.school).map((one) => one.school);
    return h(
      "section",
      { class: "card", "aria-labelledby": id },
      h("h2", { id }, `Reports of window ${window.number}`),
      h(
        "p",
        {},
        `Window ${window.number} closed at ${window.closes_words} (London time). `,
        window.state === "FROZEN"
          ? `The files that count are fixed. Reports are available from ${window.reports_words}.`
          : "We are making sure that every file that reached us in time is counted, which takes a few minutes. " +
              "This page shows the result by itself.",
      ),
      window.state === "FROZEN" && this.overviews.part(window),
      window.state !== "FROZEN"
        ? h(
            "ul",
            { class: "plainlist" },
            schools.map((school) => this.#stands(window, school)),
          )
        : this.#reports
          ? this.#list(window, schools)
          : h("p", { class: "note" }, "Loading …"),
    );
  }

  /** What counts for a school in a window, in the API's own sentence. */
  #statement(window, school) {
    const found = (state.schools.get(this.service) ?? []).find((one) => one.school === school);
    return found?.windows?.find((said) => said.window === window.number)?.statement;
  }

  #stands(window, school) {
    return h("li", {}, h("b", {}, schoolWords(school)), h("p", {}, this.#statement(window, school) ?? "…"));
  }

  #list(window, schools) {
    const rows = schools.map((school) => [
      school,
      this.#reports.find((report) => report.school === school && report.window === window.number),
    ]);
    const list = h(
      "ul",
      { class: "plainlist reports" },
      rows.map(([school, report]) => this.#row(window, school, report)),
    );
    if (rows.length <= MANY) return list;
    const files = rows.filter(([, report]) => report).length;
    return h(
      "details",
      {},
      h(
        "summary",
        {},
        `${files} of ${count(rows.length, "school")} ${rows.length === 1 ? "has" : "have"} a file that counts`,
      ),
      list,
    );
  }

  #row(window, school, report) {
    if (!report)
      return h(
        "li",
        {},
        h("b", {}, schoolWords(school)),
        h(
          "p",
          { class: "note" },
          `${this.#statement(window, school) ?? "No file counts for this window."} There is no report.`,
        ),
      );
    const { file } = report;
    const carried = file?.window && file.window !== window.number;
    return h(
      "li",
      {},
      h("b", {}, schoolWords(school)),
      file &&
        h(
          "p",
          {},
          icon("tick"),
          "The file that counts: ",
          h("span", { class: "filename" }, file.name),
          `, uploaded by ${file.user}, received at ` +
            `${moment(file.received)}${carried ? `, carried forward from window ${file.window}` : ""}.`,
        ),
      this.#report(window, school, report),
    );
  }

  #report(window, school, report) {
    if (report.state === "FAILED")
      return h(
        "p",
        {},
        icon("warning"),
        `${settings.report_failed}. We have been told and are looking into it; your data is safe.`,
      );
    if (report.state === "PROCESSING")
      return h(
        "p",
        {},
        icon("wait"),
        `Report generation is in progress. Reports are available from ${report.available_from_words}.`,
      );
    if (!report.available)
      return h("p", {}, icon("clock"), `The report will be available from ${report.available_from_words}.`);
    const path = `/reports/${this.service}/${window.number}/${school}`;
    return h(
      "div",
      { class: "row" },
      downloadButton("Report (PDF)", path, { format: "pdf" }),
      downloadButton("Staff copy, with the pupils (PDF)", path, { format: "staff" }),
      downloadButton("Report (Excel)", path, { format: "xlsx" }),
    );
  }
}
