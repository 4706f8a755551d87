// Pictures that say nothing to a screen reader: the words beside them do.
//
//   h("span", {}, icon("tick"), "Successful")

const SVG = "http://www.w3.org/2000/svg";

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
