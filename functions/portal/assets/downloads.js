// A button that fetches a short-lived link and downloads from it; says why beside it if that fails.
//
//   downloadButton("Report (PDF)", path, { format: "pdf" })

import { get, Problem } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./panels.js";
import { download } from "./saving.js";

/** A button that fetches a short-lived link and downloads from it; says why beside it if that fails. */
export function downloadButton(words, path, values, name = "download") {
  const said = h("span", { class: "said", role: "status" });
  const button = h(
    "button",
    {
      type: "button",
      class: "plain",
      onclick: async () => {
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
      },
    },
    icon(name),
    words,
  );
  return h("span", { class: "with-said" }, button, said);
}
