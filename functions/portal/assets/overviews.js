// The report of many schools of a frozen window: a trust's, of its schools side by side, or the operators' summary.
//
//   const overviews = new Overviews(service); await overviews.load(); overviews.part(window)

import { get } from "./api.js";
import { h } from "./dom.js";
import { downloadButton } from "./downloads.js";
import { icon } from "./icons.js";
import { settings } from "./settings.js";
import { state } from "./state.js";

const WHOSE = { trust: "All schools of the trust", summary: "All schools that took part" };
const CALLED = { trust: "Trust report", summary: "Summary" };

export class Overviews {
  told = [];

  constructor(service) {
    this.service = service;
  }

  /** Reads them, for who has any by their role. */
  async load() {
    if (state.me.role === "school") return;
    this.told = (await get("/overviews", { service: this.service })).overviews;
  }

  /** What there is of a window, or nothing. */
  part(window) {
    const told = this.told.find((one) => one.window === window.number);
    return (
      told &&
      h("div", { class: "overview" }, h("b", {}, WHOSE[told.kind]), h("p", {}, told.statement), this.#document(told))
    );
  }

  #document(told) {
    if (told.state === "FAILED")
      return h("p", {}, icon("warning"), `${settings.report_failed}. We have been told and are looking into it.`);
    if (told.state === "PROCESSING")
      return h(
        "p",
        {},
        icon("wait"),
        `The report of all schools is being built. Reports are available from ${told.available_from_words}.`,
      );
    if (!told.available)
      return h(
        "p",
        {},
        icon("clock"),
        `The report of all schools will be available from ${told.available_from_words}.`,
      );
    const path = `/overviews/${told.service}/${told.window}`;
    return h(
      "div",
      { class: "row" },
      downloadButton(`${CALLED[told.kind]} (PDF)`, path, { format: "pdf" }),
      downloadButton(`${CALLED[told.kind]} (Excel)`, path, { format: "xlsx" }),
    );
  }
}
