// The verdicts that are waited for, looked up together: 500 files do not ask 500 times a second.
//
//   const upload = await verdictOf(id)

import { get, Problem } from "./api.js";
import { pause } from "./transfer.js";

export const SLOW = 60_000; // a check that takes longer than this is explained
const PENDING = new Set(["AWAITING_UPLOAD", "CHECKING"]);

// The verdicts that are waited for, looked up together: five hundred files do not ask five hundred times a second.

const awaited = new Map(); // upload id -> {since, resolve, reject}
let looking = false;
const RETURNING = 15_000; // milliseconds that a reloaded page looks for a file that may have arrived

/** What became of an interrupted upload: its verdict, or null if it did not arrive. */
export function cameOf(left) {
  const gone = pause(left.whole ? RETURNING : 0).then(() => {
    awaited.delete(left.id);
    return null;
  });
  return Promise.race([
    gone,
    verdictOf(left.id).catch((error) => {
      if (!(error instanceof Problem)) throw error;
      return null;
    }),
  ]);
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

export function settle(id, how, value) {
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
  const [oldest] = [...ids].sort();
  const wanted = new Set(ids);
  const judged = [];
  let cursor = null;
  try {
    do {
      const page = await get("/uploads", { cursor }, 1);
      for (const one of page.uploads)
        if (wanted.has(one.upload_id) && !PENDING.has(one.status)) judged.push(one.upload_id);
      const last = page.uploads.at(-1)?.upload_id;
      cursor = last && last > oldest ? page.cursor : null;
    } while (cursor);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
  for (let at = 0; at < judged.length; at += 6) await Promise.all(judged.slice(at, at + 6).map(lookAt));
}
