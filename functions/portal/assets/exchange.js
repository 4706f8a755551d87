// File exchange: one tab a service, with the template, the upload, the status and the reports.

import { Problem, file } from "./api.js";
import { announce, fill, h, icon, panel, save, unique } from "./dom.js";
import { BulkUpload } from "./bulk.js";
import { Reports } from "./reports.js";
import { events, loadSchools, loadServices, now, openWindow, schoolWords, secondsTo, state } from "./state.js";
import { SingleUpload, rosterWords } from "./upload.js";
import { duration, moment } from "./words.js";

const SPOKEN = [3600, 1800, 600, 300, 60]; // seconds before a close that are announced to a screen reader

/** The countdown to a service's deadline. It ticks, and asks for the calendar again when a window should have closed. */
class Deadline {
  #shown = "";
  #seconds = Infinity;

  constructor(service) {
    this.service = service;
    this.element = h("div", { class: "deadline" });
    this.left = h("strong", { class: "left" });
    events.addEventListener("services", () => this.draw());
    setInterval(() => this.draw(), 1000);
    this.draw();
  }

  draw() {
    const service = state.services.find((one) => one.service === this.service);
    const open = openWindow(service);
    const seconds = open ? secondsTo(open.closes) : Infinity;
    if (this.wasOpen && open?.number !== this.wasOpen) this.#turn();
    this.wasOpen = open?.number;
    const looks = JSON.stringify([open?.number, open?.closes, service.windows.map((one) => one.state)]);
    if (looks !== this.#shown) {
      this.#shown = looks;
      fill(this.element, open ? this.#open(open) : this.#closed(service));
    }
    if (!open) return;
    const words = `${duration(seconds)} left`;
    if (this.left.textContent !== words) this.left.textContent = words;
    this.element.classList.toggle("soon", seconds < 3600);
    for (const mark of SPOKEN) if (this.#seconds > mark && seconds <= mark && this.#seconds !== Infinity) announce(`${duration(mark)} left until window ${open.number} closes, at ${open.closes_words}.`);
    this.#seconds = seconds;
  }

  #turn() {
    announce(`Window ${this.wasOpen} has closed.`, true);
    loadServices().catch((error) => {
      if (!(error instanceof Problem)) throw error; // read again within the minute anyway
    });
  }

  #open(open) {
    return [
      icon("clock"),
      h("div", {},
        h("p", { class: "big" }, `Window ${open.number} is open until ${open.closes_words}. `, this.left),
        h("p", { class: "note" }, `London time. A file counts if all of it has reached us before then. Reports are available from ${open.reports_words}.`)),
    ];
  }

  #closed(service) {
    const next = service.windows.find((window) => Date.parse(window.opens) > now());
    const last = service.windows.findLast((window) => Date.parse(window.closes) <= now());
    return [
      icon("clock"),
      h("div", {},
        h("p", { class: "big" }, last ? `Window ${last.number} closed at ${last.closes_words}.` : "No window is open yet."),
        h("p", { class: "note" }, next ? `The next window opens at ${moment(next.opens)} (London time).` : "There is no later window of this service. Files can no longer be uploaded.")),
    ];
  }
}

/** The template's card: made from the roster as it is now, on each download. */
class Template {
  #busy = false;
  #school = "";

