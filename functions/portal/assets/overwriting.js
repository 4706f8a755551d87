// Whose file would be overwritten, and which window is meant by now: what is said before anything is sent.
//
//   const { title, detail } = overwritingWords(current, open);  fileWords(name)

import { h } from "./dom.js";
import { closedAt, openUntil } from "./windows.js";
import { moment } from "./words.js";

/** `File: results.xlsx` */
export const fileWords = (name) => h("p", {}, h("b", {}, "File: "), h("span", { class: "filename" }, name));

/** What a good file would do to the one that counts, and to which window's. `current` may be null. */
export function overwritingWords(current, open) {
  if (!current) return { title: "", detail: "" };
  const { name, user, received, window } = current;
  const whose = `${name}, uploaded by ${user} at ${moment(received)}`;
  const carried = open && window && window !== open.number;
  return {
    title: `${user} has uploaded ${name}`,
    detail: carried
      ? `If your file passes the checks, it will be used for window ${open.number} instead of ${whose}, which is ` +
        `otherwise carried forward. What was used for window ${window} stays as it is.`
      : `If your file passes the checks, it will overwrite ${whose}.`,
  };
}

/** That the window which the user had in mind is over. */
export const turnedWords = (service, meant, open) => ({
  title: `Window ${meant} has closed`,
  detail:
    `${closedAt(service, meant)} Your file has not been sent. ${openUntil(open)} If you upload it now, it counts ` +
    `for window ${open.number}.`,
});
