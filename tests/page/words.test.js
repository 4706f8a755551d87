// Words for people: London time, counts, sizes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { count, day, duration, eitherOf, list, moment, size, stamp } from "../../functions/portal/assets/words.js";

test("moments are London's, in the words of the API", () => {
  assert.equal(moment("2023-06-30T11:00:00Z"), "12 noon on Friday 30 June 2023");
  assert.equal(moment("2023-06-30T10:59:59Z"), "11.59.59am on Friday 30 June 2023");
  assert.equal(moment("2023-06-29T23:00:00Z"), "midnight on Friday 30 June 2023");
  assert.equal(moment("2023-01-10T12:05:00Z"), "12.05pm on Tuesday 10 January 2023");
  assert.equal(moment("2023-01-10T15:00:00Z"), "3pm on Tuesday 10 January 2023");
  assert.equal(stamp("2023-06-01T08:11:00Z"), "01/06/2023 09:11");
  assert.equal(day("2023-12-31T23:59:59Z"), "Sunday 31 December 2023");
});

test("a duration has two parts, the second left out when it is nought", () => {
  const said = [0, 0.4, 1, 61, 3600, 7384, 90000, 259200 + 14400].map(duration);
  assert.deepEqual(said, [
    "0 seconds",
    "0 seconds",
    "1 second",
    "1 minute 1 second",
    "1 hour",
    "2 hours 3 minutes",
    "1 day 1 hour",
    "3 days 4 hours",
  ]);
});

test("counts, sizes and lists read as a person would say them", () => {
  assert.deepEqual(
    [count(1, "file"), count(1200, "file"), count(0, "more", "more")],
    ["1 file", "1,200 files", "0 more"],
  );
  assert.deepEqual([size(712), size(23_456), size(1_400_000)], ["712 bytes", "23 KB", "1.4 MB"]);
  assert.equal(list(["A", "B", "C"]), "A, B and C");
  assert.deepEqual(["Year 2", "Year 1 and Year 2"].map(eitherOf), ["Year 2", "Year 1 or Year 2"]);
});
