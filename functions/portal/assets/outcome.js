// A verdict in a few words. Pure.
//
//   isGood(upload), countWords(upload.counts), why(upload), grouped(upload.findings)

import { count } from "./words.js";

/** Whether a verdict was good. */
export const isGood = (upload) => ["SUCCESSFUL", "OVERWRITTEN", "PROCESSING"].includes(upload.status);

/** `2 errors`, `2 errors and 1 warning`, `no errors`. */
export function countWords(counts) {
  const said = [];
  if (counts?.errors) said.push(count(counts.errors, "error"));
  if (counts?.warnings) said.push(count(counts.warnings, "warning"));
  return said.join(" and ") || "no errors";
}

/** The findings by rule and message, in the order they came: what a person corrects in one go. */
export function grouped(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const key = `${finding.code}\n${finding.message}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return [...groups.values()];
}

/** `Another school's file`, `Two pupils alike and 2 other kinds of error`. */
export function why(upload) {
  const titles = [
    ...new Set(
      upload.findings
        .filter((one) => upload.rules[one.code]?.severity === "error")
        .map((one) => upload.rules[one.code].title),
    ),
  ];
  if (!titles.length) return upload.next_step;
  return titles.length === 1 ? titles[0] : `${titles[0]} and ${count(titles.length - 1, "other kind")} of error`;
}
