// One result to be corrected: a list of the accepted codes, a number with its range, or either.
//
//   const field = cellField(column, "Ava Smith: Phonics mark", describedBy);
//   field.value() is null until it is answered, and "" once it is said to be blank

import { fill, h, unique } from "./dom.js";

/** Whether something was chosen or entered; "" is an answer, since a result may be blank. */
export const isAnswered = (value) => value !== null;

/** What is wrong with an entered number, in words; "" if nothing is. Pure. */
export function wrongIn(text, { codes, minimum, maximum }) {
  const said = text.trim();
  if (!said || codes.includes(said.toUpperCase())) return "";
  const number = Number(said);
  if (/^\d+$/.test(said) && number >= minimum && number <= maximum) return "";
  const numbers = `a whole number from ${minimum} to ${maximum}`;
  return `Enter ${codes.length ? `${codes.join(", ")} or ${numbers}` : numbers}.`;
}

/** The field: `element`, the `input` that takes the focus, `value()`, `told()` which says what is wrong. */
export function cellField(column, label, described, kept = null) {
  let input = null;
  const said = h("span", { class: "wrong", id: unique("wrong") });
  const about = [described, said.id].filter(Boolean).join(" ");
  const tell = (words) => {
    fill(said, words);
    input.setAttribute("aria-invalid", words ? "true" : "false");
  };
  const attributes = { "aria-label": label, "aria-describedby": about };
  if (column.minimum === undefined) {
    const options = [
      h("option", { value: "?" }, "Choose …"),
      column.codes.map((code) => h("option", { value: code, selected: code === kept }, code)),
      h("option", { value: "", selected: kept === "" }, "Leave blank"),
    ];
    input = h("select", attributes, options);
    const value = () => (input.value === "?" ? null : input.value);
    return { element: h("div", {}, input, said), input, value, tell, mend: () => tell(""), told: () => "" };
  }
  const range = `${column.minimum} to ${column.maximum}`;
  input = h("input", { ...attributes, type: "text", autocomplete: "off", maxlength: 8, placeholder: range });
  input.setAttribute("inputmode", column.codes.length ? "text" : "numeric");
  input.value = kept ?? "";
  const blank = h("input", { type: "checkbox", "aria-label": `Leave blank: ${label}`, checked: kept === "" });
  const value = () => (blank.checked ? "" : input.value.trim() || null);
  const told = () => {
    const words = blank.checked ? "" : wrongIn(input.value, column);
    tell(words);
    return words;
  };
  blank.addEventListener("input", () => (input.disabled = blank.checked));
  input.disabled = blank.checked;
  input.addEventListener("change", told);
  return {
    element: h("div", { class: "cell" }, input, h("label", {}, blank, " Leave blank"), said),
    input,
    value,
    told,
    tell,
    mend: () => said.textContent && tell(""),
  };
}
