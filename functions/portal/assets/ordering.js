// The order of a history's rows, and a newer page joined to older ones. Pure.
//
//   inOrder(rows, "name", false);  joined(rows, page.uploads, page.cursor)

import { SHOWN } from "./statuses.js";

export const COLUMNS = [
  { key: "name", label: "Name", of: (row) => row.name.toLocaleLowerCase("en-GB") },
  { key: "manage", label: "Manage", of: (row) => (row.can_delete ? 0 : 1) },
  { key: "user", label: "User", of: (row) => row.user.toLocaleLowerCase("en-GB") },
  { key: "date", label: "Date", of: (row) => row.upload_id },
  { key: "status", label: "Status", of: (row) => SHOWN.indexOf(row.status) },
];

/** The rows by a column, downwards or upwards; what is equal stays newest first. */
export function inOrder(rows, key, down) {
  const { of } = COLUMNS.find((column) => column.key === key);
  const way = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    const [x, y] = [of(a), of(b)];
    return x === y ? (a.upload_id < b.upload_id ? 1 : -1) : (x < y ? -1 : 1) * way;
  });
}

/**
 * The newest page, and whichever older rows may stay below it. They stay only if the page reaches down to what was
 * loaded before: no upload may fall between them.
 */
export function joined(rows, page, cursor) {
  const meets = page.some((row) => rows.some((old) => old.upload_id === row.upload_id));
  if (!cursor || !meets) return { rows: page, older: false };
  const last = page.at(-1).upload_id;
  const older = rows.filter((row) => row.upload_id < last);
  return { rows: [...page, ...older], older: older.length > 0 };
}
