// Whose rows a workbook has, read before anything is sent.
import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateRawSync } from "node:zlib";
import { numberUnder, schoolIn } from "../../functions/portal/assets/peek.js";
import { keepSettings } from "../../functions/portal/assets/settings.js";

keepSettings({ limits: { nil_bytes: 200 } });

const SHARED = ["School DFE", "UPN", "1231234"];

/** A zip file of these parts, as Excel packs them. */
function zip(parts) {
  const [files, list] = [[], []];
  let offset = 0;
  for (const [name, text] of Object.entries(parts)) {
    const [title, packed] = [Buffer.from(name), deflateRawSync(Buffer.from(text))];
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(8, 8);
    local.writeUInt16LE(title.length, 26);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(8, 10);
    central.writeUInt32LE(packed.length, 20);
    central.writeUInt16LE(title.length, 28);
    central.writeUInt32LE(offset, 42);
    files.push(local, title, packed);
    list.push(central, title);
    offset += 30 + title.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(Buffer.concat(list).length, 12);
  end.writeUInt32LE(offset, 16);
  return new Blob([...files, ...list, end]);
}

const cell = (at, text) => `<c r="${at}" t="inlineStr"><is><t>${text}</t></is></c>`;
const sheet = (...cells) => `<worksheet><sheetData><row>${cells.join("")}</row></sheetData></worksheet>`;

test("the number under the heading, whatever kind of cell it stands in", () => {
  assert.equal(
    numberUnder('<c r="B3" t="s"><v>0</v></c><c r="A4"><v>9</v></c><c r="B4" t="s"><v>2</v></c>', SHARED),
    "1231234",
  );
  assert.equal(numberUnder(`${cell("A1", "School DFE")}<c r="A2"/><c r="A3"><v>1231234</v></c>`, []), "1231234");
  assert.equal(
    numberUnder(`<x:c r="A1" t="inlineStr"><x:is><x:t>School DFE</x:t></x:is></x:c>${cell("A2", "123/1234")}`, []),
    "1231234",
  );
  assert.equal(numberUnder(cell("A1", "School DFE") + cell("B2", "1231234"), []), null);
  assert.equal(numberUnder(cell("A2", "1231234"), []), null);
});

test("a workbook's school, from the file itself", async () => {
  const strings = `<sst>${SHARED.map((text) => `<si><t>${text}</t></si>`).join("")}</sst>`;
  const own = sheet('<c r="A1" t="s"><v>0</v></c>', '<c r="A2" t="s"><v>2</v></c>');
  const file = zip({
    "xl/worksheets/sheet1.xml": sheet(cell("A1", "Notes")),
    "xl/worksheets/sheet2.xml": own,
    "xl/sharedStrings.xml": strings,
  });
  assert.equal(await schoolIn(file), "1231234");
});

test("what is no workbook has no school, and harms nobody", async () => {
  for (const bytes of ["", "milk, eggs", "PK\u0003\u0004", "x".repeat(100_000)])
    assert.equal(await schoolIn(new Blob([bytes])), null);
});

test("whose nil return a text is", async () => {
  const nil = "Early Results nil return\nservice: ks2-2026\nschool: 1231234\n";
  assert.equal(await schoolIn(new Blob([nil])), "1231234");
  assert.equal(await schoolIn(new Blob([nil.replaceAll("\n", "\r\n")])), "1231234");
  for (const other of [`${nil}more`, nil.replace("school", "pupil"), `x${nil}`, nil.padEnd(300)])
    assert.equal(await schoolIn(new Blob([other])), null);
});
