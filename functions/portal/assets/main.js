// The page's start: signing in, who it is, and which screen.

import { Problem } from "./api.js";
import { fill, h } from "./dom.js";
import { footer, header } from "./frame.js";
import { announce, panel } from "./panels.js";
import { configure, isSignedIn, joinTabs, signOut } from "./session.js";
import { keepSettings } from "./settings.js";
import { askAgain, signInForm } from "./signin.js";
import { events, loadMe, loadServices, state } from "./state.js";

const main = document.getElementById("main");
// What a role's screen is made of is fetched once it is known who asks.
const SCREENS = {
  school: async () => exchangeWith((await import("./upload.js")).SingleUpload),
  trust: async () => exchangeWith((await import("./bulk.js")).BulkUpload),
  operator: async () => fill(main, new (await import("./board.js")).Board().element),
};
const exchangeWith = async (Upload) => (await import("./tabs.js")).exchange(main, Upload);
const AT_A_TIME = 3;

addEventListener("unhandledrejection", (event) => oops(event.reason));

addEventListener("error", (event) => oops(event.error));

// A file dropped beside its place must not replace the page.
for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());

/** Something on this page failed that should not: said, never hidden. */
function oops(reason) {
  console.error(reason);
  document.getElementById("oops")?.remove();
  const again = h("button", { type: "button", class: "plain", onclick: () => location.reload() }, "Reload the page");
  main.prepend(
    h(
      "div",
      { id: "oops" },
      panel(
        "bad",
        "Something on this page went wrong",
        h("p", {}, "Nothing you uploaded has been lost. Please reload the page. If it goes on, contact support."),
        again,
      ),
    ),
  );
  announce("Something on this page went wrong. Please reload the page.", true);
}

export async function start() {
  try {
    const response = await fetch(new URL("config.json", import.meta.url));
    if (!response.ok) throw new Error(`settings: ${response.status}`);
    configure(keepSettings(await response.json()), askAgain);
  } catch (error) {
    console.error(error);
    const again = h("button", { type: "button", class: "main", onclick: () => location.reload() }, "Try again");
    return void fill(
      main,
      panel(
        "bad",
        "Early Results could not be loaded",
        h("p", {}, "Check your internet connection, and then try again."),
        again,
      ),
    );
  }
  if (document.readyState === "complete") fetchTheRest();
  else addEventListener("load", fetchTheRest);
  await joinTabs();
  if (isSignedIn()) await enter();
  else signInScreen();
  return undefined;
}

/**
 * What comes after signing in is fetched while the person types: the first screen waits for none of it. A few at a
 * time: requests that wait side by side each start a function of their own.
 */
async function fetchTheRest() {
  const names = document.querySelector("meta[name=later]").content.split(" ");
  const fetchOne = (name) =>
    new Promise((settle) => {
      const href = new URL(name, import.meta.url).href;
      // One that cannot be fetched now is asked for again when it is needed, and is missed then.
      document.head.append(h("link", { rel: "modulepreload", href, onload: settle, onerror: settle }));
    });
  const work = async () => {
    for (let name = names.shift(); name; name = names.shift()) await fetchOne(name);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
}

function signInScreen() {
  fill(document.getElementById("who"));
  document.title = "Sign in - Early Results";
  const place = h("div", {});
  fill(main, h("div", { class: "card narrow" }, place));
  signInForm(place, enter);
}

async function enter() {
  fill(main, h("p", {}, "Loading …"));
  try {
    await Promise.all([loadMe(), loadServices()]);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    if (error.kind === "codes-needed") return askForCodes();
    return void fill(
      main,
      panel("bad", error.title, h("p", {}, error.detail)),
      h(
        "div",
        { class: "row" },
        h("button", { type: "button", class: "main", onclick: () => enter() }, "Try again"),
        h(
          "button",
          {
            type: "button",
            class: "plain",
            onclick: async () => {
              await signOut();
              location.reload();
            },
          },
          "Sign out",
        ),
      ),
    );
  }
  header();
  footer();
  document.title = state.me.role === "operator" ? "Deadline board - Early Results" : "File exchange - Early Results";
  await SCREENS[state.me.role]();
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true }); // what had the focus is gone: a screen reader goes on from here
  return undefined;
}

/** An operator who has a password alone: nothing else is shown until they have codes. */
async function askForCodes() {
  document.title = "Sign-in codes - Early Results";
  const place = h("div", { class: "card narrow" });
  fill(main, place);
  await (await import("./codes.js")).codesForm(place, { done: enter, needed: true });
}

events.addEventListener("services", () => state.me && footer());

start();
