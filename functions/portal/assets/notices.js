// What to know before one begins, and the accepted codes.
//
//   notices(service)

import { h } from "./dom.js";

export function notices(service) {
  return h(
    "details",
    { class: "card", open: false },
    h("summary", {}, h("h2", {}, "Important: before you begin")),
    h(
      "ul",
      {},
      h(
        "li",
        {},
        "The last file successfully submitted within the window is used to produce estimates and any reports. " +
          "Upload your full cohort by the deadline.",
      ),
      h(
        "li",
        {},
        `Only pupils who are currently in your school's MIS are included in your template. You cannot add pupils ` +
          `to or delete pupils from your file. Bring your MIS up to date and download the template again: it can ` +
          `take up to 24 hours for changes to be reflected.`,
      ),
      h(
        "li",
        {},
        "Every file replaces the one before it completely. If you have results for two more pupils, upload a file " +
          "with all of your pupils' results, not only the two.",
      ),
      h(
        "li",
        {},
        "If you have no data for a pupil, leave all the cells blank for that pupil. If a pupil has no result in a " +
          "column, leave that cell blank.",
      ),
      h(
        "li",
        {},
        "Your MAT administrator can upload files on your behalf; the upload history shows who uploaded what and when.",
      ),
    ),
    service.columns && codes(service),
  );
}

/** What a column takes: `85 to 115`, `GDS, EXS`, or either. */
function accepted(column) {
  const numbers = column.maximum === undefined ? [] : [`a whole number from ${column.minimum} to ${column.maximum}`];
  return [...numbers, ...(column.codes ? [column.codes.join(", ")] : [])].join("; or ");
}

function codes(service) {
  return [
    h("h3", {}, "Accepted results"),
    h(
      "ul",
      {},
      service.columns.map((column) => h("li", {}, h("b", {}, `${column.heading}: `), accepted(column))),
    ),
    h(
      "dl",
      { class: "codes" },
      service.codes.map((one) => [h("dt", {}, one.code), h("dd", {}, one.meaning)]),
    ),
  ];
}
