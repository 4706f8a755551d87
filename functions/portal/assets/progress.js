// What a transfer is doing, on the page.
//
//   fill(line, progressOf(transfer))

import { doing } from "./doing.js";
import { h } from "./dom.js";
import { panel } from "./panels.js";

/** What a transfer is doing. */
export function progressOf(transfer) {
  const { label, value, words } = doing(transfer);
  return [h("progress", { max: 1, value, "aria-label": label }), h("span", {}, words)];
}

/** The words of an Upload button, and whether it does anything; it keeps the focus either way. */
export function setReady(button, ready, words) {
  if (ready) button.removeAttribute("aria-disabled");
  else button.setAttribute("aria-disabled", "true");
  if (button.textContent !== words) button.textContent = words;
}

/** What is said once a check takes longer than a minute. */
export const slowWords = (service) =>
  panel(
    "wait",
    "This is taking longer than usual",
    h(
      "p",
      {},
      "Your file has arrived and is safe, and the time that it arrived is what counts. You do not need to upload it " +
        "again. We are still checking it, and this page will show the result by itself. You may also close the page: " +
        "the result will be in the upload history below.",
    ),
    h(
      "p",
      {},
      `If there is no result after 15 minutes, contact support: ${service.support.email}, ` +
        `${service.support.telephone}.`,
    ),
  );
