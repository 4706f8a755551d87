// The service's own clock: a computer whose clock is wrong still counts down rightly.
//
//   setClock(answer.now, sent, got);  now(), secondsTo(window.closes), openWindow(service)

let serverTime = 0;
let readAt = 0;

/** Sets the clock by an answer's own time; `sent` and `got` are when it was asked for and had, by this page. */
export function setClock(text, sent, got) {
  serverTime = Date.parse(text);
  readAt = (sent + got) / 2;
}

/** Now by the service's clock, in milliseconds: a computer whose clock is wrong still counts down rightly. */
export const now = () => serverTime + (performance.now() - readAt);

/** The window that is open by the service's clock at this moment, or undefined. */
export const openWindow = (service) =>
  service.windows.find((window) => Date.parse(window.opens) <= now() && now() < Date.parse(window.closes));

/** Seconds until a moment, never below nought. */
export const secondsTo = (text) => Math.max(0, (Date.parse(text) - now()) / 1000);
