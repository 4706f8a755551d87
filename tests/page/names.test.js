// File names: the DfE number in them, and what the API takes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fitName, leftOutWords, numberIn, parted } from "../../functions/portal/assets/names.js";
import { keepSettings } from "../../functions/portal/assets/settings.js";

keepSettings({ limits: { name_bytes: 1500, name_letters: 255 } });

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

test("what a computer keeps beside a workbook is left out, and said", () => {
  const names = ["a.xlsx", "~$a.xlsx", "._a.xlsx", ".DS_Store", "~a.xlsx", "_.xlsx"];
  const { files, companions } = parted(names.map((name) => ({ name })));
  assert.deepEqual(
    files.map((file) => file.name),
    ["a.xlsx", "~a.xlsx", "_.xlsx"],
  );
  assert.equal(
    leftOutWords(companions),
    "3 files were left out that your computer keeps beside a workbook: ~$a.xlsx, ._a.xlsx and .DS_Store. Close Excel " +
      "before you upload.",
  );
  assert.match(leftOutWords([{ name: ".DS_Store" }]), /^1 file was left out .*: \.DS_Store\.$/);
  assert.equal(leftOutWords([]), "");
});
