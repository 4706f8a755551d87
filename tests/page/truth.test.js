// What the page says of files on their way, of windows, and how often it looks.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fateOf, GRACE, knownBy, stillGood } from "../../functions/portal/assets/fates.js";
import { pace } from "../../functions/portal/assets/pace.js";
import { nextOf, overwritten, severalOf } from "../../functions/portal/assets/turns.js";
import { closedAt, countsFor, lossOf } from "../../functions/portal/assets/windows.js";

const expires = "2023-06-30T10:00:00Z";
const at = Date.parse(expires);

test("what is not known is called not known until the form has expired, and lost only then", () => {
  const left = { expires, begun: true, arrived: false };
  const waiting = { status: "AWAITING_UPLOAD" };
  assert.equal(fateOf(waiting, left, at - 1), "unknown");
  assert.equal(fateOf(waiting, left, at + GRACE - 1), "unknown");
  assert.equal(fateOf(waiting, left, at + GRACE), "lost");
  assert.equal(fateOf(waiting, { ...left, arrived: true }, at + GRACE), "checking"); // S3 had said that it has it
  assert.equal(fateOf(waiting, { ...left, begun: false }, at - 1), "lost"); // nothing of it was ever sent
  assert.equal(fateOf({ status: "CHECKING" }, left, at + 9 * GRACE), "checking");
  assert.equal(fateOf({ status: "OVERWRITTEN" }, { ...left, begun: false }, at), "judged");
  assert.equal(fateOf(null, left, at), "gone");
  assert.equal(knownBy(left), at + GRACE);
  assert.equal(knownBy({ expires: "2023-06-30T10:00:01Z" }), at + 2 * GRACE); // a whole minute, and none too early
  assert.deepEqual(
    [stillGood({ expires_at: expires }, at - 30_001), stillGood({ expires_at: expires }, at)],
    [true, false],
  );
});

test("an open page asks every 15 seconds while somebody is there, and less and less once it is left", () => {
  assert.deepEqual(
    [0, 599_999, 600_000, 3_599_999, 3_600_000, 9e9].map(pace),
    [15_000, 15_000, 60_000, 60_000, 300_000, 300_000],
  );
});

test("files of one school go one after the other, in the order in which they were chosen", () => {
  const [a1, b1, a2, none] = [{ number: "A" }, { number: "B" }, { number: "A" }, { number: null }];
  assert.equal(nextOf([a1, b1, a2], []), a1);
  assert.equal(nextOf([b1, a2], [a1]), b1);
  assert.equal(nextOf([a2], [a1]), undefined);
  assert.equal(nextOf([a2, none], [a1, b1]), none);
  // A second file never passes the first, also where the first must wait.
  assert.equal(nextOf([a1, a2], [{ number: "A" }]), undefined);
  assert.deepEqual(severalOf([a1, b1, a2, none]), [{ number: "A", lines: [a1, a2] }]);
});

test("what would be overwritten is counted in schools", () => {
  const lines = ["A", "B", "A", null].map((number) => ({ number }));
  const schools = overwritten(lines, (number) => (number === "A" ? { name: "old.xlsx" } : null));
  assert.deepEqual(
    schools.map((one) => [one.number, one.lines.length]),
    [["A", 2]],
  );
});

test("which window loses what, if its file is deleted", () => {
  const service = {
    windows: [
      { number: 1, closes_words: "12 noon on Friday 30 June 2023", open: false },
      { number: 2, open: true },
    ],
  };
  const frozen = { window: 1, counts: true, frozen: true };
  assert.match(
    lossOf(service, frozen),
    /^Window 1 is frozen with this file\. .* no file counts for window 1; its report/,
  );
  assert.match(lossOf(service, { ...frozen, carried_from: 1 }), /carried forward/);
  assert.match(lossOf(service, { ...frozen, frozen: false }), /^Window 1 has closed\. .* no report is made\.$/);
  assert.match(lossOf(service, { window: 2, counts: true }), /until another is uploaded\.$/);
  assert.equal(closedAt(service, 1), "Window 1 closed at 12 noon on Friday 30 June 2023 (London time).");
  assert.equal(countsFor([frozen, { window: 2, counts: false }, { window: 3, counts: true }]), "windows 1 and 3");
  assert.equal(countsFor([]), "");
});
