// The verdict in full, in the guide's words: the panel, the findings, what changed, the receipt.
//
//   fill(place, verdict(upload, window))

import { changes } from "./changes.js";
import { h } from "./dom.js";
import { lists, rulesOf } from "./findings.js";
import { isGood } from "./outcome.js";
import { panel } from "./panels.js";
import { receiptOf } from "./receipt.js";
import { schoolWords, state } from "./state.js";
import { count, moment } from "./words.js";

/** Which file counts, now that this one does not: nobody should have to wonder. */
function stands(upload) {
  const school = (state.schools.get(upload.service) ?? []).find((one) => one.school === upload.school);
  if (!school) return null;
  const { current } = school;
  return h(
    "p",
    {},
    current
      ? [
          "The file that counts is still ",
          h("span", { class: "filename" }, current.name),
          `, uploaded by ${current.user}, received at ${moment(current.received)}.`,
        ]
      : "No file counts for this school yet.",
  );
}

/** The verdict in full. `window` is the window that was open when Upload was selected, if that is known. */
export function verdict(upload, window) {
  const warnings = upload.findings.filter((finding) => upload.rules?.[finding.code]?.severity === "warning");
  const errors = upload.findings.filter((finding) => !warnings.includes(finding));
  const hiddenWarnings = (upload.counts?.warnings ?? 0) - warnings.length;
  const whose = upload.school
    ? h(
        "p",
        {},
        `${schoolWords(upload.school)}${upload.counts?.pupils ? ", " + count(upload.counts.pupils, "pupil") : ""}.`,
      )
    : null;
  if (isGood(upload))
    return h(
      "div",
      { class: "verdict" },
      panel(
        "good",
        "File uploaded successfully",
        whose,
        h(
          "p",
          {},
          upload.status === "OVERWRITTEN"
            ? upload.next_step + "."
            : "If you need to make any changes to the template you can repeat the upload process and it will " +
                "overwrite the file.",
        ),
      ),
      warnings.length > 0 &&
        h(
          "section",
          {},
          h("h3", {}, `${count(upload.counts.warnings, "warning")}: please check, nothing is blocked`),
          rulesOf(warnings, upload.rules),
          lists(upload, false),
        ),
      changes(upload.changes),
      receiptOf(upload.receipt, upload.service, window),
    );
  const ours = errors.some((finding) => finding.code === "could-not-process");
  return h(
    "div",
    { class: "verdict" },
    panel(
      ours ? "warn" : "bad",
      ours ? "We could not process this file" : "File upload error",
      whose,
      !ours &&
        h(
          "p",
          {},
          errors.length
            ? `${count(upload.counts.errors, "error")} found. This file will not be used. Correct ` +
                `${upload.counts.errors === 1 ? "it" : "them"} in Excel, save the file and upload it again.`
            : `${upload.next_step}.`,
        ),
      stands(upload),
    ),
    rulesOf(errors, upload.rules),
    warnings.length > 0 && [h("h3", {}, "Warnings: these do not stop the file"), rulesOf(warnings, upload.rules)],
    hiddenWarnings > 0 &&
      h(
        "p",
        { class: "note" },
        `There ${hiddenWarnings === 1 ? "is" : "are"} also ${count(hiddenWarnings, "warning")} in the full list.`,
      ),
    lists(upload, true),
    receiptOf(upload.receipt, upload.service, window),
  );
}
