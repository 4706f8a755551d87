// After a reload in the middle of a bulk: what became of the files that were on their way, as it becomes known.
//
//   await cameOf(place, left, mayGoOn)

import { now } from "./clock.js";
import { fill, h } from "./dom.js";
import { knownBy } from "./fates.js";
import { countWords, isGood, why } from "./outcome.js";
import { announce, panel } from "./panels.js";
import { becomes } from "./verdicts.js";
import { count, moment } from "./words.js";

const WORDS = {
  checking: "received, and being checked",
  unknown: "not known yet whether it has reached us",
  lost: "not received: choose it again",
  gone: "not received: choose it again",
};

/** `mayGoOn(one, yes)` is told whether a file chosen again goes on with its form: yes while nothing is known of it. */
export async function cameOf(place, left, mayGoOn) {
  const fates = new Map(left.map((one) => [one, { fate: "unknown" }]));
  const draw = () => fill(place, drawn(fates));
  for (const one of left) mayGoOn(one, true); // before it is shown: whoever reads it may choose at once
  draw();
  await Promise.all(
    left.map(async (one) => {
      const upload = await becomes(one, (fate) => {
        fates.set(one, { fate });
        mayGoOn(one, fate !== "judged" && fate !== "checking");
        draw();
      });
      if (upload) {
        fates.set(one, { fate: "judged", upload });
        mayGoOn(one, false);
      }
      draw();
    }),
  );
  announce(titleOf([...fates.values()]));
}

const of = (all, ...fates) => all.filter(({ fate }) => fates.includes(fate)).length;

function titleOf(all) {
  const [unknown, checking, lost] = [of(all, "unknown"), of(all, "checking"), of(all, "lost", "gone")];
  if (unknown) return `It is not known yet whether ${count(unknown, "file")} reached us`;
  if (checking) return `${count(checking, "file")} ${checking === 1 ? "is" : "are"} being checked`;
  if (lost) return `${count(lost, "file")} did not arrive`;
  return "The files that were on their way have arrived";
}

function drawn(fates) {
  const all = [...fates.values()];
  const kind = of(all, "unknown", "checking") ? "wait" : of(all, "lost", "gone") ? "warn" : "good";
  const waited = [...fates].filter(([, { fate }]) => fate === "unknown").map(([one]) => knownBy(one));
  const until = Math.max(0, ...waited);
  return panel(
    kind,
    titleOf(all),
    h("p", {}, "The page was left while files were being uploaded. What is found out is shown here by itself."),
    until > now() &&
      h(
        "p",
        {},
        "You may also choose a file again that is not known to have reached us, and select Upload: it goes on with " +
          `the same upload, so that nothing is counted twice. We will know for certain by ${moment(until)}.`,
      ),
    h(
      "ul",
      { class: "scroll" },
      [...fates].map(([one, state]) => h("li", {}, h("span", { class: "filename" }, one.name), `: ${wordsOf(state)}`)),
    ),
    h("p", {}, "Choose any file that had not had its turn."),
  );
}

function wordsOf({ fate, upload }) {
  if (!upload) return WORDS[fate] ?? "received";
  return isGood(upload) ? `uploaded successfully, ${countWords(upload.counts)}` : `upload error, ${why(upload)}`;
}
