// Lines of CSV that no spreadsheet runs as a formula. Pure.
//
//   csvLine(["1231234", "=1+1"])

/** A line of CSV that no spreadsheet runs as a formula. */
export const csvLine = (cells) =>
  cells
    .map((cell) => {
      const text = String(cell ?? "");
      return `"${(/^[=+\-@\t\r\n]/.test(text) ? "'" + text : text).replaceAll('"', '""')}"`;
    })
    .join(",");
