// A verdict in a few words, a transfer in a few words, lines of CSV.
import assert from "node:assert/strict";
import { test } from "node:test";
import { csvLine } from "../../functions/portal/assets/csv.js";
import { doing } from "../../functions/portal/assets/doing.js";
import { countWords, grouped, isGood, why } from "../../functions/portal/assets/outcome.js";

const finding = (code, message, cell) => ({ code, message, cell });

test("findings of one rule and message are one group, in the order they came", () => {
  const groups = grouped([
    finding("a", "x", "A1"),
    finding("b", "x", "B1"),
    finding("a", "x", "A2"),
    finding("a", "y"),
  ]);
  assert.deepEqual(
    groups.map((group) => group.map((one) => one.cell)),
    [["A1", "A2"], ["B1"], [undefined]],
  );
});

test("why a file was refused: the kinds of error, never the warnings", () => {
  const rules = {
    a: { title: "A", severity: "error" },
    b: { title: "B", severity: "error" },
    w: { title: "W", severity: "warning" },
  };
  const upload = (...codes) => ({ findings: codes.map((code) => finding(code)), rules, next_step: "Next" });
  assert.equal(why(upload("w", "a", "a")), "A");
  assert.equal(why(upload("a", "b")), "A and 1 other kind of error");
  assert.equal(why(upload("w")), "Next");
});

test("counts in words", () => {
  assert.equal(countWords({ errors: 2, warnings: 1 }), "2 errors and 1 warning");
  assert.equal(countWords(undefined), "no errors");
  assert.deepEqual(
    ["SUCCESSFUL", "UPLOAD_ERROR"].map((status) => isGood({ status })),
    [true, false],
  );
});

test("a transfer's progress is 100% only when all of it was sent", () => {
  const sending = (progress) => doing({ phase: "sending", progress, size: 2_000_000 });
  assert.equal(sending(0.999).words, "Sending: 99% of 2.0 MB");
  assert.equal(sending(1).words, "Sent. Waiting for it to be confirmed …");
  assert.equal(doing({ phase: "checking", progress: 1, size: 1 }).value, null);
});

test("no cell of a CSV starts a formula", () => {
  const texts = ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", 'quo"te', "plain", null];
  assert.equal(csvLine(texts), `"'=1+1","'+1","'-1","'@x","'\t=1","'\r=1","quo""te","plain",""`);
});
