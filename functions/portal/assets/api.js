// The portal's API: JSON in and out, problems as sentences for people, and patience where the network has none.
//
//   await get("/uploads", { status: "SUCCESSFUL" }), which throws Problem

import { renew, signInAgain, token, Unreachable } from "./session.js";

/** What the API refused or could not do. `detail` is for people; `kind` is stable; `status` 0 means: not reached. */
export class Problem extends Error {
  constructor(status, kind, title, detail, more = {}) {
    super(detail);
    this.status = status;
    this.kind = kind;
    this.title = title;
    this.detail = detail;
    this.more = more;
  }
}

const OFFLINE =
  "We cannot reach Early Results at the moment. Check your internet connection; this page will try again.";
const BUSY = new Set([429, 500, 502, 503, 504]);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function once(method, path, { body, held }, bearer) {
  try {
    return await fetch(`api${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${bearer}`,
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(held ? { "If-None-Match": held } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
      cache: "no-store",
    });
  } catch {
    throw new Problem(0, "offline", "No connection", OFFLINE);
  }
}

async function answered(method, path, what) {
  let bearer;
  try {
    bearer = await token();
  } catch (error) {
    if (error instanceof Unreachable) throw new Problem(0, "offline", "No connection", OFFLINE);
    throw error;
  }
  let response = await once(method, path, what, bearer);
  if (response.status === 401) response = await once(method, path, what, await renew());
  while (response.status === 401) response = await once(method, path, what, await signInAgain());
  return response;
}

async function problem(response) {
  let told = {};
  try {
    told = await response.json();
  } catch {
    // An answer of the gateway's own has no problem document: the status alone must do.
  }
  const kind =
    String(told.type ?? "")
      .split(":")
      .pop() || `status-${response.status}`;
  const detail =
    told.detail ?? "Something went wrong on our side. Nothing you sent has been lost. Please try again in a moment.";
  return new Problem(response.status, kind, told.title ?? "Something went wrong", detail, told);
}

/** A request. Reading is tried again by itself when the network or the service falters; writing is not. */
async function request(method, path, tries, what = {}) {
  for (let attempt = 1; ; attempt++) {
    let failure;
    try {
      const response = await answered(method, path, what);
      if (response.ok || response.status === 304) return response;
      failure = await problem(response);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      failure = error;
    }
    const passing = failure.status === 0 || BUSY.has(failure.status);
    if (!passing || attempt >= tries) throw failure;
    await pause(300 * 2 ** attempt + Math.random() * 300);
  }
}

const query = (values) => {
  const kept = Object.entries(values ?? {}).filter(
    ([, value]) => value !== null && value !== undefined && value !== "",
  );
  return kept.length ? "?" + new URLSearchParams(kept) : "";
};

export const get = async (path, values, tries = 3) => (await request("GET", path + query(values), tries)).json();
export const post = async (path, body) => (await request("POST", path, 1, { body })).json();
export const put = async (path, body) => (await request("PUT", path, 1, { body })).json();
export const remove = async (path) => void (await request("DELETE", path, 1));

/** The name of what is at an address by now, or null if it is still `held`, the name of what is known already. */
export async function getUnless(path, held) {
  const response = await request("GET", path, 1, { held });
  return response.status === 304 ? null : { tag: response.headers.get("ETag") };
}

/** A file that the API itself answers with: its name and bytes. With a `body` it is one made of that. */
export async function file(path, values, body = null) {
  const response = body ? await request("POST", path, 1, { body }) : await request("GET", path + query(values), 2);
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  return { name: named?.[1] ?? "download.xlsx", blob: await response.blob() };
}
