// A bulk's files on their way: a few side by side, those of one school one after the other, forms in batches.
//
//   await new Queue(service, lines).run()

import { Problem } from "./api.js";
import { askForms } from "./transfer.js";
import { nextOf } from "./turns.js";

const SIDE_BY_SIDE = 4;
const FORMS = 20; // asked for at a time: they live ten minutes, so never for the whole of a long queue

export class Queue {
  #waiting;
  #underway = new Set();
  #following = [];
  #asking = null;
  #moved = null; // resolves when a file is no longer under way

  constructor(service, lines) {
    this.service = service;
    this.#waiting = [...lines];
    this.#turn();
  }

  #turn() {
    const { promise, resolve } = Promise.withResolvers();
    this.#moved = { promise, resolve };
  }

  /** Ends when all bytes have gone their way; `judged` is a promise of all verdicts. */
  async run() {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => this.#work()));
    this.judged = Promise.all(this.#following);
  }

  async #work() {
    while (this.#waiting.length) {
      const line = nextOf(this.#waiting, [...this.#underway]);
      if (!line) {
        await this.#moved.promise;
        continue;
      }
      if (!line.transfer.form && !line.transfer.ended) {
        this.#asking ??= this.#issue().finally(() => {
          this.#asking = null;
        });
        await this.#asking;
        continue;
      }
      this.#waiting.splice(this.#waiting.indexOf(line), 1);
      if (line.transfer.ended) continue;
      this.#underway.add(line);
      await line.transfer.deliver();
      this.#underway.delete(line);
      this.#moved.resolve();
      this.#turn();
      if (!line.transfer.ended) this.#following.push(line.transfer.follow());
    }
  }

  async #issue() {
    const batch = this.#waiting.filter(({ transfer }) => !transfer.form && !transfer.ended).slice(0, FORMS);
    try {
      const files = batch.map((line) => line.file);
      const forms = await askForms(this.service, files);
      for (const [at, line] of batch.entries()) line.transfer.take(forms[at]);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      for (const line of batch) line.transfer.fail(error);
    }
  }
}
