// What became of a file that was on its way when the page was left. Pure. What is not known is called not known.
//
//   fateOf(upload, left, now) gives "judged", "checking", "unknown", "lost" or "gone"

export const GRACE = 60_000; // milliseconds after its form's expiry in which a slow file may still show itself
const PENDING = new Set(["AWAITING_UPLOAD", "CHECKING"]);

/** Whether a form lives long enough to send a file with it. */
export const stillGood = (form, now, milliseconds = 30_000) => Date.parse(form.expires_at) > now + milliseconds;

export const isJudged = (upload) => !PENDING.has(upload.status);

/** When it will be known for certain whether the file arrived, in milliseconds: a whole minute. */
export const knownBy = (left) => Math.ceil((Date.parse(left.expires) + GRACE) / 60_000) * 60_000;

/** `upload` is what the API says of it, null if it knows of none; `left.arrived`: S3 had said that it has it. */
export function fateOf(upload, left, now) {
  if (!upload) return "gone";
  if (isJudged(upload)) return "judged";
  if (!left.begun) return "lost"; // its turn had not come
  if (upload.status === "CHECKING" || left.arrived) return "checking";
  return now < knownBy(left) ? "unknown" : "lost";
}
