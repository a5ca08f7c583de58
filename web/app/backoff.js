// @ts-check
// How long to wait before trying again: doubling, capped, with jitter so that many pages do not come back at once.

const FIRST_MS = 300;
const MOST_MS = 10_000;
/** After so many failures the wait no longer grows. */
const DOUBLINGS = Math.ceil(Math.log2(MOST_MS / FIRST_MS));

export class Backoff {
  failures = 0;

  /** @returns {number} Milliseconds until the next attempt: between half and all of the doubled span. */
  next() {
    const most = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(this.failures++, DOUBLINGS));
    return most * (0.5 + Math.random() / 2);
  }

  /** It worked for a moment: wait a little before the next attempt, not long. */
  ease() {
    this.failures = Math.min(this.failures, 2);
  }

  reset() {
    this.failures = 0;
  }
}
