// Elements. Text only ever becomes a text node: a file name or a cell value is never markup.
//
//   fill(place, h("p", { class: "note", onclick: f }, "text", child))

/** An element: h("p", {class: "note", onclick: f}, "text", child). Null and false children are left out. */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "indeterminate") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

export function add(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replaces what is in an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** Words for screen readers alone. */
export const quiet = (words) => h("span", { class: "quiet" }, words);
let counted = 0;

/** An id that no other element of the page has. */
export const unique = (stem) => `${stem}-${++counted}`;
