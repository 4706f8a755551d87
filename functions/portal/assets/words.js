// Words for people: London time whatever the computer's own zone is, sizes, counts.
//
//   moment(upload.received), count(2, "file"), list(["A", "B"])

const LONDON = "Europe/London";
const part = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: LONDON, ...options });
const STAMP = part({
  day: "2-digit",
  month: "2-digit",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const DAY = part({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
const CLOCK = part({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** `01/06/2023 09:11`, London time, as the guide's history has it. */
export const stamp = (text) => STAMP.format(new Date(text)).replace(",", "");

/** `Friday 30 June 2023`, London time. */
export const day = (text) => DAY.format(new Date(text)).replace(",", "");

/** `9.11am on Thursday 1 June 2023`, `12 noon on ...`: the same words as the API's. */
export function moment(text) {
  const [hour, minute, second] = CLOCK.format(new Date(text)).split(":").map(Number);
  let clock;
  if (!minute && !second && hour % 12 === 0) clock = hour ? "12 noon" : "midnight";
  else {
    const two = (number) => String(number).padStart(2, "0");
    const minutes = minute || second ? `.${two(minute)}` : "";
    const seconds = second ? `.${two(second)}` : "";
    clock = `${hour % 12 || 12}${minutes}${seconds}${hour < 12 ? "am" : "pm"}`;
  }
  return `${clock} on ${day(text)}`;
}

/** `3 days 4 hours`, `2 hours 5 minutes`, `9 minutes 3 seconds`: two parts, the second left out when it is nought. */
export function duration(seconds) {
  const units = [
    ["day", 86400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const start = units.findIndex(([, size]) => seconds >= size);
  if (start < 0) return "0 seconds";
  let rest = Math.floor(seconds);
  const said = [];
  for (const [name, size] of units.slice(start, start + 2)) {
    const number = Math.floor(rest / size);
    rest -= number * size;
    if (number) said.push(count(number, name));
  }
  return said.join(" ");
}

/** `1 file`, `2 files`, `1,200 files`. */
export const count = (number, noun, many = noun + "s") =>
  `${number.toLocaleString("en-GB")} ${number === 1 ? noun : many}`;

/** `712 bytes`, `23 KB`, `1.4 MB`. */
export function size(bytes) {
  if (bytes < 1000) return count(bytes, "byte");
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `Year 1 or Year 2` from `Year 1 and Year 2`, where a sentence means any of them. */
export const eitherOf = (years) => years.replaceAll(" and ", " or ");

/** `A, B and C`. */
export const list = (words) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(words);
