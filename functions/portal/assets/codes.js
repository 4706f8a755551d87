// Setting codes of an authenticator app up, so that a password alone is not enough to sign in.
//
//   await codesForm(place, { done, needed: true });  await codesDialog()

import { fill, h } from "./dom.js";
import { announce, panel } from "./panels.js";
import { beginCodes, finishCodes, SignInRefused, Unreachable } from "./session.js";
import { field, form } from "./signin.js";

const inFours = (secret) => secret.match(/.{1,4}/g).join(" ");

/** The steps, in `place`. `needed` says that nothing else is shown before it is done; `done` is called then. */
export async function codesForm(place, { done, needed = false, title = "h1" }) {
  fill(place, h("p", {}, "Loading …"));
  let made;
  try {
    made = await beginCodes();
  } catch (error) {
    if (!(error instanceof SignInRefused || error instanceof Unreachable)) throw error;
    return void fill(place, panel("bad", error.message));
  }
  const [code, codeField] = field("Code from your app", {
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: 10,
  });
  const heading = h(title, { tabindex: "-1" }, "Set up your sign-in codes");
  fill(
    place,
    heading,
    needed && h("p", {}, "Operators sign in with a code from an authenticator app besides their password."),
    h(
      "ol",
      {},
      h("li", {}, "Install an authenticator app on your phone, if you have none."),
      h(
        "li",
        {},
        "Add Early Results to it: ",
        h("a", { href: made.link }, "open it on this device"),
        ", or type this key: ",
        h("code", { id: "codes-key" }, inFours(made.secret)),
      ),
      h("li", {}, "Type the six digits that the app shows."),
    ),
    form([codeField], "Save and continue", async () => {
      await finishCodes(code.value);
      announce("Your sign-in codes are set up.");
      done();
    }),
  );
  heading.focus();
  return undefined;
}

/** The same in a dialog, for those who want it and need not. */
export function codesDialog() {
  const place = h("div", {});
  const close = h("button", { type: "button", class: "plain", onclick: () => dialog.close() }, "Cancel");
  const dialog = h("dialog", { class: "ask", "aria-label": "Sign-in codes" }, place, h("p", {}, close));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return codesForm(place, { done: () => dialog.close(), title: "h2" });
}
