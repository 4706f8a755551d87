// Elements, icons and announcements. Text only ever becomes a text node: a file name or a cell value is never markup.

const SVG = "http://www.w3.org/2000/svg";

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

function add(element, children) {
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

const PATHS = {
  tick: "M5 13l4.5 4.5L19 7.5",
  cross: "M6.5 6.5l11 11M17.5 6.5l-11 11",
  overwritten: "M5 9h11a4 4 0 0 1 0 8H8M8.5 5.5L5 9l3.5 3.5",
  clock: "M12 7v5.5l3.5 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 1 0 0-17",
  warning: "M12 4L2.8 20h18.4L12 4M12 10v4.5M12 17.2v.3",
  info: "M12 11v6M12 7.2v.3M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 1 0 0-17",
  download: "M12 4v10.5M7 10.5l5 5 5-5M5 20h14",
  upload: "M12 16V5.5M7 9.5l5-5 5 5M5 20h14",
  bin: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10 10.5v6M14 10.5v6",
  wait: "M7 3.5h10M7 20.5h10M8 3.5c0 5 8 7 8 17M16 3.5c0 5-8 7-8 17",
};

/** A picture that says nothing to a screen reader: the words beside it do. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true", class: `icon ${name}` }))
    svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Words for screen readers alone. */
export const quiet = (words) => h("span", { class: "quiet" }, words);

/** Says something to people who use a screen reader, without moving the focus. */
export function announce(words, urgent = false) {
  const region = document.getElementById(urgent ? "urgent" : "polite");
  region.textContent = "";
  setTimeout(() => (region.textContent = words), 60);
}

let counted = 0;
/** An id that no other element of the page has. */
export const unique = (stem) => `${stem}-${++counted}`;

/** A coloured panel with an icon and a heading: kind is good, bad, warn, info or wait. */
export function panel(kind, title, ...body) {
  const picture = { good: "tick", bad: "cross", warn: "warning", info: "info", wait: "wait" }[kind];
  return h("div", { class: `panel ${kind}` }, h("p", { class: "panel-title" }, icon(picture), h("strong", {}, title)), ...body);
}

/** Asks a question in a dialog and gives whether the answer was yes. The safe answer has the focus. */
export function ask({ title, body, yes, no = "Cancel", danger = false }) {
  return new Promise((resolve) => {
    const id = unique("ask");
    let answer = false;
    const dialog = h("dialog", { "aria-labelledby": id, class: "ask" },
      h("h2", { id }, title),
      body,
      h("div", { class: "row end" },
        h("button", { type: "button", class: "plain", autofocus: true, onclick: () => dialog.close() }, no),
        h("button", { type: "button", class: danger ? "danger" : "main", onclick: () => { answer = true; dialog.close(); } }, yes)));
    dialog.addEventListener("close", () => { dialog.remove(); resolve(answer); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Sends the browser to a download without leaving the page. */
export function download(url, name) {
  const link = h("a", { href: url, download: name ?? "", rel: "noopener" });
  document.body.append(link);
  link.click();
  link.remove();
}

/** Saves bytes or text made on this page as a file. */
export function save(name, parts, type) {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  download(url, name);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
