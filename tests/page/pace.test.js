// What 300 open pages cost a day: the looks of a page are counted by its own pace, and priced.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pace } from "../../functions/portal/assets/pace.js";

const HOUR = 3_600_000;

/** How many looks a page makes in a day, all of which it is open and visible, with somebody at it for some hours. */
function looksOfADay(attended) {
  let looks = 0;
  for (let at = 0; at < 24 * HOUR; looks++) at += pace(Math.max(0, at - attended * HOUR));
  return looks;
}

// USD a million, N. Virginia. HTTP API: aws.amazon.com/api-gateway/pricing. Lambda, requests and GB seconds
// on arm64, first tier: cloudchipr.com/blog/aws-lambda-pricing. DynamoDB's read units on demand:
// airbyte.com/data-engineering-resources/dynamodb-pricing. Both quote AWS's own lists; these change.
const PRICES = { gateway: 1.0, invocation: 0.2, gigabyteSecond: 13.3334, readUnit: 0.125 };
// A look of a school: 20 ms (assumed) of 1,769 MB; user 1 unit, calendar, state, two registers, roster, report a half.
const LOOK = PRICES.gateway + PRICES.invocation + 0.02 * (1769 / 1024) * PRICES.gigabyteSecond + 4 * PRICES.readUnit;

test("a page that is open all day makes some 600 looks, and 300 of them cost less than half a dollar", () => {
  const looks = looksOfADay(1);
  assert.equal(looks, 240 + 40 + 50 + 264);
  const cost = (300 * looks * LOOK) / 1_000_000;
  assert.ok(cost < 0.4, `${cost.toFixed(3)} USD`);
  assert.ok(1.2 * cost < 0.5, "with a fifth more for London");
});

test("somebody at the page for a whole working day makes 2,000 looks, which cost half a cent", () => {
  const looks = looksOfADay(8);
  assert.equal(looks, 8 * 240 + 40 + 50 + 15 * 12);
  assert.ok((looks * LOOK) / 1_000_000 < 0.005);
});
