// The template's card: a workbook made from the roster as it is now, on each download.
//
//   new Template(service).element

import { file, Problem } from "./api.js";
import { fill, h, unique } from "./dom.js";
import { icon } from "./icons.js";
import { save } from "./saving.js";
import { events, schoolWords, state } from "./state.js";
import { count, moment } from "./words.js";

/** The template's card: made from the roster as it is now, on each download. */
export class Template {
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
    fill(
      this.element,
      h("h2", { id: `template-${this.service}` }, "Download your template"),
      h(
        "p",
        {},
        `An Excel file that already contains your current ${service.year_group} pupils. Add your results, and ` +
          "save it on your computer.",
      ),
      schools.length > 1 &&
        h(
          "div",
          { class: "field" },
          h("label", { for: id }, "School"),
          h(
            "select",
            {
              id,
              onchange: (event) => {
                this.#school = event.target.value;
                fill(this.said);
                this.#words();
              },
            },
            h("option", { value: "" }, "Choose a school"),
            schools.map((one) => h("option", { value: one.school }, schoolWords(one.school))),
          ),
        ),
      h(
        "div",
        { class: "row" },
        h(
          "button",
          { type: "button", class: "plain", onclick: () => this.#download() },
          icon("download"),
          "Download template",
        ),
      ),
      this.said,
      this.note,
    );
    this.#words();
  }

  #words() {
    const one = (state.schools.get(this.service) ?? []).find((school) => school.school === this.#school);
    fill(
      this.note,
      one ? `Your pupil list: ${rosterWords(one.roster)}. ` : "",
      "It can take up to 24 hours for a change in your MIS to be reflected in the template.",
    );
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

/** `3 pupils, list of 9.05am on ...` for the template's note. */
const rosterWords = (roster) =>
  roster
    ? `${count(roster.pupils, "pupil")}, as your MIS had them at ${moment(roster.made)}`
    : "We hold no pupil list for this school yet.";
