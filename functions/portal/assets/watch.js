// Keeps the page true: asks, by one small conditional request, whether others changed anything, and reads again what
// they did. Every 15 seconds while somebody is at the page, less often once it is left alone, never while it is hidden.
//
//   watch(service); ...; await lookNow() before something is said that must be true at this moment

import { getUnless, Problem } from "./api.js";
import { pace, QUICK } from "./pace.js";
import { loadSchools, loadServices, state, tellNow } from "./state.js";

const ASLEEP = 5000; // milliseconds that two clocks part only while the computer sleeps
const names = new Map(); // service -> the state that is shown
let service = null;
let timer = null;
let touched = 0;
let looking = null;
let parted = Date.now() - performance.now();

/** Keeps the page true in what concerns this service, from now on. */
export function watch(name) {
  if (service === null) listen();
  service = name;
  return look();
}

/** Looks now, and resolves once the page says what was so at this moment or after it. */
export async function lookNow() {
  await looking; // that one may have asked too early
  await look();
}

function look() {
  looking ??= lookOnce().finally(() => {
    looking = null;
    plan();
  });
  return looking;
}

async function lookOnce() {
  const asked = service;
  try {
    const slept = Date.now() - performance.now() - parted;
    parted += slept;
    if (Math.abs(slept) > ASLEEP) await loadServices();
    const answer = await getUnless(`/services/${asked}/changes`, names.get(asked));
    if (!answer) return;
    const first = !names.has(asked);
    await loadSchools(asked);
    if (!first) await loadServices();
    names.set(asked, answer.tag); // only now: what could not be read is asked for again
    tellNow("schools");
    if (!first) tellNow("uploads");
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // the page goes on with what it knows, and asks again
  }
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden && state.me) timer = setTimeout(look, pace(performance.now() - touched));
}

function listen() {
  const touch = () => {
    const away = performance.now() - touched;
    touched = performance.now();
    if (pace(away) > QUICK) look();
  };
  touched = performance.now();
  for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "touchstart", "focus"])
    addEventListener(name, touch, { passive: true });
  document.addEventListener("visibilitychange", async () => {
    clearTimeout(timer);
    if (document.hidden) return;
    touched = performance.now();
    try {
      await loadServices(); // a page that was away knows neither the hour nor the calendar
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    look();
  });
}
