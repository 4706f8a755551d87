// File names, before anything is sent: what the API takes, and the DfE number in them. Pure.
//
//   numberIn("123-1234 Holly Lane.xlsx") === "1231234"

import { settings } from "./settings.js";
import { count, list } from "./words.js";

/** The name as the API takes it: without control characters, and short enough for the metadata of an object. */
export function fitName(name) {
  const { limits } = settings;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  let fit = name.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, "_");
  if (!fit.trim()) fit = "unnamed.xlsx";
  const dot = fit.lastIndexOf(".");
  const ending = dot > 0 && fit.length - dot < 8 ? fit.slice(dot) : "";
  const stem = [...fit.slice(0, fit.length - ending.length)];
  while (
    encodeURIComponent(stem.join("") + ending).length > limits.name_bytes ||
    stem.join("").length + ending.length > limits.name_letters
  )
    stem.pop();
  return stem.join("") + ending;
}

/** The DfE number in a file name, `1231234`, `123-1234` or `123/1234`; null if there is none. */
export function numberIn(name) {
  const found = /(?<!\d)(\d{3})[-_/ ]?(\d{4})(?!\d)/.exec(name);
  return found ? found[1] + found[2] : null;
}

/** Files that a computer keeps beside a workbook: Excel's lock file, a Mac's companions. Nobody means to send them. */
const COMPANION = /^(~\$|\._)|^(\.DS_Store|Thumbs\.db|desktop\.ini)$/i;

/** The files that may be meant, and those that only came along. */
export function parted(all) {
  const came = (file) => COMPANION.test(file.name);
  return { files: all.filter((file) => !came(file)), companions: all.filter(came) };
}

/** `2 files were left out that your computer keeps beside a workbook: ~$results.xlsx and .DS_Store.` */
export function leftOutWords(companions) {
  if (!companions.length) return "";
  const names = [...new Set(companions.map((file) => file.name))];
  const shown = names.length > 4 ? [...names.slice(0, 3), "others"] : names;
  const were = companions.length === 1 ? "was" : "were";
  return (
    `${count(companions.length, "file")} ${were} left out that your computer keeps beside a workbook: ${list(shown)}.` +
    `${companions.some((file) => file.name.startsWith("~$")) ? " Close Excel before you upload." : ""}`
  );
}
