// The way to matching an export: a link below the upload, and which files can only be one.
//
//   matchLink(() => ...);  isText(file)

import { h } from "./dom.js";

export const matchLink = (onclick) =>
  h(
    "p",
    {},
    h("button", { type: "button", class: "link", onclick }, "Your results are in a CSV file or an export of your MIS?"),
  );

/** Whether a file can only be an export: the check reads nothing but workbooks. */
export const isText = (file) => /\.(csv|tsv)$/i.test(file.name);
