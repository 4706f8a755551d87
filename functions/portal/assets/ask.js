// A question in a dialog (https://www.w3.org/WAI/ARIA/apg/patterns/alertdialog/).
//
//   if (await ask({ title: "Delete this upload?", body, yes: "Delete upload", danger: true })) ...
//
// `missing` may say what the person has still to do before they can say yes, "" if it is nothing.

import { fill, h, unique } from "./dom.js";

/** Asks a question in a dialog and gives whether the answer was yes. The safe answer has the focus. */
export function ask({ title, body, yes, no = "Cancel", danger = false, missing = () => "" }) {
  return new Promise((resolve) => {
    const id = unique("ask");
    let answer = false;
    const said = h("p", { role: "status" });
    const dialog = h(
      "dialog",
      { "aria-labelledby": id, class: "ask" },
      h("h2", { id }, title),
      body,
      said,
      h(
        "div",
        { class: "row end" },
        h("button", { type: "button", class: "plain", autofocus: true, onclick: () => dialog.close() }, no),
        h(
          "button",
          {
            type: "button",
            class: danger ? "danger" : "main",
            onclick: () => {
              fill(said, missing());
              if (said.textContent) return;
              answer = true;
              dialog.close();
            },
          },
          yes,
        ),
      ),
    );
    dialog.addEventListener("change", () => fill(said)); // what was missing may be there now
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
