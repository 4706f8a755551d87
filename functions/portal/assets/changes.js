// What changed since the last good file.
//
//   changes(upload.changes)

import { h } from "./dom.js";
import { panel } from "./panels.js";
import { count } from "./words.js";

const slots = new WeakMap(); // changes: where each is told by pupil, once they are known

/** Where each of an upload's changes is told by pupil. */
export const slotOfChanges = (changed) => slots.get(changed);

export function changes(changed) {
  if (!changed) return null;
  const { added, changed: altered, removed, pupils } = changed;
  const total = added + altered + removed;
  if (!total) return h("p", {}, "Nothing has changed since your last good file: all the results are the same.");
  const line = (one) =>
    [
      one.added && `${one.added} added`,
      one.changed && `${one.changed} changed`,
      one.removed && `${one.removed} removed`,
    ]
      .filter(Boolean)
      .join(", ");
  slots.set(changed, h("div", {}));
  return h(
    "section",
    { class: "changes" },
    h("h3", {}, "What changed since your last good file"),
    removed > 0 &&
      panel(
        "warn",
        `${count(removed, "result")} ${removed === 1 ? "was" : "were"} in your last file and ` +
          `${removed === 1 ? "is" : "are"} not in this one`,
        h(
          "p",
          {},
          "This file replaces the last one completely. If you did not mean to remove results, put them back and " +
            "upload the file again.",
        ),
      ),
    h("p", {}, `${count(total, "result")} of ${count(pupils, "pupil")}: ${line(changed)}.`),
    h(
      "ul",
      {},
      changed.columns.map((one) => h("li", {}, `${one.column}: ${line(one)}`)),
    ),
    slotOfChanges(changed),
  );
}
