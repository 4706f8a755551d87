// A nil return: a school's word that it has no pupils of the year group, as an upload like any other.
//
//   const file = await nilReturn(serviceOf(name));  null if nobody meant it

import { Problem } from "./api.js";
import { ask } from "./ask.js";
import { fill, h, unique } from "./dom.js";
import { panel } from "./panels.js";
import { loadSchools, nameOf, schoolWords, state } from "./state.js";
import { count, eitherOf } from "./words.js";

/** Asks, and makes the file: of the user's own school, or of the one of a trust's schools that they choose. */
export async function nilReturn({ service, year_group: groups }) {
  const years = eitherOf(groups);
  const schools = state.me.organisations.filter((one) => one.school).map((one) => one.school);
  const lists = await listsOf(service);
  const listed = (number) => lists.find((one) => one.school === number)?.roster?.pupils;
  let school = schools.length === 1 ? schools[0] : "";
  const warning = h("div", { "aria-live": "polite" });
  const choose = (number) => {
    school = number;
    const pupils = listed(number) ?? 0;
    fill(warning, pupils > 0 && panel("warn", `Our list has ${count(pupils, `${years} pupil`)}`, h("p", {}, LISTED)));
  };
  choose(school);
  const id = unique("nil");
  // Those that we have no pupils of come first: it is one of them as a rule.
  const order = [...schools].sort((a, b) => (listed(a) ?? 0) - (listed(b) ?? 0));
  const options = order.map((number) => h("option", { value: number }, schoolWords(number)));
  const sure = await ask({
    title: `No ${years} pupils?`,
    body: [
      schools.length > 1 &&
        h(
          "div",
          { class: "field" },
          h("label", { for: id }, "School"),
          h(
            "select",
            { id, onchange: (event) => choose(event.target.value) },
            h("option", { value: "" }, "Choose a school"),
            options,
          ),
        ),
      h("p", {}, `This tells us that the school has no ${years} pupils for ${nameOf(service)}: a nil return.`),
      h("p", {}, "It counts as the school's file. A file that is uploaded later overwrites it."),
      warning,
    ],
    yes: schools.length > 1 ? "Add the nil return" : "Send the nil return",
    missing: () => (school ? "" : "Please choose a school first."),
  });
  return sure ? new File([nilText(service, school)], `Nil return ${school}.txt`) : null;
}

/** The schools with their pupil lists; none if they cannot be read now: the check knows them anyhow. */
async function listsOf(service) {
  try {
    return state.schools.get(service) ?? (await loadSchools(service));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [];
  }
}

const LISTED =
  "A nil return is refused while there are pupils on it. If they have left, correct your MIS first: a change can " +
  "take up to 24 hours to reach us.";

/** What a nil return says, as the check reads it. */
const nilText = (service, school) =>
  ["Early Results nil return", `service: ${service}`, `school: ${school}`, ""].join("\n");
