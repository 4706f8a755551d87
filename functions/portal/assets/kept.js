// What is on its way, kept in this tab for a page that is reloaded in the middle.
//
//   remember(transfer); ...; forget(id), and after a reload: interrupted(service)

import { now } from "./clock.js";
import { stillGood } from "./fates.js";
import { email } from "./session.js";

const KEPT = "early-results.sending";

const inFlight = new Map();

addEventListener("beforeunload", (event) => {
  if ([...inFlight.values()].some((one) => one.phase === "sending" || one.phase === "retrying")) event.preventDefault();
});

/** Writes down what is on its way as it is now. */
export function write() {
  const kept = [...inFlight.values()].map((one) => ({
    id: one.id,
    name: one.name,
    size: one.size,
    modified: one.file.lastModified,
    service: one.service,
    window: one.window,
    expires: one.form.expires_at,
    begun: one.begun,
    arrived: one.phase === "checking", // S3 said so
    form: one.phase === "checking" ? null : one.form,
  }));
  if (kept.length) sessionStorage.setItem(KEPT, JSON.stringify({ email: email(), kept }));
  else sessionStorage.removeItem(KEPT);
}

/** From now on this transfer is on its way. */
export function remember(transfer) {
  inFlight.set(transfer.id, transfer);
  write();
}

/** It is no longer. */
export function forget(id) {
  if (inFlight.delete(id)) write();
}

function left() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEPT));
    sessionStorage.removeItem(KEPT);
    return found?.email === email() ? found.kept : [];
  } catch {
    return []; // somebody else's words
  }
}

let leftBehind = null;

/** A service's uploads that were on their way when the page was left. */
export function interrupted(service) {
  leftBehind ??= left();
  return leftBehind.filter((one) => one.service === service);
}

/** Whether a chosen file can go on with the form of an interrupted upload: it is the same file, and there is time. */
export const goesOn = (left, file) =>
  Boolean(left.form?.post) &&
  stillGood(left.form, now()) &&
  left.name === file.name &&
  left.size === file.size &&
  left.modified === file.lastModified;
