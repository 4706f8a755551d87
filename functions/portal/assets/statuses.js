// The statuses that people see, each with its picture; their words are the guide's, from the settings. Pure.
//
//   const [word, picture] = statusOf(row.status)

import { settings } from "./settings.js";

const PICTURES = {
  SUCCESSFUL: "tick",
  OVERWRITTEN: "overwritten",
  PROCESSING: "wait",
  UPLOAD_ERROR: "cross",
  CHECKING: "clock",
  AWAITING_UPLOAD: "clock",
};

/** The statuses, in the order in which the history sorts them. */
export const SHOWN = Object.keys(PICTURES);

/** The word for a status and its picture; undefined for one that the history never shows. */
export const statusOf = (status) => PICTURES[status] && [settings.statuses[status], PICTURES[status]];

export const MOVING = new Set(["CHECKING", "AWAITING_UPLOAD"]); // what else moves is watched: watch.js