  constructor(service) {
    this.service = service;
    this.element = h("section", { class: "card", "aria-labelledby": `template-${service}` });
    events.addEventListener("schools", () => this.#words());
    this.said = h("p", { class: "said", role: "status" });
    this.note = h("p", { class: "note" });
    this.#draw();
  }

  #draw() {
    const service = state.services.find((one) => one.service === this.service);
    const schools = state.me.organisations.filter((one) => one.school);
    if (schools.length === 1) this.#school = schools[0].school;
    const id = unique("school");
    fill(this.element,
      h("h2", { id: `template-${this.service}` }, "Download your template"),
      h("p", {}, `An Excel file that already contains your current ${service.year_group} pupils. Add your teacher assessments and scaled scores, and save it on your computer.`),
      schools.length > 1 && h("div", { class: "field" }, h("label", { for: id }, "School"),
        h("select", { id, onchange: (event) => { this.#school = event.target.value; fill(this.said); this.#words(); } },
          h("option", { value: "" }, "Choose a school"),
          schools.map((one) => h("option", { value: one.school }, schoolWords(one.school))))),
      h("div", { class: "row" }, h("button", { type: "button", class: "plain", onclick: () => this.#download() }, icon("download"), "Download template")),
      this.said, this.note);
    this.#words();
  }

  #words() {
    const one = (state.schools.get(this.service) ?? []).find((school) => school.school === this.#school);
    fill(this.note, one ? `Your pupil list: ${rosterWords(one.roster)}. ` : "", "It can take up to 24 hours for a change in your MIS to be reflected in the template.");
  }

  async #download() {
    if (this.#busy) return;
    if (!this.#school) return void fill(this.said, "Please choose a school first.");
    this.#busy = true;
    fill(this.said, "Preparing the template …");
    try {
      const made = await file(`/services/${this.service}/template`, { school: this.#school });
      save(made.name, [made.blob]);
      fill(this.said, `${made.name} has been downloaded.`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(this.said, error.detail);
    } finally {
      this.#busy = false;
    }
  }
}

function notices(service) {
  return h("details", { class: "card", open: false },
    h("summary", {}, h("h2", {}, "Important: before you begin")),
    h("ul", {},
      h("li", {}, "The last file successfully submitted within the window is used to produce estimates and any reports. Upload your full cohort by the deadline."),
      h("li", {}, `Only pupils who are currently in your school's MIS are included in your template. You cannot add pupils to or delete pupils from your file. Bring your MIS up to date and download the template again: it can take up to 24 hours for changes to be reflected.`),
      h("li", {}, "Every file replaces the one before it completely. If you have results for two more pupils, upload a file with all of your pupils' results, not only the two."),
      h("li", {}, "If you have no data for a pupil, leave all the cells blank for that pupil. If a pupil has no scaled score, leave that cell blank."),
      h("li", {}, "Your MAT administrator can upload files on your behalf; the upload history shows who uploaded what and when.")),
    service.columns && codes(service));
}

function codes(service) {
  const assessments = service.columns.filter((column) => column.codes);
  const scores = service.columns.filter((column) => !column.codes);
  return [
    h("h3", {}, "Accepted codes"),
    h("ul", {}, assessments.map((column) => h("li", {}, h("b", {}, `${column.heading}: `), column.codes.join(", ")))),
    h("dl", { class: "codes" }, service.codes.map((one) => [h("dt", {}, one.code), h("dd", {}, one.meaning)])),
    scores.length > 0 && h("p", {}, `Scaled scores are whole numbers from ${scores[0].minimum} to ${scores[0].maximum}.`),
  ];
}

/** One service's tab. */
export class ServiceTab {
  constructor(service) {
    this.service = service;
    const { role } = state.me;
    this.deadline = new Deadline(service.service);
    this.template = new Template(service.service);
    this.upload = role === "trust" ? new BulkUpload(service.service) : new SingleUpload(service.service);
    this.reports = new Reports(service.service);
    this.element = h("div", {},
      this.deadline.element,
      this.reports.element,
      h("div", { class: "pair" },
        this.template.element,
        h("section", { class: "card", "aria-labelledby": `upload-${service.service}` },
          h("h2", { id: `upload-${service.service}` }, role === "trust" ? "Bulk upload" : "Upload XLSX"),
          h("p", {}, role === "trust"
            ? "Choose the completed files of your schools, all at once if you like. The DfE number in a file's name helps to recognise the school; the rows of the file decide."
            : "Choose your completed workbook, then select Upload. You may upload as often as you like: the latest successful file overwrites the one before."),
          this.upload.element)),
      this.upload.status,
      panel("info", "This is not your statutory return",
        h("p", {}, "This submission to FFT does NOT replace the statutory requirement to make a formal submission of results to the DfE via your LA. FFT does NOT pass on your file to your LA.")),
      notices(service));
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
