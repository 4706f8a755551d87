// Files that the browser saves.
//
//   download(url) for a link of the API's; save("a.csv", [text], "text/csv") for what this page made

import { h } from "./dom.js";

/** Sends the browser to a download without leaving the page. */
export function download(url, name) {
  const link = h("a", { href: url, download: name ?? "", rel: "noopener" });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Saves bytes or text made on this page as a file. */
export function save(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
