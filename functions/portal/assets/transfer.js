// One file's way: form, bytes, check, verdict. A lost connection, a reload or an impatient second click never makes a
// second upload: the same form is used again, and whatever came second to S3 under it changes nothing.

import { Problem, get, post } from "./api.js";
import { email } from "./session.js";
import { loadServices, now, openWindow, serviceOf, tellUploads } from "./state.js";

const STALLED = 60_000; // milliseconds without a byte moving before a connection counts as lost
const RETRIES = [1000, 2000, 4000, 8000, 15_000];
const SLOW = 60_000; // a check that takes longer than this is explained
const PENDING = new Set(["AWAITING_UPLOAD", "CHECKING"]);
const KEPT = "early-results.sending";
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The connection broke while bytes were on their way. */
class Lost extends Error {}

/** S3 refused the form: `code` is its own word for why. */
class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** The name as the API takes it: without control characters, and short enough for the metadata of an object. */
export function fitName(name) {
  let fit = name.toWellFormed().replace(/[\u0000-\u001f\u007f]/g, "_");
  if (!fit.trim()) fit = "unnamed.xlsx";
  const dot = fit.lastIndexOf(".");
  const ending = dot > 0 && fit.length - dot < 8 ? fit.slice(dot) : "";
  const stem = [...fit.slice(0, fit.length - ending.length)];
  while (encodeURIComponent(stem.join("") + ending).length > 1500 || stem.join("").length + ending.length > 255) stem.pop();
  return stem.join("") + ending;
}

/** Forms for some files, in their order. Problem if no window is open or the user may not. */
export const askForms = (service, files) =>
  post("/uploads", { service, files: files.map((file) => ({ name: fitName(file.name), size: file.size })) });

async function readable(file) {
  try {
    await file.slice(0, 1).arrayBuffer();
    return true;
  } catch {
    return false; // moved, deleted or saved again since it was chosen
  }
}

function sendBytes(file, form, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const data = new FormData();
    for (const [name, value] of Object.entries(form.fields)) data.append(name, value);
    data.append("file", file, "file.xlsx");
    let watch;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => request.abort(), STALLED);
    };
    const end = (settle) => () => {
      clearTimeout(watch);
      settle();
    };
    request.upload.onprogress = (event) => {
      alive();
      if (event.lengthComputable) onProgress(Math.min(event.loaded / event.total, 1));
    };
    request.onload = end(() => {
      if (request.status >= 200 && request.status < 300) resolve();
      else if (request.status >= 500) reject(new Lost());
      else reject(new Refused(/<Code>(\w+)<\/Code>/.exec(request.responseText)?.[1] ?? `status ${request.status}`));
    });
    request.onerror = request.onabort = request.ontimeout = end(() => reject(new Lost()));
    signal?.addEventListener("abort", () => request.abort());
    request.open("POST", form.url);
    alive();
    request.send(data);
  });
}

/** One file on its way. `changed` is called whenever something that is shown has changed. */
export class Transfer {
  phase = "waiting"; // asking, sending, retrying, checking, done, failed
  progress = 0;
  slow = false;
  upload = null; // the upload in full, once there is a verdict
  problem = null; // {title, detail, again}: again says whether trying once more can help
  form = null;
  id = null;

  constructor(service, file, changed) {
    this.service = service;
    this.file = file;
    this.name = file.name;
    this.size = file.size;
    this.changed = changed;
  }

