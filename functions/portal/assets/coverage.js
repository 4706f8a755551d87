// How many of a trust's schools have a good file, and which.
//
//   fill(place, coverageList(service, isOpen))

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { coverage, schoolWords } from "./state.js";
import { moment } from "./words.js";

export function coverageList(service, open) {
  const { schools, missing, words } = coverage(service);
  if (!schools.length) return null;
  const line = ({ school, current }) => {
    const picture = current ? "tick" : "clock";
    return h(
      "li",
      {},
      h("span", { class: `badge ${picture}` }, icon(picture), current ? "Good file" : "No good file yet"),
      ` ${schoolWords(school)}`,
      current &&
        h(
          "span",
          { class: "next" },
          `${current.name}, by ${current.user}, received at ${moment(current.received)}, in window ${current.window}`,
        ),
    );
  };
  const rows = [...missing, ...schools.filter((one) => one.current)].map(line);
  return h("details", { open }, h("summary", {}, words), h("ul", { class: "plainlist" }, rows));
}
