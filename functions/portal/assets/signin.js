// Signing in: the first screen, the first sign-in's new password, a forgotten password, and the dialog over the page.
//
//   signInForm(place, enter)

import { fill, h, unique } from "./dom.js";
import { announce, panel } from "./panels.js";
import { forgot, reset, SignInRefused, signIn, Unreachable } from "./session.js";
import { settings } from "./settings.js";

const RULES = "At least 12 characters, with a capital letter, a small letter and a number.";

export function field(label, properties, hint) {
  const id = unique("field");
  const input = h("input", { id, required: true, "aria-describedby": hint ? `${id}-hint` : null, ...properties });
  return [
    input,
    h(
      "div",
      { class: "field" },
      h("label", { for: id }, label),
      hint && h("p", { id: `${id}-hint`, class: "note" }, hint),
      input,
    ),
  ];
}

export function form(children, button, submit) {
  const said = h("div", { role: "alert" });
  const send = h("button", { class: "main", type: "submit" }, button);
  let busy = false;
  const element = h(
    "form",
    {
      novalidate: false,
      onsubmit: async (event) => {
        event.preventDefault();
        if (busy) return;
        busy = true;
        send.setAttribute("aria-disabled", "true");
        fill(send, "Please wait …");
        fill(said);
        try {
          await submit();
        } catch (error) {
          if (!(error instanceof SignInRefused || error instanceof Unreachable)) throw error;
          fill(said, panel("bad", error.message));
        } finally {
          busy = false;
          send.removeAttribute("aria-disabled");
          fill(send, button);
        }
      },
    },
    said,
    children,
    send,
  );
  return element;
}

/**
 * The sign-in forms, in `place`. `known` is the email address of somebody whose session has ended: then it is fixed.
 * `done` is called once signed in.
 */
export function signInForm(place, done, known = "", title = "h1") {
  const show = (heading, ...body) => {
    fill(place, h(title, { tabindex: "-1" }, heading), body);
    const first = place.querySelector("input:not([readonly])");
    first?.focus();
  };
  const first = (message = null) => {
    const [address, addressField] = field("Email address", {
      type: "email",
      autocomplete: "username",
      value: known,
      readonly: Boolean(known),
    });
    const [password, passwordField] = field("Password", { type: "password", autocomplete: "current-password" });
    const sign = form([addressField, passwordField], "Sign in", async () => {
      next(await signIn(address.value, password.value));
    });
    show(
      known ? "Please sign in again" : "Sign in",
      known && h("p", {}, "Your session has ended. Nothing you chose on the page is lost."),
      message,
      sign,
      h(
        "p",
        {},
        h(
          "button",
          { type: "button", class: "link", onclick: () => forgotten(address.value) },
          "Forgotten your password?",
        ),
      ),
      !known &&
        h("p", { class: "note" }, "Accounts are made by our support team, for administrators of schools and trusts."),
      !known &&
        h(
          "p",
          { class: "note" },
          "If you cannot sign in, contact support: ",
          h("a", { href: `mailto:${settings.support.email}` }, settings.support.email),
          `, ${settings.support.telephone}.`,
        ),
    );
  };
  const next = (more) => {
    if (!more) done();
    else if (more.asks === "code") withAppCode(more.give);
    else choose(more.give);
  };
  const withAppCode = (give) => {
    const [code, codeField] = field("Code from your app", {
      inputmode: "numeric",
      autocomplete: "one-time-code",
      maxlength: 10,
    });
    show(
      "Enter the code from your app",
      h("p", {}, "Open your authenticator app and type the six digits it shows for Early Results."),
      form([codeField], "Continue", async () => next(await give(code.value))),
      h("p", { class: "note" }, `If you have lost your phone, contact support: ${settings.support.telephone}.`),
      back(),
    );
  };
  const choose = (settle) => {
    const [password, passwordField] = field(
      "New password",
      { type: "password", autocomplete: "new-password", minlength: 12 },
      RULES,
    );
    show(
      "Choose your own password",
      h("p", {}, "This is the first time you sign in. Please choose a password that only you know."),
      form([passwordField], "Save and continue", async () => {
        next(await settle(password.value));
      }),
    );
  };
  const forgotten = (typed) => {
    const [address, addressField] = field("Email address", {
      type: "email",
      autocomplete: "username",
      value: typed,
      readonly: Boolean(known),
    });
    show(
      "Reset your password",
      form([addressField], "Email me a code", async () => {
        await forgot(address.value);
        withCode(address.value);
      }),
      back(),
    );
  };
  const withCode = (address) => {
    const [code, codeField] = field("Code from the email", { inputmode: "numeric", autocomplete: "one-time-code" });
    const [password, passwordField] = field(
      "New password",
      { type: "password", autocomplete: "new-password", minlength: 12 },
      RULES,
    );
    show(
      "Enter the code we emailed you",
      h("p", {}, `If there is an account for ${address}, an email with a code is on its way.`),
      form([codeField, passwordField], "Set new password", async () => {
        await reset(address, code.value, password.value);
        first(panel("good", "Your password has been changed. Please sign in with it."));
      }),
      back(),
    );
  };
  const back = () =>
    h("p", {}, h("button", { type: "button", class: "link", onclick: () => first() }, "Back to signing in"));
  first();
}

/** Asks somebody whose session has ended to sign in again, over the page they are on. Resolves once they have. */
export function askAgain(address) {
  return new Promise((resolve) => {
    const place = h("div", {});
    const leave = h(
      "button",
      {
        type: "button",
        class: "link",
        onclick: () => {
          sessionStorage.clear();
          location.reload();
        },
      },
      "Sign in as somebody else (this page starts afresh)",
    );
    const dialog = h("dialog", { class: "again", "aria-label": "Sign in again" }, place, h("p", {}, leave));
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    announce("Your session has ended. Please sign in again.", true);
    signInForm(
      place,
      () => {
        dialog.close();
        dialog.remove();
        announce("You are signed in again.");
        resolve();
      },
      address,
      "h2",
    );
  });
}
