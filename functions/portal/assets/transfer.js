// One file's way: form, bytes, check, verdict. A lost connection, a reload or an impatient second click never makes a
// second upload: the same form is used again, and whatever came second to S3 under it changes nothing.
//
//   const transfer = new Transfer(service, file, 1, changed);  await transfer.run()

import { get, Problem, post } from "./api.js";
import { now, openWindow } from "./clock.js";
import { stillGood } from "./fates.js";
import { forget, remember, write } from "./kept.js";
import { fitName } from "./names.js";
import { Lost, Refused, readable, sendBytes } from "./send.js";
import { loadServices, serviceOf, tellUploads } from "./state.js";
import { SLOW, verdictOf } from "./verdicts.js";
import { closedAt, openUntil } from "./windows.js";

const RETRIES = [1000, 2000, 4000, 8000, 15_000];

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Forms for some files, in their order. Problem if no window is open or the user may not. */
export const askForms = (service, files) =>
  post("/uploads", { service, files: files.map((file) => ({ name: fitName(file.name), size: file.size })) });

/** One file on its way. `changed` is called whenever something that is shown has changed. */
export class Transfer {
  phase = "waiting"; // asking, sending, retrying, checking, done, failed
  progress = 0;
  slow = false;
  upload = null; // the upload in full, once there is a verdict
  problem = null; // {title, detail, again}: again says whether trying once more can help
  form = null;
  id = null;

  /** `window`: the number of the window that the user means the file for. It is never sent for another one. */
  constructor(service, file, window, changed) {
    this.service = service;
    this.file = file;
    this.name = file.name;
    this.size = file.size;
    this.window = window;
    this.meant = window; // the same, also when the user goes on with the next window
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

  /** Takes a form that was issued. `resumed`: an attempt was made with it before, and may have arrived. */
  take(form, resumed = false) {
    this.resumed = resumed;
    this.begun = resumed;
    this.id = form.upload_id;
    this.form = form;
    if (form.post) remember(this);
  }

  /** Once more: for the window that is open now, and with the same form while it is good. */
  again(changed) {
    const open = openWindow(serviceOf(this.service));
    const next = new Transfer(this.service, this.file, open?.number, changed);
    next.meant = this.meant;
    if (this.form?.post && stillGood(this.form, now())) next.take(this.form, this.begun);
    return next;
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
      if (!this.form.post) return;
      if ((this.form.window ?? this.window) !== this.window)
        await this.#closed("before it was sent. Nothing has been sent.");
      else if (!(this.resumed && (await this.#arrived()))) await this.#send();
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
    const [form] = await askForms(this.service, [this.file]);
    this.take(form);
  }

  async #send() {
    for (let attempt = 0; ; attempt++) {
      if (!(await readable(this.file)))
        return this.#fail(
          "The file cannot be read",
          "It was moved or saved again after you chose it. Choose the file again, and then select Upload.",
          false,
        );
      if (!stillGood(this.form, now(), 5000) && !(await this.#renew())) return undefined;
      this.progress = 0;
      this.begun = true;
      write(); // from here on the file may arrive, even if the page is left
      this.#set("sending");
      try {
        await sendBytes(this.file, this.form.post, (part) => {
          this.progress = part;
          this.changed(this);
        });
        return undefined;
      } catch (error) {
        if (error instanceof Refused) return this.#refused(error.code);
        if (!(error instanceof Lost)) throw error;
        if (attempt >= RETRIES.length)
          return this.#fail(
            "The connection was lost",
            "We do not know whether your file reached us. Check your internet connection, and then select Try again: " +
              "it goes on with the same upload, so that nothing is counted twice.",
          );
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
      return this.#fail(
        "This file is too large",
        "Download the template again, copy your results into it and upload that file.",
        false,
      );
    if (code === "AccessDenied" || code === "ExpiredToken" || code === "RequestExpired")
      return (await this.#renew()) ? this.#send() : undefined;
    return this.#unaccepted();
  }

  #unaccepted() {
    this.#fail(
      "The file was not accepted",
      "Something went wrong on our side while your file was being sent. Please try again; if it goes on, contact " +
        "support.",
    );
    return false;
  }

  /** A new form in place of an expired one, but never for another window than the one the user was uploading to. */
  async #renew() {
    await loadServices();
    const open = openWindow(serviceOf(this.service));
    if (open?.number !== this.window)
      return this.#closed("before the whole of this file had arrived. It was not received.");
    if (stillGood(this.form, now(), 5000)) return this.#unaccepted(); // so would a new form be
    forget(this.id); // the old form expires quietly: nothing arrived under it
    await this.#ask();
    return this.form.window === this.window || this.#closed("before it was sent. Nothing has been sent.");
  }

  /** The window that the user meant is over. The next one is the user's to choose. */
  async #closed(how) {
    await loadServices();
    const service = serviceOf(this.service);
    const open = openWindow(service);
    const next = open ? ` ${openUntil(open)} Select Try again to upload the file for window ${open.number}.` : "";
    if (this.form?.window !== open?.number) this.form = null;
    this.#fail(
      "The window closed before your file reached us",
      `${closedAt(service, this.window).slice(0, -1)}, ${how}${next}`,
      Boolean(open),
    );
    return false;
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
