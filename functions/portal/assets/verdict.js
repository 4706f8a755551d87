// The verdict in full, in the guide's words: the panel, the findings, what changed, the receipt.
//
//   fill(place, verdict(upload, window))

import { changes } from "./changes.js";
import { openWindow } from "./clock.js";
import { h } from "./dom.js";
import { lists, rulesOf } from "./findings.js";
import { isGood } from "./outcome.js";
import { panel } from "./panels.js";
import { receiptOf } from "./receipt.js";
import { schoolWords, serviceOf, state } from "./state.js";
import { closedAt } from "./windows.js";
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
          "The file that counts is ",
          h("span", { class: "filename" }, current.name),
          `, uploaded by ${current.user}, received at ${moment(current.received)}.`,
        ]
      : "No file counts for this school yet.",
  );
}

/** That the window which the user meant was over, and which one the file was received for instead. */
function turnedPanel({ service, receipt }, meant) {
  if (!meant || !receipt?.window || receipt.window === meant) return null;
  const counts = receipt.counts ? "It counts" : "It was received";
  const detail = `This file reached us after that. ${counts} for window ${receipt.window}.`;
  return panel("warn", closedAt(serviceOf(service), meant), h("p", {}, detail));
}

/** A good file: whether it still is the school's, and what can be done. */
function goodPanel(upload, whose) {
  const counts = (upload.windows ?? []).some((said) => said.counts);
  const changeable = upload.status === "SUCCESSFUL" && openWindow(serviceOf(upload.service));
  const words = changeable
    ? "If you need to make any changes to the template you can repeat the upload process and it will overwrite " +
      "the file."
    : `${upload.next_step}.`;
  const title = counts ? "File uploaded successfully" : "This file was uploaded successfully, but does not count now";
  return panel(counts ? "good" : "info", title, whose, h("p", {}, words), !counts && stands(upload));
}

const IN_RESULTS = new Set([
  "code-not-accepted",
  "scaled-score-range",
  "cell-error",
  "formula-not-calculated",
  "pupil-missing",
]);

const canCorrect = ({ school, service }, errors) =>
  errors.some((finding) => IN_RESULTS.has(finding.code)) &&
  state.me.organisations.some((one) => one.school && one.school === school) &&
  Boolean(openWindow(serviceOf(service)));

/** Where the errors are in results: that they can be corrected without Excel. */
function correctHere(upload, errors) {
  if (!canCorrect(upload, errors)) return null;
  const correct = async () => {
    const live = button.closest(".live"); // this button may have been drawn anew by then
    const { corrected } = await import("./correct.js");
    const detail = await corrected(upload);
    const here = live.querySelector("[data-key=correct]");
    if (detail) live.dispatchEvent(new CustomEvent("verdict", { detail }));
    else here?.focus();
  };
  const button = h(
    "button",
    { type: "button", class: "main", "data-key": "correct", onclick: correct },
    "Correct it here",
  );
  return h("p", {}, button);
}

/** The verdict in full. `meant`: the number of the window that the user meant the file for, if that is known. */
export function verdict(upload, meant) {
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
  const turned = turnedPanel(upload, meant);
  if (isGood(upload))
    return h(
      "div",
      { class: "verdict" },
      turned,
      goodPanel(upload, whose),
      warnings.length > 0 &&
        h(
          "section",
          {},
          h("h3", {}, `${count(upload.counts.warnings, "warning")}: please check, nothing is blocked`),
          rulesOf(warnings, upload.rules),
          lists(upload, false),
        ),
      changes(upload.changes),
      receiptOf(upload),
    );
  const ours = errors.some((finding) => finding.code === "could-not-process");
  return h(
    "div",
    { class: "verdict" },
    turned,
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
                `${upload.counts.errors === 1 ? "it" : "them"} in Excel, save the file and upload it again` +
                `${canCorrect(upload, errors) ? ", or correct them on this page." : "."}`
            : `${upload.next_step}.`,
        ),
      stands(upload),
    ),
    correctHere(upload, errors),
    rulesOf(errors, upload.rules),
    warnings.length > 0 && [h("h3", {}, "Warnings: these do not stop the file"), rulesOf(warnings, upload.rules)],
    hiddenWarnings > 0 &&
      h(
        "p",
        { class: "note" },
        `There ${hiddenWarnings === 1 ? "is" : "are"} also ${count(hiddenWarnings, "warning")} in the full list.`,
      ),
    lists(upload, true),
    receiptOf(upload),
  );
}
