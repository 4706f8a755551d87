// The history's order, and a newer page joined to older ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COLUMNS, inOrder, joined } from "../../functions/portal/assets/ordering.js";

const row = (upload_id, name = "a.xlsx", more = {}) => ({
  upload_id,
  name,
  user: "U",
  status: "SUCCESSFUL",
  can_delete: false,
  ...more,
});
const ids = (rows) => rows.map((one) => one.upload_id).join("");

test("every column sorts both ways, and what is equal stays newest first", () => {
  const rows = [row("3", "b.xlsx"), row("1", "B.xlsx"), row("2", "a.xlsx", { status: "UPLOAD_ERROR" })];
  assert.equal(ids(inOrder(rows, "name", false)), "231");
  assert.equal(ids(inOrder(rows, "name", true)), "312");
  assert.equal(ids(inOrder(rows, "date", true)), "321");
  assert.equal(ids(inOrder(rows, "status", true)), "231");
  for (const { key } of COLUMNS) assert.equal(inOrder(rows, key, true).length, 3);
});

test("older rows stay only below a page that reaches down to what was loaded", () => {
  const held = [row("5"), row("4"), row("3")];
  assert.deepEqual(joined(held, [row("6"), row("5"), row("4")], "4"), {
    rows: [row("6"), row("5"), row("4"), row("3")],
    older: true,
  });
  assert.equal(ids(joined(held, [row("9"), row("8")], "8").rows), "98"); // 7 and 6 may lie between
  assert.equal(ids(joined(held, [row("5")], null).rows), "5"); // there are no others: 4 and 3 were deleted
});
