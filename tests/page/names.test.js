// File names: the DfE number in them, and what the API takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitName, numberIn, repeated } from "../../functions/portal/assets/names.js";

const NUMBERS = {
  "1231234.xlsx": "1231234",
  "2023KS1-1231234-good.xlsx": "1231234",
  "123-1234 Holly Lane.xlsx": "1231234",
  "KS1 123 1234 (2).xlsx": "1231234",
  "2023KS1RS (1).xlsx": null,
  "12312345.xlsx": null,
  "results.xlsx": null,
};

for (const [name, number] of Object.entries(NUMBERS)) {
  test(`the DfE number in ${name}`, () => assert.equal(numberIn(name), number));
}

test("a name fits the API: no control characters, never blank, its ending kept", () => {
  assert.equal(fitName("a\u0000b\n.xlsx"), "a_b_.xlsx");
  assert.equal(fitName(" "), "unnamed.xlsx");
  const long = fitName("🦉".repeat(400) + ".xlsx");
  assert.ok(long.endsWith("🦉.xlsx"));
  assert.ok(long.length <= 255 && encodeURIComponent(long).length <= 1500 && long.isWellFormed());
});

test("schools that several files are for", () => {
  const lines = ["1", "2", null, "1", null, "1"].map((number) => ({ number }));
  assert.deepEqual(repeated(lines), ["1"]);
});
