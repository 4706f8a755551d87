// What the pictures and statuses of the history mean, in the guide's words.
//
//   card.append(legend())

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { DELETE_WORDS } from "./statuses.js";

/** What the pictures and statuses mean, in the guide's words. */
export function legend() {
  const rows = [
    ["download", "Download", "Download your submitted template - useful if corrections to results are required"],
    [
      "tick",
      "Successful",
      "This data will be used to generate reports on the published date and new Y3 estimates generated in the " +
        "autumn term",
    ],
    [
      "overwritten",
      "Overwritten",
      "This file has been overwritten so reports will no longer be generated from its data",
    ],
    ["wait", "Processing", "Report generation is in progress for this file"],
    [
      "cross",
      "Upload error",
      "This file contains errors and will not be used to generate a report/ there is an error in the report " +
        "creation process. View the error(s) in the file upload details",
    ],
    ["bin", "Delete upload", DELETE_WORDS.slice(0, -1)],
  ];
  return h(
    "details",
    {},
    h("summary", {}, "What the icons and statuses mean"),
    h(
      "dl",
      { class: "legend" },
      rows.map(([picture, word, meaning]) => [h("dt", {}, icon(picture), word), h("dd", {}, meaning)]),
    ),
    h(
      "p",
      { class: "note" },
      "All users can download a file; only the user who uploaded a file can delete it. The word “Counts” marks " +
        "the file that is used for the school's report.",
    ),
  );
}
