// What a transfer is doing, in words and as a part of the whole. Pure.
//
//   const { label, value, words } = doing(transfer); `value` is null where no part is known

import { size } from "./words.js";

/** What is being done, for the label of a bar and for the words beside it. */
export function doing({ phase, progress, size: bytes }) {
  if (phase === "sending" && progress >= 1)
    return { label: "Sending", value: 1, words: "Sent. Waiting for it to be confirmed …" };
  if (phase === "sending") {
    const part = Math.floor(progress * 100); // 100% is said of the whole alone
    return { label: "Sending", value: progress, words: `Sending: ${part}% of ${size(bytes)}` };
  }
  if (phase === "retrying")
    return { label: "Sending", value: progress, words: "The connection was lost. Trying again by itself …" };
  if (phase === "checking")
    return {
      label: "Checking",
      value: null,
      words: "Received. Checking your file, which usually takes a few seconds …",
    };
  return { label: "Preparing", value: null, words: "Preparing …" };
}
