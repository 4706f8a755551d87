// The verdicts that are waited for, looked up together: 500 files do not ask 500 times a second.
//
//   const upload = await verdictOf(id);  const rows = await rowsOf(ids)

import { get, Problem } from "./api.js";
import { now } from "./clock.js";
import { fateOf, isJudged } from "./fates.js";

export const SLOW = 60_000; // a check that takes longer than this is explained
const FEW = 3; // files that are looked up one by one
const SIDE_BY_SIDE = 6;
const awaited = new Map(); // upload id -> {since, promise, resolve, reject}
let looking = false;
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The upload in full, once it has a verdict. Problem (404) if it is gone. Several may wait for one. */
export function verdictOf(id) {
  if (!awaited.has(id)) awaited.set(id, { since: Date.now(), ...Promise.withResolvers() });
  look();
  return awaited.get(id).promise;
}

/**
 * What becomes of an upload that a reload interrupted: its verdict, or null once it is certain that it did not arrive.
 * `told` is called with its fate whenever that is known or has changed.
 */
export async function becomes(left, told) {
  let said = null;
  for (let wait = 1000; ; wait = Math.min(wait * 1.5, 10_000)) {
    const upload = await one(left.id);
    const fate = upload === undefined ? "unknown" : fateOf(upload, left, now());
    if (fate !== said) told(fate, upload);
    said = fate;
    if (fate === "judged") return upload;
    if (fate === "checking") return verdictOf(left.id);
    if (fate === "lost" || fate === "gone") return null;
    await pause(wait);
  }
}

/** The rows of the history for some uploads, by id; an upload that is not listed any more has none. */
export async function rowsOf(ids) {
  const [oldest] = [...ids].sort();
  const wanted = new Set(ids);
  const found = new Map();
  let cursor = null;
  do {
    const page = await get("/uploads", { cursor }, 1);
    for (const row of page.uploads) if (wanted.has(row.upload_id)) found.set(row.upload_id, row);
    const last = page.uploads.at(-1)?.upload_id;
    cursor = last && last > oldest ? page.cursor : null;
  } while (cursor);
  return found;
}

/** One upload as it is: null if there is none, undefined if that cannot be told now. */
async function one(id) {
  try {
    return await get(`/uploads/${id}`, null, 1);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.status === 404 ? null : undefined;
  }
}

function delay() {
  const age = Date.now() - Math.max(...[...awaited.values()].map((waiting) => waiting.since));
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
    if (ids.length <= FEW) await Promise.all(ids.map(lookAt));
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
    if (isJudged(upload)) settle(id, "resolve", upload);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.status === 404 || error.status === 403) settle(id, "reject", error);
    // Anything else passes: it is looked up again in a moment.
  }
}

async function lookAtMany(ids) {
  let rows;
  try {
    rows = await rowsOf(ids);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return;
  }
  // What is not listed any more is gone: looked at by itself, it says so.
  const ready = ids.filter((id) => !rows.has(id) || isJudged(rows.get(id)));
  for (let at = 0; at < ready.length; at += SIDE_BY_SIDE)
    await Promise.all(ready.slice(at, at + SIDE_BY_SIDE).map(lookAt));
}
