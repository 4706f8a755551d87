// What the user is told by e-mail: a list to tick, kept as soon as it is saved.
//
//   await mailsDialog()

import { Problem, put } from "./api.js";
import { fill, h } from "./dom.js";
import { announce, panel } from "./panels.js";
import { form } from "./signin.js";
import { state } from "./state.js";

const KINDS = [
  ["verdict", "The verdict on each file that I send, with its receipt"],
  ["reminder", "Reminders five days, one day and two hours before a window closes, while no good file has come"],
  ["frozen", "What counts, once a window is closed for good"],
  ["report", "That a report can be downloaded"],
];

export function mailsDialog() {
  const boxes = new Map(KINDS.map(([kind]) => [kind, h("input", { type: "checkbox", id: `mail-${kind}` })]));
  for (const [kind, box] of boxes) box.checked = state.me.mail[kind];
  const wrong = h("div", {});
  const save = async () => {
    const wanted = Object.fromEntries([...boxes].map(([kind, box]) => [kind, box.checked]));
    try {
      state.me.mail = await put("/me/mail", wanted);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      return void fill(wrong, panel("bad", error.title, h("p", {}, error.detail)));
    }
    announce("Saved what you are told by e-mail.");
    dialog.close();
    return undefined;
  };
  const dialog = h(
    "dialog",
    { class: "ask", "aria-labelledby": "mails-title" },
    h("h2", { id: "mails-title", tabindex: "-1" }, "E-mails"),
    h("p", {}, `Sent to ${state.me.name}:`),
    wrong,
    form(
      KINDS.map(([kind, words]) => h("p", {}, h("label", {}, boxes.get(kind), " ", words))),
      "Save",
      save,
    ),
    h("p", {}, "If somebody else overwrites a file that you sent, you are always told."),
    h("p", {}, h("button", { type: "button", class: "plain", onclick: () => dialog.close() }, "Cancel")),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
