// A place to drop files on, or to choose them with.
//
//   dropZone("or drop your workbook here", false, ([file]) => ...)

import { h, unique } from "./dom.js";
import { icon } from "./icons.js";
import { announce } from "./panels.js";

const ACCEPT = ".xlsx,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** A place to drop files on or choose them with; `chosen` is called with the files. */
export function dropZone(words, many, chosen) {
  const id = unique("files");
  const input = h("input", {
    id,
    type: "file",
    accept: ACCEPT,
    multiple: many,
    class: "quiet",
    onchange: () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again after it was corrected
      if (files.length) chosen(files);
    },
  });
  let depth = 0;
  const over = (change) => (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    depth = Math.max(0, depth + change);
    zone.classList.toggle("over", depth > 0);
  };
  const zone = h(
    "div",
    {
      class: "drop",
      ondragenter: over(1),
      ondragleave: over(-1),
      ondragover: over(0),
      ondrop: (event) => {
        event.preventDefault();
        depth = 0;
        zone.classList.remove("over");
        const entries = [...event.dataTransfer.items].filter(
          (item) => item.kind === "file" && !item.webkitGetAsEntry?.()?.isDirectory,
        );
        const files = entries.map((item) => item.getAsFile()).filter(Boolean);
        if (files.length) chosen(many ? files : files.slice(0, 1), files.length);
        else announce("Please drop files, not folders.", true);
      },
    },
    input,
    h("label", { for: id, class: "button plain" }, icon("upload"), many ? "Choose files" : "Choose file"),
    h("span", { class: "note" }, words),
  );
  return zone;
}