  #set(phase) {
    this.phase = phase;
    this.changed(this);
  }

  #fail(title, detail, again = true) {
    this.problem = { title, detail, again };
    this.#set("failed");
    forget(this.id);
  }

  get ended() {
    return this.phase === "done" || this.phase === "failed";
  }

  /** Takes a form that was issued; `window` is the window that was open then. */
  take(form, window, resumed = false) {
    this.resumed = resumed; // an attempt was made with this form before, and may have arrived
    this.id = form.upload_id;
    this.form = form;
    this.window = window;
    if (form.post) remember(this);
  }

  /** The whole way, to the verdict or to a failure that is explained. */
  async run() {
    await this.deliver();
    if (!this.ended) await this.follow();
  }

  /** The bytes' way. Ends in a failure that is explained, or with the file received. */
  async deliver() {
    try {
      if (!this.form) await this.#ask();
      if (!this.form?.post) return;
      if (!(this.resumed && (await this.#arrived()))) await this.#send();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends in a failure that the API explained. Anything else is ours, and is thrown on. */
  fail(error) {
    if (!(error instanceof Problem)) throw error;
    this.#fail(error.title, error.detail, error.status === 0 || error.status >= 429);
  }

  async #ask() {
    this.#set("asking");
    const window = openWindow(serviceOf(this.service))?.number;
    const [form] = await askForms(this.service, [this.file]);
    this.take(form, window);
  }

  async #send() {
    for (let attempt = 0; ; attempt++) {
      if (!(await readable(this.file)))
        return this.#fail("The file cannot be read", "It was moved or saved again after you chose it. Choose the file again, and then select Upload.", false);
      if (Date.parse(this.form.expires_at) < now() + 5000 && !(await this.#renew())) return undefined;
      this.progress = 0;
      this.#set("sending");
      try {
        await sendBytes(this.file, this.form.post, (part) => {
          const whole = part >= 1 && this.progress < 1;
          this.progress = part;
          if (whole) write(); // from here on the file may arrive, even if the page is left
          this.changed(this);
        });
        return undefined;
      } catch (error) {
        if (error instanceof Refused) return this.#refused(error.code);
        if (!(error instanceof Lost)) throw error;
        if (attempt >= RETRIES.length)
          return this.#fail("The connection was lost", "Your file did not reach us. Check your internet connection, and then select Try again.");
      }
      this.#set("retrying");
      await pause(RETRIES[attempt]);
      if (await this.#arrived()) return undefined;
    }
  }

  /** Whether the bytes had arrived after all, when only the answer was lost. */
  async #arrived() {
    try {
      const { status } = await get(`/uploads/${this.id}`, null, 1);
      return status !== "AWAITING_UPLOAD";
    } catch (error) {
      if (error instanceof Problem && (error.status === 0 || error.status >= 500)) return false;
      throw error;
    }
  }

  async #refused(code) {
    if (code === "EntityTooLarge")
      return this.#fail("This file is too large", "Download the template again, copy your results into it and upload that file.", false);
    if (code === "AccessDenied" || code === "ExpiredToken" || code === "RequestExpired") return (await this.#renew()) ? this.#send() : undefined;
    return this.#unaccepted();
  }

  #unaccepted() {
    this.#fail("The file was not accepted", "Something went wrong on our side while your file was being sent. Please try again; if it goes on, contact support.");
    return false;
  }

  /** A new form in place of an expired one, but never for another window than the one the user was uploading to. */
  async #renew() {
    await loadServices();
    const service = serviceOf(this.service);
    const open = openWindow(service);
    if (open?.number !== this.window) {
      const closed = service.windows.find((one) => one.number === this.window);
      const next = open
        ? ` Window ${open.number} is open until ${open.closes_words}: select Try again to upload the file for that window.`
        : "";
      this.form = null;
      this.#fail(
        "The window closed before your file reached us",
        `Window ${this.window} closed at ${closed?.closes_words ?? "its deadline"} (London time), before the whole of this file had arrived. It was not received.${next}`,
        Boolean(open));
      return false;
    }
    if (Date.parse(this.form.expires_at) > now() + 5000) return this.#unaccepted(); // a new form would be refused as well
    forget(this.id); // the old form expires quietly: nothing arrived under it
    await this.#ask();
    return true;
  }

  /** Waits for the verdict. After a minute it says what is happening; it goes on looking. */
  async follow() {
    this.#set("checking");
    write();
    tellUploads(); // the attempt is in the history from now on
    const slow = setTimeout(() => {
      this.slow = true;
      this.changed(this);
    }, SLOW);
    try {
      this.upload = await verdictOf(this.id);
      tellUploads();
      this.#set("done");
    } catch (error) {
      this.fail(error);
    } finally {
      clearTimeout(slow);
      forget(this.id);
    }
  }
}

// The verdicts that are waited for, looked up together: five hundred files do not ask five hundred times a second.

const awaited = new Map(); // upload id -> {since, resolve, reject}
let looking = false;

const RETURNING = 15_000; // milliseconds that a reloaded page looks for a file that may have arrived

/** What became of an interrupted upload: its verdict, or null if it did not arrive. */
export function cameOf(left) {
  const gone = pause(left.whole ? RETURNING : 0).then(() => (awaited.delete(left.id), null));
  return Promise.race([gone, verdictOf(left.id).catch((error) => {
    if (!(error instanceof Problem)) throw error;
    return null;
  })]);
}

/** The upload in full, once it has a verdict. Problem (404) if it is gone. */
export function verdictOf(id) {
  return new Promise((resolve, reject) => {
    awaited.set(id, { since: Date.now(), resolve, reject });
    look();
  });
}

function delay() {
  const age = Date.now() - Math.max(...[...awaited.values()].map((one) => one.since));
  if (age < 3000) return 500;
  if (age < 15_000) return 1000;
  if (age < SLOW) return 3000;
  return 10_000;
}

async function look() {
  if (looking) return;
  looking = true;
  while (awaited.size) {
    await pause(delay());
    const ids = [...awaited.keys()];
    if (ids.length <= 3) await Promise.all(ids.map(lookAt));
    else await lookAtMany(ids);
  }
  looking = false;
}

function settle(id, how, value) {
  const waiting = awaited.get(id);
  awaited.delete(id);
  waiting?.[how](value);
}

async function lookAt(id) {
  try {
    const upload = await get(`/uploads/${id}`, null, 1);
    if (!PENDING.has(upload.status)) settle(id, "resolve", upload);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404 || error.status === 403) settle(id, "reject", error);
    // Anything else passes: it is looked up again in a moment.
  }
}

