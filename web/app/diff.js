// @ts-check
// What changed between two texts, line by line (Myers' greedy algorithm), within bounds: a comparison that would take too long says so.

/** @typedef {{ kind: "same" | "added" | "gone", text: string, before: number | null, after: number | null }} Row `before`, `after`: line numbers from 1. */
/** @typedef {{ rows: Row[], added: number, gone: number, coarse: boolean }} Diff `coarse`: the middle was too different to be compared line by line. */

/** Edits looked for at most; the work grows with their square. */
const EDITS = 1500;
/** Rows shown on each side of a change. */
const AROUND = 3;

/** @param {string} before @param {string} after @returns {Diff} */
export function diff(before, after) {
  const [a, b] = [lines(before), lines(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const [middleA, middleB] = [a.slice(head, a.length - tail), b.slice(head, b.length - tail)];
  const steps = middle(middleA, middleB);
  const kinds = steps ?? [...middleA.map(() => /** @type {const} */ ("gone")), ...middleB.map(() => /** @type {const} */ ("added"))];
  /** @type {(length: number) => Row["kind"][]} */
  const same = (length) => Array.from({ length }, () => "same");
  const all = [...same(head), ...kinds, ...same(tail)];
  return { rows: numbered(all, a, b), added: count(all, "added"), gone: count(all, "gone"), coarse: steps === null };
}

/** Rows far from any change, as numbers of rows left out. @param {readonly Row[]} rows @returns {(Row | number)[]} */
export function folded(rows) {
  const near = new Uint8Array(rows.length);
  rows.forEach((row, index) => {
    if (row.kind !== "same") near.fill(1, Math.max(0, index - AROUND), index + AROUND + 1);
  });
  /** @type {(Row | number)[]} */
  const found = [];
  rows.forEach((row, index) => {
    if (near[index]) found.push(row);
    else if (typeof found.at(-1) === "number") found.push(/** @type {number} */ (found.pop()) + 1);
    else found.push(1);
  });
  return found;
}

/** @param {string} text */
function lines(text) {
  const found = text.split(/\r?\n/);
  if (found.at(-1) === "") found.pop();
  return found;
}

/** @param {readonly Row["kind"][]} kinds @param {Row["kind"]} kind */
function count(kinds, kind) {
  return kinds.reduce((sum, one) => sum + Number(one === kind), 0);
}

/** @param {readonly Row["kind"][]} kinds @param {readonly string[]} a @param {readonly string[]} b @returns {Row[]} */
function numbered(kinds, a, b) {
  let [i, j] = [0, 0];
  return kinds.map((kind) => {
    const text = (kind === "added" ? b[j] : a[i]) ?? "";
    const row = { kind, text, before: kind === "added" ? null : i + 1, after: kind === "gone" ? null : j + 1 };
    if (kind !== "added") i++;
    if (kind !== "gone") j++;
    return row;
  });
}

/** The shortest way from `a` to `b`; null if it is too long. @param {readonly string[]} a @param {readonly string[]} b @returns {Row["kind"][] | null} */
function middle(a, b) {
  const most = Math.min(EDITS, a.length + b.length);
  const offset = most + 1;
  const furthest = new Int32Array(2 * most + 3);
  /** @type {Int32Array[]} */
  const trace = [];
  for (let edits = 0; edits <= most; edits++) {
    trace.push(furthest.slice(offset - edits - 1, offset + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && at(furthest, offset + k - 1) < at(furthest, offset + k + 1));
      let x = down ? at(furthest, offset + k + 1) : at(furthest, offset + k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      furthest[offset + k] = x;
      if (x >= a.length && x - k >= b.length) return walked(trace, a.length, b.length);
    }
  }
  return null;
}

/** @param {readonly Int32Array[]} trace @param {number} x @param {number} y @returns {Row["kind"][]} */
function walked(trace, x, y) {
  /** @type {Row["kind"][]} */
  const back = [];
  for (let edits = trace.length - 1; edits > 0; edits--) {
    const before = /** @type {Int32Array} */ (trace[edits]);
    const k = x - y;
    const value = (/** @type {number} */ diagonal) => at(before, diagonal + edits + 1);
    const down = k === -edits || (k !== edits && value(k - 1) < value(k + 1));
    const from = down ? k + 1 : k - 1;
    const fromX = value(from);
    const start = down ? fromX : fromX + 1;
    for (; x > start; x--, y--) back.push("same");
    back.push(down ? "added" : "gone");
    [x, y] = [fromX, fromX - from];
  }
  for (; x > 0; x--) back.push("same");
  return back.reverse();
}

/** @param {Int32Array} values @param {number} index */
function at(values, index) {
  return values[index] ?? 0;
}
