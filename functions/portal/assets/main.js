// The page's start: signing in, who it is, and which screen.

import { Problem } from "./api.js";
import { announce, fill, h, panel } from "./dom.js";
import { Board } from "./board.js";
import { ServiceTab } from "./exchange.js";
import { History } from "./history.js";
import { configure, email, isSignedIn, signOut } from "./session.js";
import { askAgain, signInForm } from "./signin.js";
import { events, loadMe, loadServices, state } from "./state.js";

const main = document.getElementById("main");
const MINUTE = 60_000;

addEventListener("unhandledrejection", (event) => oops(event.reason));
addEventListener("error", (event) => oops(event.error));
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault()); // a file dropped beside its place must not replace the page

/** Something on this page failed that should not: said, never hidden. */
function oops(reason) {
  console.error(reason);
  document.getElementById("oops")?.remove();
  const again = h("button", { type: "button", class: "plain", onclick: () => location.reload() }, "Reload the page");
  main.prepend(h("div", { id: "oops" }, panel("bad", "Something on this page went wrong", h("p", {}, "Nothing you uploaded has been lost. Please reload the page. If it goes on, contact support."), again)));
  announce("Something on this page went wrong. Please reload the page.", true);
}

async function start() {
  try {
    const response = await fetch(new URL("config.json", import.meta.url));
    if (!response.ok) throw new Error(`settings: ${response.status}`);
    configure(await response.json(), askAgain);
  } catch (error) {
    console.error(error);
    const again = h("button", { type: "button", class: "main", onclick: () => location.reload() }, "Try again");
    return void fill(main, panel("bad", "Early Results could not be loaded", h("p", {}, "Check your internet connection, and then try again."), again));
  }
  if (isSignedIn()) await enter();
  else signInScreen();
  return undefined;
}

function signInScreen() {
  fill(document.getElementById("who"));
  document.title = "Sign in - Early Results";
  const place = h("div", {});
  fill(main, h("div", { class: "card narrow" }, place));
  signInForm(place, enter);
}

function footer() {
  const [service] = state.services;
  const { email: address, telephone, hours } = service.support;
  fill(document.getElementById("footer"),
    h("h2", {}, "Further help and support"),
    h("p", {}, "Our support team can take you through the process step by step."),
    h("dl", {},
      h("dt", {}, "Email"), h("dd", {}, h("a", { href: `mailto:${address}` }, address)),
      h("dt", {}, "Telephone"), h("dd", {}, telephone),
      h("dt", {}, "Hours"), h("dd", {}, hours.map((line) => h("span", { class: "block" }, line))),
      h("dt", {}, "For programs"), h("dd", {}, h("a", { href: "api/openapi.json", type: "application/json" }, "The API's contract (OpenAPI)"))));
}

function header() {
  const own = state.me.organisations.find((one) => one.organisation === state.me.organisation);
  const role = { school: "School administrator", trust: "Trust administrator", operator: "Operator" }[state.me.role];
  fill(document.getElementById("who"),
    h("span", { class: "organisation" }, own?.name || role),
    h("span", { class: "user" }, email()),
    h("button", { type: "button", class: "plain", onclick: async () => {
      await signOut();
      sessionStorage.clear();
      location.reload();
    } }, "Sign out"));
}

async function enter() {
  fill(main, h("p", {}, "Loading …"));
  try {
    await Promise.all([loadMe(), loadServices()]);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return void fill(main, panel("bad", error.title, h("p", {}, error.detail)),
      h("div", { class: "row" },
        h("button", { type: "button", class: "main", onclick: () => enter() }, "Try again"),
        h("button", { type: "button", class: "plain", onclick: async () => { await signOut(); location.reload(); } }, "Sign out")));
  }
  header();
  footer();
  document.title = state.me.role === "operator" ? "Deadline board - Early Results" : "File exchange - Early Results";
  if (state.me.role === "operator") fill(main, new Board().element);
  else exchange();
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true }); // what had the focus is gone: a screen reader goes on from here
  setInterval(refresh, MINUTE);
  document.addEventListener("visibilitychange", () => document.hidden || refresh());
  return undefined;
}

async function refresh() {
  try {
    await loadServices();
  } catch (error) {
    if (!(error instanceof Problem)) throw error; // the countdown goes on with what it knows
  }
}

/** A tab a service, by the pattern that screen readers know: arrow keys move, one tab stop. */
function exchange() {
  const tabs = state.services.map((service) => ({ service, label: service.title.replace("Early Results ", ""), made: null }));
  const history = new History();
  const buttons = tabs.map((tab, at) =>
    h("button", { type: "button", role: "tab", id: `tab-${tab.service.service}`, "aria-controls": `panel-${tab.service.service}`, onclick: () => show(at), onkeydown: (event) => {
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      show((to + tabs.length) % tabs.length, true);
    } }, tab.label));
  const panels = tabs.map((tab) => h("div", { role: "tabpanel", id: `panel-${tab.service.service}`, "aria-labelledby": `tab-${tab.service.service}`, hidden: true }));
  function show(at, focus = false) {
    tabs.forEach((tab, index) => {
      buttons[index].setAttribute("aria-selected", String(index === at));
      buttons[index].tabIndex = index === at ? 0 : -1;
      panels[index].hidden = index !== at;
    });
    tabs[at].made ??= panels[at].appendChild(new ServiceTab(tabs[at].service).element);
    if (focus) buttons[at].focus();
    window.history.replaceState(null, "", `#${tabs[at].service.service}`);
  }
  fill(main, h("h1", {}, "File exchange"), h("div", { role: "tablist", "aria-label": "Services", class: "tabs" }, buttons), panels, history.element);
  show(Math.max(0, tabs.findIndex((tab) => `#${tab.service.service}` === location.hash)));
  history.load();
}

events.addEventListener("services", () => state.me && footer());
start();