async function lookAtMany(ids) {
  const oldest = ids.reduce((a, b) => (a < b ? a : b));
  const wanted = new Set(ids);
  const judged = [];
  let cursor = null;
  try {
    do {
      const page = await get("/uploads", { cursor }, 1);
      for (const one of page.uploads) if (wanted.has(one.upload_id) && !PENDING.has(one.status)) judged.push(one.upload_id);
      const last = page.uploads.at(-1)?.upload_id;
      cursor = last && last > oldest ? page.cursor : null;
    } while (cursor);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  for (let at = 0; at < judged.length; at += 6) await Promise.all(judged.slice(at, at + 6).map(lookAt));
}

// What was on its way, for a page that is reloaded in the middle.

const inFlight = new Map();
addEventListener("beforeunload", (event) => {
  if ([...inFlight.values()].some((one) => one.phase === "sending" || one.phase === "retrying")) event.preventDefault();
});

function write() {
  const kept = [...inFlight.values()].map((one) => ({
    id: one.id, name: one.name, size: one.size, modified: one.file.lastModified, service: one.service, window: one.window,
    whole: one.progress >= 1 || one.phase === "checking", form: one.phase === "checking" ? null : one.form,
  }));
  if (kept.length) sessionStorage.setItem(KEPT, JSON.stringify({ email: email(), kept }));
  else sessionStorage.removeItem(KEPT);
}

function remember(transfer) {
  inFlight.set(transfer.id, transfer);
  write();
}

function forget(id) {
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

/** A service's uploads that were on their way when the page was left. `whole`: all of it was sent. */
export function interrupted(service) {
  leftBehind ??= left();
  return leftBehind.filter((one) => one.service === service);
}

/** Whether a chosen file can go on with the form of an interrupted upload: it is the same file, and there is time. */
export const goesOn = (left, file) =>
  Boolean(left.form?.post) && Date.parse(left.form.expires_at) > now() + 30_000 &&
  left.name === file.name && left.size === file.size && left.modified === file.lastModified;
