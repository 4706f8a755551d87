// Addresses that are kept, sent and gone back to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { read, written } from "../../functions/portal/assets/address.js";

const ID = "01H45Z99ZEYBT0WGY93QERE8AQ";

test("an address says the tab, the upload and the filters, and is read as it was written", () => {
  for (const [hash, told] of [
    ["", { service: "", upload: null, filters: {} }],
    ["#ks1-2023", { service: "ks1-2023", upload: null, filters: {} }],
    [`#ks1-2023/${ID}`, { service: "ks1-2023", upload: ID, filters: {} }],
    [
      `#mtc-2026/${ID}?status=UPLOAD_ERROR&find=a+b`,
      {
        service: "mtc-2026",
        upload: ID,
        filters: { status: "UPLOAD_ERROR", find: "a b" },
      },
    ],
  ]) {
    assert.deepEqual(read(hash), told);
    if (hash) assert.equal(written(told), hash);
  }
});

test("what is no address of ours says nothing, and an empty filter is left out", () => {
  assert.deepEqual(read("#<script>"), { service: "", upload: null, filters: {} });
  assert.equal(written({ service: "ks1-2023", filters: { status: "", find: "x" } }), "#ks1-2023?find=x");
});
