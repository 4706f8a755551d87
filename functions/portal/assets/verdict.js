// What the check found: the guide's panels, findings grouped by rule, what changed, the receipt.

import { Problem, get } from "./api.js";
import { announce, download, fill, h, icon, panel } from "./dom.js";
import { count, moment } from "./words.js";
import { schoolWords, state } from "./state.js";

const SHOWN = 10;

/** The findings by rule and message, in the order they came: what a person corrects in one go. */
function grouped(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const key = `${finding.code}\n${finding.message}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return [...groups.values()];
}

const place = (finding) =>
  h("li", {},
    finding.column && h("span", {}, h("b", {}, "Column: "), finding.column),
    finding.row && h("span", {}, h("b", {}, "Row: "), finding.row),
    finding.cell && h("span", {}, h("b", {}, "Cell: "), finding.cell));

function group(findings, rules) {
  const [first] = findings;
  const places = findings.filter((finding) => finding.row || finding.column);
  return h("li", { class: "rule" },
    h("h3", {}, rules?.[first.code]?.title ?? first.code),
    h("p", {}, first.message),
    places.length > 0 && h("ul", { class: "places" }, places.map(place)));
}

const rulesOf = (findings, rules) => h("ul", { class: "rules" }, grouped(findings).map((one) => group(one, rules)));

/** A button that fetches a short-lived link and downloads from it; says why beside it if that fails. */
export function downloadButton(words, path, values, name = "download") {
  const said = h("span", { class: "said", role: "status" });
  const button = h("button", { type: "button", class: "plain", onclick: async () => {
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    fill(said, "Preparing …");
    try {
      download((await get(path, values)).url);
      fill(said);
      announce("The download has started.");
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      fill(said, error.detail);
    } finally {
      button.removeAttribute("aria-disabled");
    }
  } }, icon(name), words);
  return h("span", { class: "with-said" }, button, said);
}

function lists(upload, errors) {
  const total = (upload.counts?.errors ?? 0) + (upload.counts?.warnings ?? 0);
  if (!total) return null;
  const inside = upload.findings.some((finding) => finding.row || finding.column);
  const path = `/uploads/${upload.upload_id}/findings`;
  const kind = errors ? "errors" : "warnings";
  return [
    total > SHOWN && h("p", {}, `The first ${upload.findings.length} of ${total} are shown. Download the file below, which lists all of them.`),
    h("div", { class: "row" },
      inside && downloadButton(`Your workbook with the ${kind} marked (Excel)`, path, { format: "xlsx" }),
      (total > SHOWN || inside) && downloadButton(`List of all ${kind} (CSV)`, path, { format: "csv" })),
  ];
}

function changes(changed) {
  if (!changed) return null;
  const { added, changed: altered, removed, pupils } = changed;
  const total = added + altered + removed;
  if (!total) return h("p", {}, "Nothing has changed since your last good file: all the results are the same.");
  const line = (one) => [one.added && `${one.added} added`, one.changed && `${one.changed} changed`, one.removed && `${one.removed} removed`].filter(Boolean).join(", ");
  return h("section", { class: "changes" },
    h("h3", {}, "What changed since your last good file"),
    removed > 0 && panel("warn", `${count(removed, "result")} ${removed === 1 ? "was" : "were"} in your last file and ${removed === 1 ? "is" : "are"} not in this one`,
      h("p", {}, "This file replaces the last one completely. If you did not mean to remove results, put them back and upload the file again.")),
    h("p", {}, `${count(total, "result")} of ${count(pupils, "pupil")}: ${line(changed)}.`),
    h("ul", {}, changed.columns.map((one) => h("li", {}, `${one.column}: ${line(one)}`))));
}

function receiptOf(receipt, window) {
  if (!receipt) return null;
  const other = window && receipt.window && receipt.window !== window;
  return h("section", { class: "receipt" },
    other && panel("warn", `This file arrived after window ${window} had closed`, h("p", {}, `It was received for window ${receipt.window}.`)),
    h("h3", {}, "Receipt"),
    h("p", {}, receipt.statement),
    h("dl", {},
      h("dt", {}, "Received"), h("dd", {}, `${moment(receipt.received)} (London time)`),
      receipt.window && [h("dt", {}, "Window"), h("dd", {}, receipt.window)],
      receipt.sha256 && [h("dt", {}, "Fingerprint of the file (SHA-256)"), h("dd", { class: "hash" }, receipt.sha256)]));
}

/** Which file counts, now that this one does not: nobody should have to wonder. */
function stands(upload) {
  const school = (state.schools.get(upload.service) ?? []).find((one) => one.school === upload.school);
  if (!school) return null;
  const { current } = school;
  return h("p", {}, current
    ? ["The file that counts is still ", h("span", { class: "filename" }, current.name), `, uploaded by ${current.user}, received at ${moment(current.received)}.`]
    : "No file counts for this school yet.");
}

/** Whether a verdict was good. */
export const isGood = (upload) => ["SUCCESSFUL", "OVERWRITTEN", "PROCESSING"].includes(upload.status);

/** `2 errors`, `2 errors and 1 warning`, `no errors`. */
export function countWords(counts) {
  const said = [];
  if (counts?.errors) said.push(count(counts.errors, "error"));
  if (counts?.warnings) said.push(count(counts.warnings, "warning"));
  return said.join(" and ") || "no errors";
}

/** The verdict in full. `window` is the window that was open when Upload was selected, if that is known. */
export function verdict(upload, window) {
  const warnings = upload.findings.filter((finding) => upload.rules?.[finding.code]?.severity === "warning");
  const errors = upload.findings.filter((finding) => !warnings.includes(finding));
  const hiddenWarnings = (upload.counts?.warnings ?? 0) - warnings.length;
  const whose = upload.school ? h("p", {}, `${schoolWords(upload.school)}${upload.counts?.pupils ? ", " + count(upload.counts.pupils, "pupil") : ""}.`) : null;
  if (isGood(upload))
    return h("div", { class: "verdict" },
      panel("good", "File uploaded successfully",
        whose,
        h("p", {}, upload.status === "OVERWRITTEN" ? upload.next_step + "." : "If you need to make any changes to the template you can repeat the upload process and it will overwrite the file.")),
      warnings.length > 0 && h("section", {},
        h("h3", {}, `${count(upload.counts.warnings, "warning")}: please check, nothing is blocked`),
        rulesOf(warnings, upload.rules), lists(upload, false)),
      changes(upload.changes),
      receiptOf(upload.receipt, window));
  const ours = errors.some((finding) => finding.code === "could-not-process");
  return h("div", { class: "verdict" },
    panel(ours ? "warn" : "bad", ours ? "We could not process this file" : "File upload error",
      whose,
      !ours && h("p", {}, errors.length
        ? `${count(upload.counts.errors, "error")} found. This file will not be used. Correct ${upload.counts.errors === 1 ? "it" : "them"} in Excel, save the file and upload it again.`
        : `${upload.next_step}.`),
      stands(upload)),
    rulesOf(errors, upload.rules),
    warnings.length > 0 && [h("h3", {}, "Warnings: these do not stop the file"), rulesOf(warnings, upload.rules)],
    hiddenWarnings > 0 && h("p", { class: "note" }, `There ${hiddenWarnings === 1 ? "is" : "are"} also ${count(hiddenWarnings, "warning")} in the full list.`),
    lists(upload, true),
    receiptOf(upload.receipt, window));
}
