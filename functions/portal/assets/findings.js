// The findings grouped by rule, and their downloads.
//
//   rulesOf(errors, upload.rules), lists(upload, true)

import { h } from "./dom.js";
import { downloadButton } from "./downloads.js";
import { grouped } from "./outcome.js";

const slots = new WeakMap(); // a finding: where its pupil and its value, or its pupils, are told once they are known

/** Where it is told whom a finding is about: before and after its place, or below its words. */
export const slotsOf = (finding) => slots.get(finding);

function slotted(finding) {
  slots.set(finding, { before: h("span", {}), after: h("span", {}), below: h("div", {}) });
  return slots.get(finding);
}

const place = (finding) =>
  h(
    "li",
    {},
    slotsOf(finding).before,
    finding.column && h("span", {}, h("b", {}, "Column: "), finding.column),
    finding.row && h("span", {}, h("b", {}, "Row: "), finding.row),
    finding.cell && h("span", {}, h("b", {}, "Cell: "), finding.cell),
    slotsOf(finding).after,
  );

function group(findings, rules) {
  const [first] = findings;
  findings.forEach(slotted);
  const places = findings.filter((finding) => finding.row || finding.column);
  return h(
    "li",
    { class: "rule" },
    h("h3", {}, rules?.[first.code]?.title ?? first.code),
    h("p", {}, first.message),
    places.length > 0 && h("ul", { class: "places" }, places.map(place)),
    slotsOf(first).below,
  );
}

export const rulesOf = (findings, rules) =>
  h(
    "ul",
    { class: "rules" },
    grouped(findings).map((one) => group(one, rules)),
  );

export function lists(upload, errors) {
  const total = (upload.counts?.errors ?? 0) + (upload.counts?.warnings ?? 0);
  if (!total) return null;
  const inside = upload.findings.some((finding) => finding.row || finding.column);
  const path = `/uploads/${upload.upload_id}/findings`;
  const kind = errors ? "errors" : "warnings";
  return [
    total > upload.findings.length &&
      h(
        "p",
        {},
        `The first ${upload.findings.length} of ${total} are shown. Download the file below, which lists all of them.`,
      ),
    h(
      "div",
      { class: "row" },
      inside && downloadButton(`Your workbook with the ${kind} marked (Excel)`, path, { format: "xlsx" }),
      (total > upload.findings.length || inside) &&
        downloadButton(`List of all ${kind} (CSV)`, path, { format: "csv" }),
    ),
  ];
}
