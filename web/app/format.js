// @ts-check
// Numbers and times as people read them.

/** Made once: making one costs more than using it a hundred times. */
/** @type {Intl.DateTimeFormatOptions} */
const OF_DAY = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const TIME = new Intl.DateTimeFormat([], OF_DAY);
const DATE = new Intl.DateTimeFormat([], { day: "numeric", month: "short", year: "numeric", ...OF_DAY });

/**
 * A span of time in its two largest units: `8 s`, `4 min 12 s`, `2 h 05 min`.
 * @param {number} seconds
 */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

/**
 * The same, in one unit, for narrow places: `8 s`, `4 min`, `2 h`.
 * @param {number} seconds
 */
export function brief(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86_400)} d`;
}

/**
 * A running clock: `04:12`, `1:04:12`.
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor((whole % 3600) / 60))}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

/** @param {number} ms Milliseconds: `12 ms`, `1.4 s`, `2 min 10 s`. */
export function latency(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return span(ms / 1000);
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(bytes < 10_240 ? 1 : 0)} kB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** @param {string} iso The time of day, in the reader's zone; empty if `iso` is no time. */
export function timeOfDay(iso) {
  const at = Date.parse(iso);
  return Number.isNaN(at) ? "" : TIME.format(at);
}

/** @param {number} ms Since 1970. The day and the time, in the reader's zone. */
export function dated(ms) {
  return DATE.format(ms);
}

/** JSON as people read it; any other text as it is. @param {string} text */
export function prettyJson(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** @param {number} value */
export function count(value) {
  return value.toLocaleString("en").replaceAll(",", "\u202f");
}

/** @param {number} value @param {string} one @param {string} [many] */
export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, "0");
}
