// One upload in full, in a dialog.
//
//   showDetails(row.upload_id, row.name)

import { read, written } from "./address.js";
import { get, Problem } from "./api.js";
import { fill, h, unique } from "./dom.js";
import { isJudged } from "./fates.js";
import { LiveVerdict } from "./live.js";
import { panel } from "./panels.js";
import { nameOf } from "./state.js";
import { stamp } from "./words.js";

let open = null; // the dialog, and whose it is

/** Shows the upload that the address names, or closes the one that it names no more. */
export function showNamed() {
  const { upload } = read(location.hash);
  if (open && open.id !== upload) open.dialog.close();
  if (upload && open?.id !== upload) showDetails(upload, "");
}

/** An upload in full is an address of its own: it can be kept and sent, and Back closes it. */
function addressed(id) {
  const told = read(location.hash);
  if (told.upload !== id) history.pushState(null, "", written({ ...told, upload: id }));
}

/** Shows one upload in full, in a dialog. */
export async function showDetails(id, name) {
  const heading = unique("details");
  const title = h("p", { class: "filename" }, name);
  const body = h("div", { class: "details" }, h("p", {}, "Loading …"));
  const dialog = h(
    "dialog",
    { class: "wide", "aria-labelledby": heading },
    h(
      "div",
      { class: "row between" },
      h("h2", { id: heading }, "File upload details"),
      h("button", { type: "button", class: "plain", autofocus: true, onclick: () => dialog.close() }, "Close"),
    ),
    title,
    body,
  );
  body.addEventListener("corrected", ({ detail }) => fill(title, detail.name));
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (open?.dialog === dialog) open = null;
    const told = read(location.hash);
    if (told.upload === id) history.replaceState(null, "", written({ ...told, upload: null }));
  });
  document.body.append(dialog);
  dialog.showModal();
  addressed(id);
  open = { id, dialog };
  try {
    const upload = await get(`/uploads/${id}`);
    fill(title, upload.name);
    fill(
      body,
      h("p", {}, `${nameOf(upload.service)}. Uploaded by ${upload.user}, ${stamp(upload.date)} (London time).`),
      isJudged(upload) ? new LiveVerdict(upload).element : panel("wait", upload.next_step),
    );
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fill(body, panel("bad", error.title, h("p", {}, error.detail)));
  }
}
