// What is said to the user: coloured panels to see, announcements to hear.
//
//   fill(place, panel("bad", "File upload error", h("p", {}, "...")));  announce("File upload error", true)

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** Says something to people who use a screen reader, without moving the focus. */
export function announce(words, urgent = false) {
  const region = document.getElementById(urgent ? "urgent" : "polite");
  region.textContent = "";
  setTimeout(() => (region.textContent = words), 60);
}

/** A coloured panel with an icon and a heading: kind is good, bad, warn, info or wait. */
export function panel(kind, title, ...body) {
  const picture = { good: "tick", bad: "cross", warn: "warning", info: "info", wait: "wait" }[kind];
  return h(
    "div",
    { class: `panel ${kind}` },
    h("p", { class: "panel-title" }, icon(picture), h("strong", {}, title)),
    ...body,
  );
}
