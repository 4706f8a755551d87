// File names, before anything is sent: what the API takes, and the DfE number in them. Pure.
//
//   numberIn("123-1234 Holly Lane.xlsx") === "1231234"

/** The name as the API takes it: without control characters, and short enough for the metadata of an object. */
export function fitName(name) {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  let fit = name.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, "_");
  if (!fit.trim()) fit = "unnamed.xlsx";
  const dot = fit.lastIndexOf(".");
  const ending = dot > 0 && fit.length - dot < 8 ? fit.slice(dot) : "";
  const stem = [...fit.slice(0, fit.length - ending.length)];
  while (encodeURIComponent(stem.join("") + ending).length > 1500 || stem.join("").length + ending.length > 255)
    stem.pop();
  return stem.join("") + ending;
}

/** The DfE number in a file name, `1231234`, `123-1234` or `123/1234`; null if there is none. */
export function numberIn(name) {
  const found = /(?<!\d)(\d{3})[-_/ ]?(\d{4})(?!\d)/.exec(name);
  return found ? found[1] + found[2] : null;
}

export function repeated(lines) {
  const seen = new Set();
  const twice = new Set();
  for (const { number } of lines) if (number) (seen.has(number) ? twice : seen).add(number);
  return [...twice];
}
