// The guide's statuses, each with its picture. Pure.
//
//   const [word, picture] = STATUSES[row.status]

export const STATUSES = {
  SUCCESSFUL: ["Successful", "tick"],
  OVERWRITTEN: ["Overwritten", "overwritten"],
  PROCESSING: ["Processing", "wait"],
  UPLOAD_ERROR: ["Upload error", "cross"],
  CHECKING: ["Checking", "clock"],
  AWAITING_UPLOAD: ["Waiting for the file", "clock"],
};

export const MOVING = new Set(["CHECKING", "AWAITING_UPLOAD"]); // what else moves is watched: watch.js

/** What deleting does, in the guide's words. */
export const DELETE_WORDS =
  "This will delete the uploaded file from the file history; any reports and new Y3 estimates will be removed / " +
  "not generated.";
