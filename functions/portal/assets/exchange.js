// File exchange: one service's tab, with the template, the upload, the status and the reports.
//
//   new ServiceTab(service, SingleUpload).element

import { Problem } from "./api.js";
import { Deadline } from "./deadline.js";
import { h } from "./dom.js";
import { notices } from "./notices.js";
import { panel } from "./panels.js";
import { Reports } from "./reports.js";
import { events, loadSchools, state } from "./state.js";
import { Template } from "./template.js";

/** One service's tab. */
export class ServiceTab {
  /** `Upload` is the class of what uploads: one file for a school, many for a trust. */
  constructor(service, Upload) {
    this.service = service;
    const { role } = state.me;
    this.deadline = new Deadline(service.service);
    this.template = new Template(service.service);
    this.upload = new Upload(service.service);
    this.reports = new Reports(service.service);
    this.element = h(
      "div",
      {},
      this.deadline.element,
      this.reports.element,
      h(
        "div",
        { class: "pair" },
        this.template.element,
        h(
          "section",
          { class: "card", "aria-labelledby": `upload-${service.service}` },
          h("h2", { id: `upload-${service.service}` }, role === "trust" ? "Bulk upload" : "Upload XLSX"),
          h(
            "p",
            {},
            role === "trust"
              ? "Choose the completed files of your schools, all at once if you like. The DfE number in a file's " +
                  "name helps to recognise the school; the rows of the file decide."
              : "Choose your completed workbook, then select Upload. You may upload as often as you like: the " +
                  "latest successful file overwrites the one before.",
          ),
          this.upload.element,
        ),
      ),
      this.upload.status,
      panel("info", "This is not your statutory return", h("p", {}, service.not_statutory)),
      notices(service),
    );
    const schools = () => this.refreshSchools();
    events.addEventListener("uploads", schools);
    schools();
  }

  async refreshSchools() {
    try {
      await loadSchools(this.service.service);
      events.dispatchEvent(new Event("schools"));
    } catch (error) {
      if (!(error instanceof Problem)) throw error; // the page does without until it is read again
    }
  }
}
