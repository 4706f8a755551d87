// Deleting an upload: what happens to which window's file and report is said before it is done.
//
//   if (await sureToDelete(row)) ...

import { ask } from "./ask.js";
import { h } from "./dom.js";
import { panel } from "./panels.js";
import { settings } from "./settings.js";
import { nameOf, schoolWords, serviceOf } from "./state.js";
import { lossOf } from "./windows.js";

/** Asks whether an upload of the history is to be deleted. */
export function sureToDelete(row) {
  const losses = (row.windows ?? []).filter((said) => said.counts).map((said) => lossOf(serviceOf(row.service), said));
  const school = row.school ? schoolWords(row.school) : "the school";
  return ask({
    title: "Delete this upload?",
    body: [
      h("p", { class: "filename" }, row.name),
      h("p", {}, `${nameOf(row.service)}.`),
      h("p", {}, `${settings.deleting}.`),
      losses.length > 0 &&
        panel(
          "warn",
          `This file counts for ${school}`,
          h(
            "ul",
            {},
            losses.map((words) => h("li", {}, words)),
          ),
          h("p", {}, "An older file does not come back."),
        ),
    ],
    yes: "Delete upload",
    danger: true,
  });
}
