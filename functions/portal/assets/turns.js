// In which order the files of a bulk go, and which file of a school counts in the end. Pure.
//
//   nextOf(queue, underway);  severalOf(lines)

/**
 * The next line that may go: files of one school go one after the other, in the order in which they were chosen, since
 * the last one that we receive counts. Undefined if each must wait for one that is under way.
 */
export function nextOf(queue, underway) {
  const before = new Set(underway.map((line) => line.number).filter(Boolean));
  return queue.find(({ number }) => {
    if (!number) return true;
    const free = !before.has(number);
    before.add(number);
    return free;
  });
}

/** The schools that several lines are for, each with its lines in the order in which they were chosen. */
export function severalOf(lines) {
  const schools = new Map();
  for (const line of lines) if (line.number) schools.set(line.number, [...(schools.get(line.number) ?? []), line]);
  return [...schools].filter(([, own]) => own.length > 1).map(([number, own]) => ({ number, lines: own }));
}

/** Those of the lines that would overwrite a good file, by school; `currentOf` gives a school's present file. */
export function overwritten(lines, currentOf) {
  const schools = new Map();
  for (const line of lines) {
    const current = line.number && currentOf(line.number);
    if (current)
      schools.set(line.number, {
        number: line.number,
        current,
        lines: [...(schools.get(line.number)?.lines ?? []), line],
      });
  }
  return [...schools.values()];
}
