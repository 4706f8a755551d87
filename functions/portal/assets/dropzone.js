// A place to drop files on, or to choose them with.
//
//   dropZone("or drop your workbook here", false, ([file]) => ...)

import { fill, h, unique } from "./dom.js";
import { icon } from "./icons.js";
import { leftOutWords, parted } from "./names.js";
import { announce } from "./panels.js";
import { settings } from "./settings.js";

/** A place to drop files on or choose them with; `chosen` is called with the files. */
export function dropZone(words, many, chosen) {
  const id = unique("files");
  const input = h("input", {
    id,
    type: "file",
    accept: `.xlsx,.csv,${settings.workbook}`,
    multiple: many,
    class: "quiet",
    onchange: () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again after it was corrected
      give(files);
    },
  });
  const left = h("p", { class: "note", role: "status" });
  /** Gives on what can be a workbook, and says what was left out: such files come along with a folder unseen. */
  const give = (all) => {
    const { files, companions } = parted(all);
    fill(left, leftOutWords(companions));
    if (files.length) chosen(many ? files : files.slice(0, 1), files.length);
    else if (!companions.length) announce("There are no files in what was dropped.", true);
  };
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
      ondrop: async (event) => {
        event.preventDefault();
        depth = 0;
        zone.classList.remove("over");
        give(await filesOf(event.dataTransfer));
      },
    },
    input,
    h("label", { for: id, class: "button plain" }, icon("upload"), many ? "Choose files" : "Choose file"),
    h("span", { class: "note" }, words),
    left,
  );
  return zone;
}

/** The files that were dropped, those of folders and of folders in them included. */
async function filesOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile()); // now: later they are gone
  return (await Promise.all(entries.map(filesIn))).flat().filter(Boolean);
}

async function filesIn(entry) {
  if (!entry?.isDirectory) return entry?.isFile ? [await new Promise((got, not) => entry.file(got, not))] : [entry];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((got, not) => reader.readEntries(got, not)); // a hundred at a time
    if (!some.length) return (await Promise.all(found.map(filesIn))).flat();
    found.push(...some);
  }
}
