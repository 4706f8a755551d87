// A nil return: a school's word that it has no pupils of the year group, as an upload like any other.
//
//   const file = await nilReturn(serviceOf(name));  null if the school did not mean it

import { ask } from "./ask.js";
import { h } from "./dom.js";
import { nameOf, state } from "./state.js";

/** Asks, and makes the file. */
export async function nilReturn({ service, year_group: years }) {
  const [{ school }] = state.me.organisations.filter((one) => one.school);
  const sure = await ask({
    title: `No ${years} pupils?`,
    body: [
      h("p", {}, `This tells us that your school has no ${years} pupils for ${nameOf(service)}: a nil return.`),
      h("p", {}, "It counts as your school's file. A file that you upload later overwrites it."),
    ],
    yes: "Send the nil return",
  });
  const text = `Early Results nil return\nservice: ${service}\nschool: ${school}\n`;
  return sure ? new File([text], `Nil return ${school}.txt`) : null;
}
