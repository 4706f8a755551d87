// The countdown to a service's deadline, by the service's own clock.
//
//   new Deadline(service).element

import { Problem } from "./api.js";
import { now, openWindow, secondsTo } from "./clock.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { announce, panel } from "./panels.js";
import { events, loadServices, state } from "./state.js";
import { duration, moment } from "./words.js";

const SPOKEN = [3600, 1800, 600, 300, 60]; // seconds before a close that are announced to a screen reader

/** The countdown to a service's deadline. It ticks, and reads the calendar again when a window should have closed. */
export class Deadline {
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
    for (const mark of SPOKEN)
      if (this.#seconds > mark && seconds <= mark && this.#seconds !== Infinity)
        announce(`${duration(mark)} left until window ${open.number} closes, at ${open.closes_words}.`);
    this.#seconds = seconds;
  }

  #turn() {
    announce(`Window ${this.wasOpen} has closed.`, true);
    loadServices().catch((error) => {
      if (!(error instanceof Problem)) throw error; // the next look reads it
    });
  }

  #open(open) {
    return [
      icon("clock"),
      h(
        "div",
        {},
        h("p", { class: "big" }, `Window ${open.number} is open until ${open.closes_words}. `, this.left),
        h(
          "p",
          { class: "note" },
          `London time. A file counts if all of it has reached us before then. Reports are available from ` +
            `${open.reports_words}.`,
        ),
      ),
    ];
  }

  #closed(service) {
    const next = service.windows.find((window) => Date.parse(window.opens) > now());
    const last = service.windows.findLast((window) => Date.parse(window.closes) <= now());
    return [
      icon("clock"),
      h(
        "div",
        {},
        h(
          "p",
          { class: "big" },
          last ? `Window ${last.number} closed at ${last.closes_words}.` : "No window is open yet.",
        ),
        h(
          "p",
          { class: "note" },
          next
            ? `The next window opens at ${moment(next.opens)} (London time).`
            : "There is no later window of this service. Files can no longer be uploaded.",
        ),
      ),
    ];
  }
}

/** Why nothing can be uploaded, where no window is open. */
export function closedPanel(service) {
  const next = service.windows.find((window) => secondsTo(window.opens) > 0);
  const words = next
    ? `The next window opens at ${moment(next.opens)} (London time).`
    : "The last window of this service has closed.";
  return panel("info", "Files cannot be uploaded at the moment", h("p", {}, words));
}
