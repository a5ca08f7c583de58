// @ts-check
// How long to wait before trying again: doubling, capped, with jitter so that many pages do not come back at once.

export class Backoff {
  failures = 0;

  /** @param {{ firstMs?: number, mostMs?: number, random?: () => number }} [options] */
  constructor({ firstMs = 300, mostMs = 10_000, random = Math.random } = {}) {
    this.firstMs = firstMs;
    this.mostMs = mostMs;
    this.random = random;
  }

  /** @returns {number} Milliseconds until the next attempt: between half and all of the doubled span. */
  next() {
    const most = Math.min(this.mostMs, this.firstMs * 2 ** Math.min(this.failures++, 20));
    return most * (0.5 + this.random() / 2);
  }

  /** It worked for a moment: wait a little before the next attempt, not long. */
  ease() {
    this.failures = Math.min(this.failures, 2);
  }

  reset() {
    this.failures = 0;
  }
}
