// What the whole page shares: who is asking, the services and their windows, the schools.
//
//   await loadServices();  events.addEventListener("services", draw)

import { get } from "./api.js";
import { setClock } from "./clock.js";
import { count } from "./words.js";

export const state = { me: null, services: [], schools: new Map() };

/** Events: "services" when the calendar was read again, "uploads" when histories or files may have changed. */
export const events = new EventTarget();
/** Tells everything on the page that shows such things. */
export const tellNow = (name) => events.dispatchEvent(new Event(name));
let told = -Infinity;
let telling = null;

/** Tells that uploads changed: at once, but five hundred verdicts do not read the history five hundred times. */
export function tellUploads() {
  if (telling) return;
  const wait = Math.max(0, told + 2000 - performance.now());
  telling = setTimeout(() => {
    telling = null;
    told = performance.now();
    tellNow("uploads");
  }, wait);
}

/** Who is asking; once a sign-in. */
export async function loadMe() {
  state.me = await get("/me");
}

/** The services with their windows, read again whenever they may have changed. */
export async function loadServices() {
  const asked = performance.now();
  const answer = await get("/services");
  setClock(answer.now, asked, performance.now());
  state.services = answer.services;
  tellNow("services");
}

/** The schools the user acts for, as they stand in a service: pupil list, good file. */
export async function loadSchools(service) {
  const { schools } = await get(`/services/${service}/schools`);
  state.schools.set(service, schools);
  return schools;
}

/** `Phonics 2026`: what people call a service; its own name where the page does not know it. */
export function nameOf(name) {
  const service = serviceOf(name);
  return service ? `${service.short_title} ${service.year}` : name;
}

export const serviceOf = (name) => state.services.find((service) => service.service === name);

/** `Holly Lane Primary School (1231234)`, or the number alone where no name is known. */
export function schoolWords(number) {
  if (!number) return "";
  const found = state.me.organisations.find((one) => one.school === number);
  return found?.name ? `${found.name} (${number})` : number;
}

/** How many of a trust's schools have a good file, for its administrators. */
export function coverage(service) {
  const schools = state.schools.get(service) ?? [];
  const missing = schools.filter((one) => !one.current);
  return {
    schools,
    missing,
    words:
      `${schools.length - missing.length} of ${count(schools.length, "school")} ` +
      `${schools.length === 1 ? "has" : "have"} a good file.`,
  };
}
