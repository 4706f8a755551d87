// What the uploader is told of a file that was judged: when it came, for which window, whether it counts.
//
//   receiptOf(upload)

import { h } from "./dom.js";
import { nameOf, schoolWords } from "./state.js";
import { moment } from "./words.js";

/** Prints the receipt alone, on one page to be kept. */
function printed(event) {
  const receipt = event.currentTarget.closest(".receipt");
  receipt.toggleAttribute("data-print", true);
  print();
  receipt.toggleAttribute("data-print", false);
}

export function receiptOf({
  reference,
  name,
  school,
  user,
  service,
  receipt,
  windows,
  repairs,
  corrected_from: first,
}) {
  if (!receipt) return null;
  return h(
    "section",
    { class: "receipt" },
    h("h3", {}, "Receipt"),
    (windows?.length ? windows : [receipt]).map((said) => h("p", {}, said.statement)),
    h(
      "dl",
      {},
      h("dt", {}, "Reference"),
      h("dd", {}, h("b", { class: "reference" }, reference)),
      first && [
        h("dt", {}, "Corrected from"),
        h("dd", {}, h("span", { class: "reference" }, first.reference), ", on this page"),
      ],
      h("dt", {}, "File"),
      h("dd", {}, name),
      school && [h("dt", {}, "School"), h("dd", {}, schoolWords(school))],
      h("dt", {}, "Uploaded by"),
      h("dd", {}, user),
      h("dt", {}, "Service"),
      h("dd", {}, nameOf(service)),
      h("dt", {}, "Received"),
      h("dd", {}, `${moment(receipt.received)} (London time)`),
      receipt.window && [h("dt", {}, "Window"), h("dd", {}, receipt.window)],
      receipt.sha256 && [h("dt", {}, "Fingerprint of the file (SHA-256)"), h("dd", { class: "hash" }, receipt.sha256)],
    ),
    repairs?.length > 0 && [
      h("p", {}, "This file was made of an export. You have said that these words of it stand for codes:"),
      h(
        "ul",
        {},
        repairs.map(({ column, word, code }) => h("li", {}, `${column}: “${word}” is ${code}`)),
      ),
    ],
    h("button", { type: "button", class: "plain", onclick: printed }, "Print this receipt"),
  );
}
