// What the pictures and statuses of the history mean, in the guide's words.
//
//   card.append(legend())

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { settings } from "./settings.js";

/** What the pictures and statuses mean, in the guide's words. */
export function legend() {
  return h(
    "details",
    {},
    h("summary", {}, "What the icons and statuses mean"),
    h(
      "dl",
      { class: "legend" },
      settings.legend.map(([picture, word, meaning]) => [h("dt", {}, icon(picture), word), h("dd", {}, meaning)]),
    ),
    h(
      "p",
      { class: "note" },
      "All users can download a file; only the user who uploaded a file can delete it. The word “Counts” marks " +
        "the file that is used for the school's report.",
    ),
  );
}
