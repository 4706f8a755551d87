// One upload in full, in a dialog.
//
//   showDetails(row.upload_id, row.name)

import { get, Problem } from "./api.js";
import { fill, h, unique } from "./dom.js";
import { isJudged } from "./fates.js";
import { LiveVerdict } from "./live.js";
import { panel } from "./panels.js";
import { nameOf } from "./state.js";
import { stamp } from "./words.js";

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
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  try {
    const upload = await get(`/uploads/${id}`);
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
