// What the uploader is told of a file that was judged: when it came, for which window, whether it counts.
//
//   receiptOf(upload.receipt, upload.service, window)

import { h } from "./dom.js";
import { panel } from "./panels.js";
import { nameOf } from "./state.js";
import { moment } from "./words.js";

export function receiptOf(receipt, service, window) {
  if (!receipt) return null;
  const other = window && receipt.window && receipt.window !== window;
  return h(
    "section",
    { class: "receipt" },
    other &&
      panel(
        "warn",
        `This file arrived after window ${window} had closed`,
        h("p", {}, `It was received for window ${receipt.window}.`),
      ),
    h("h3", {}, "Receipt"),
    h("p", {}, receipt.statement),
    h(
      "dl",
      {},
      h("dt", {}, "Service"),
      h("dd", {}, nameOf(service)),
      h("dt", {}, "Received"),
      h("dd", {}, `${moment(receipt.received)} (London time)`),
      receipt.window && [h("dt", {}, "Window"), h("dd", {}, receipt.window)],
      receipt.sha256 && [h("dt", {}, "Fingerprint of the file (SHA-256)"), h("dd", { class: "hash" }, receipt.sha256)],
    ),
  );
}
