// What is said of a service's windows: which one it is, that it has closed, what follows. Pure.
//
//   closedWords(service, 1, 2) gives "Window 1 closed at ... (London time)." and what is said of window 2

export const windowOf = (service, number) => service.windows.find((window) => window.number === number);

/** `Window 1 closed at 12 noon on Friday 30 June 2023 (London time).` */
export const closedAt = (service, number) =>
  `Window ${number} closed at ${windowOf(service, number)?.closes_words ?? "its deadline"} (London time).`;

/** `Window 2 is open until 12 noon on ...`, or nothing where no window follows. */
export const openUntil = (open) => (open ? `Window ${open.number} is open until ${open.closes_words}.` : "");

/** What a school loses in a window if the file that counts for it there is deleted. `said`: what is said of both. */
export function lossOf(service, said) {
  const window = windowOf(service, said.window);
  const [name, none] = [`Window ${said.window}`, `no file counts for window ${said.window}`];
  const carried = said.carried_from ? ", which was carried forward" : "";
  if (said.frozen)
    return `${name} is frozen with this file${carried}. If you delete it, ${none}; its report goes, or is not made.`;
  if (!window?.open) return `${name} has closed. If you delete this file, ${none}, and no report is made.`;
  return `${name} is open. If you delete this file, ${none} until another is uploaded.`;
}

/** `window 1`, `windows 1 and 2`: those that a file counts for. */
export function countsFor(windows) {
  const numbers = (windows ?? []).filter((said) => said.counts).map((said) => said.window);
  return numbers.length ? `window${numbers.length > 1 ? "s" : ""} ${numbers.join(" and ")}` : "";
}
