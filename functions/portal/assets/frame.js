// The page's header and footer: who is signed in, and whom to ask for help.
//
//   header(); footer()

import { fill, h } from "./dom.js";
import { email, signOut } from "./session.js";
import { state } from "./state.js";

export function footer() {
  const [service] = state.services;
  const { email: address, telephone, hours } = service.support;
  fill(
    document.getElementById("footer"),
    h("h2", {}, "Further help and support"),
    h("p", {}, "Our support team can take you through the process step by step."),
    h(
      "dl",
      {},
      h("dt", {}, "Email"),
      h("dd", {}, h("a", { href: `mailto:${address}` }, address)),
      h("dt", {}, "Telephone"),
      h("dd", {}, telephone),
      h("dt", {}, "Hours"),
      h(
        "dd",
        {},
        hours.map((line) => h("span", { class: "block" }, line)),
      ),
    ),
  );
}

export function header() {
  const own = state.me.organisations.find((one) => one.organisation === state.me.organisation);
  const role = { school: "School administrator", trust: "Trust administrator", operator: "Operator" }[state.me.role];
  fill(
    document.getElementById("who"),
    h("span", { class: "organisation" }, own?.name || role),
    h("span", { class: "user" }, email()),
    h(
      "button",
      { type: "button", class: "plain", onclick: async () => (await import("./codes.js")).codesDialog() },
      "Sign-in codes",
    ),
    state.me.mail &&
      h(
        "button",
        { type: "button", class: "plain", onclick: async () => (await import("./mails.js")).mailsDialog() },
        "E-mails",
      ),
    h(
      "button",
      {
        type: "button",
        class: "plain",
        onclick: async () => {
          await signOut();
          sessionStorage.clear();
          location.reload();
        },
      },
      "Sign out",
    ),
  );
}
