// Whom the findings and the changes of a verdict are about. They are asked for once it is shown, since the verdict
// itself names no pupil, and are told to those who act for the school alone.
//
//   place.append(verdict(upload)); tellPupils(upload)

import { get, Problem } from "./api.js";
import { slotOfChanges } from "./changes.js";
import { csvLine } from "./csv.js";
import { fill, h, quiet } from "./dom.js";
import { slotsOf } from "./findings.js";
import { save } from "./saving.js";
import { state } from "./state.js";
import { count } from "./words.js";

const asked = new Map(); // upload id -> what was answered; a verdict that is drawn again asks no more
const MOST = 20;

/** Fills in the pupils and values of a verdict that has just been drawn. */
export async function tellPupils(upload) {
  const { upload_id: id, findings, changes } = upload;
  if (state.me.role === "operator") return;
  if (!findings.some((one) => one.row || MISSING.has(one.code)) && !total(changes)) return;
  try {
    const told = await answer(id);
    for (const [at, one] of told.findings.entries()) tellOne(findings[at], one);
    tellChanges(changes, told.changes, upload.name);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    asked.delete(id);
    const slots = findings.map(slotsOf).find(Boolean);
    if (slots && error.status !== 404)
      fill(slots.below, h("p", { class: "note" }, `Names are missing: ${error.detail}`));
  }
}

const MISSING = new Set(["pupil-missing", "pupil-joined", "wrong-school"]);
const total = (changes) => (changes ? changes.added + changes.changed + changes.removed : 0);
export const nameOf = ({ forename, surname, upn }) => `${forename} ${surname}`.trim() || upn;

function answer(id) {
  if (!asked.has(id)) asked.set(id, get(`/uploads/${id}/pupils`));
  if (asked.size > MOST) asked.delete(asked.keys().next().value);
  return asked.get(id);
}

function tellOne(finding, { pupil, value, pupils }) {
  const slots = slotsOf(finding);
  if (!slots) return;
  if (pupil) fill(slots.before, h("b", {}, "Pupil: "), nameOf(pupil));
  if (value !== undefined)
    fill(slots.after, h("b", {}, "In your file: "), value ? h("span", { class: "value" }, value) : "blank");
  if (finding.code === "wrong-school" && value)
    fill(slots.below, h("p", {}, h("b", {}, "School DFE number in your file: "), value));
  if (pupils) fill(slots.below, notThere(pupils));
}

/** The pupils who are not in a file, by name, and as a list to take along. */
function notThere(pupils) {
  const lines = [["Forename", "Surname", "UPN"], ...pupils.map((one) => [one.forename, one.surname, one.upn])];
  const take = () => save("Pupils not in the file.csv", [`\ufeff${lines.map(csvLine).join("\r\n")}\r\n`], "text/csv");
  const words = `${count(pupils.length, "pupil")} not in the file`;
  const list = h("ul", { class: "names" });
  fill(
    list,
    pupils.map((one) => h("li", {}, nameOf(one))),
  );
  return h(
    "details",
    { open: pupils.length <= MOST },
    h("summary", {}, words),
    list,
    h("button", { type: "button", class: "plain", onclick: take }, "List of these pupils (CSV)"),
  );
}

/** Each change by pupil, column and cell, from and to. */
function tellChanges(changes, told, name) {
  const slot = changes && slotOfChanges(changes);
  if (!slot || !total(changes)) return;
  if (!told)
    return void fill(
      slot,
      h("p", { class: "note" }, "Whose results these are is not known any more: the file before this one was deleted."),
    );
  const cells = (one) => [nameOf(one.pupil), one.column, one.row ?? "", one.before || "blank", one.after || "blank"];
  const heads = ["Pupil", "Column", "Row", "From", "To"];
  const lines = [["UPN", ...heads], ...told.map((one) => [one.pupil.upn, ...cells(one)])];
  const take = () => save(`Changes in ${name}.csv`, [`\ufeff${lines.map(csvLine).join("\r\n")}\r\n`], "text/csv");
  const row = (one) => {
    const [pupil, ...rest] = cells(one);
    return h(
      "tr",
      { role: "row" },
      h("th", { scope: "row", role: "rowheader" }, pupil),
      rest.map((text, at) => h("td", { role: "cell", "data-label": heads[at + 1] }, text)),
    );
  };
  fill(
    slot,
    h(
      "details",
      {},
      h("summary", {}, "Each of these by pupil, from and to"),
      h(
        "table",
        { role: "table", class: "cards" },
        h("caption", {}, quiet("What changed, by pupil")),
        h(
          "thead",
          { role: "rowgroup" },
          h(
            "tr",
            { role: "row" },
            heads.map((words) => h("th", { scope: "col", role: "columnheader" }, words)),
          ),
        ),
        h("tbody", { role: "rowgroup" }, told.map(row)),
      ),
      h("button", { type: "button", class: "plain", onclick: take }, "List of these changes (CSV)"),
    ),
  );
}
