// How often an open page asks whether others changed anything. Pure.
//
//   pace(milliseconds since somebody last touched the page) gives the milliseconds to the next look

export const QUICK = 15_000;
const STEPS = [
  [600_000, QUICK], // somebody is at the page, or was within the last ten minutes
  [3_600_000, 60_000],
  [Infinity, 300_000], // left open, perhaps overnight: the first movement of the mouse asks at once
];

export const pace = (idle) => STEPS.find(([until]) => idle < until)[1];
