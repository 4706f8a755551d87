// A verdict that stays true: read again whenever files may have changed, for as long as it is on the page.
//
//   place.append(new LiveVerdict(upload, meant).element)

import { get, Problem } from "./api.js";
import { openWindow } from "./clock.js";
import { fill, h } from "./dom.js";
import { countWords } from "./outcome.js";
import { announce, panel } from "./panels.js";
import { events, serviceOf, state } from "./state.js";
import { verdict } from "./verdict.js";

/** All that a verdict is drawn from: what the API says of the upload, and which file its school has by now. */
const looksOf = (upload) => {
  const schools = state.schools.get(upload.service) ?? [];
  const open = openWindow(serviceOf(upload.service));
  return JSON.stringify([upload, schools.find((one) => one.school === upload.school)?.current, open?.number]);
};

/** Names the pupils, once there is a verdict to name them in. */
const tellPupils = async (upload) => (await import("./pupils.js")).tellPupils(upload);

/** Details by what their summaries say, so that those stay open which a person has opened. */
const summaries = (element, which) =>
  new Map([...element.querySelectorAll(which)].map((one) => [one.querySelector("summary").textContent, one]));

export class LiveVerdict {
  /** `meant`: the number of the window that the user meant the file for, if that is known. */
  constructor(upload, meant) {
    this.upload = upload;
    this.meant = meant;
    this.looks = looksOf(upload);
    this.element = h("div", { class: "live" }, verdict(upload, meant));
    tellPupils(upload);
    this.element.addEventListener("verdict", ({ detail }) => this.#become(detail));
    this.listener = () => this.#again();
    events.addEventListener("schools", this.listener);
  }

  /** A corrected file has its verdict: whoever shows this one may show that one, or else it is shown here. */
  #become(detail) {
    const told = new CustomEvent("corrected", { bubbles: true, cancelable: true, detail });
    if (!this.element.dispatchEvent(told)) return;
    this.upload = detail;
    this.looks = looksOf(detail);
    this.meant = openWindow(serviceOf(detail.service))?.number;
    fill(this.element, verdict(detail, this.meant));
    tellPupils(detail);
    announce(`${detail.name} has been checked: ${countWords(detail.counts)}.`, true);
  }

  /** What was put off the page for good needs no truth. */
  end() {
    events.removeEventListener("schools", this.listener);
  }

  async #again() {
    if (!this.element.isConnected) return this.end();
    try {
      const upload = await get(`/uploads/${this.upload.upload_id}`, null, 1);
      const looks = looksOf(upload);
      if (looks === this.looks) return undefined;
      this.looks = looks;
      this.upload = upload;
      const open = summaries(this.element, "details[open]");
      fill(this.element, verdict(upload, this.meant));
      await tellPupils(upload);
      for (const [words, details] of summaries(this.element, "details")) details.open ||= open.has(words);
      announce(`What is said of ${upload.name} has changed.`);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      if (error.status !== 404) return undefined; // it is looked at again with the next change
      this.end();
      fill(this.element, panel("info", "This upload has been deleted", h("p", {}, "It counts nowhere any more.")));
      announce(`${this.upload.name} has been deleted.`);
    }
    return undefined;
  }
}
