// @ts-check
// Where agents stand and how their edges bend. Pure; the twin of murmur/ring.py for pictures before a start.

/** @typedef {{ x: number, y: number }} Point */

/** Algorithms in which anybody may be read. What a running flock reads is told by its status; an algorithm need not be known here. */
const EVERYONE = new Set(["mesh", "swarm"]);

/** The drawing is a square of this many units. */
const SIDE = 440;

/** @param {number} total */
export function radiusOf(total) {
  return total <= 24 ? SIDE * 0.39 : SIDE * 0.415;
}

/** In how many rows the agents stand: one, until they would be too small to tell apart. @param {number} total */
function rowsOf(total) {
  return total <= 100 ? 1 : Math.min(10, Math.ceil(total / 110));
}

/**
 * How large one agent may be drawn.
 * @param {number} total
 */
export function nodeSize(total) {
  return Math.max(1.6, Math.min(19, (Math.PI * radiusOf(total) * 0.68 * rowsOf(total)) / Math.max(1, total)));
}

/**
 * The place of an agent; agent 0 stands on top and the ring runs clockwise. Where there are rows, neighbours stand in different ones.
 * @param {number} index
 * @param {number} total
 * @returns {Point}
 */
export function placeOf(index, total) {
  if (total <= 1) return { x: 0, y: 0 };
  const radius = radiusOf(total) - (index % rowsOf(total)) * nodeSize(total) * 2.7;
  const angle = (index / total) * 2 * Math.PI - Math.PI / 2;
  return { x: Math.cos(angle) * radius, y: Math.sin(angle) * radius };
}

/**
 * Who is read, as murmur/ring.py has it: never itself, nobody twice.
 * @param {number} agent
 * @param {number} total
 * @param {number} radius
 * @returns {number[]}
 */
export function ringNeighbours(agent, total, radius) {
  const found = new Set();
  for (let step = 1; step <= Math.min(radius, Math.floor(total / 2)); step++) {
    found.add((agent + step) % total).add((agent - step + total) % total);
  }
  found.delete(agent);
  return [...found].sort((a, b) => a - b);
}

/**
 * How many hops one agent's news needs until everybody may know it; null for an algorithm that has no twin here.
 * @param {string} algorithm
 * @param {number} total
 * @param {number} radius
 * @returns {number | null}
 */
export function hopsToEveryone(algorithm, total, radius) {
  if (total <= 1) return 0;
  if (algorithm === "amorphous") return Math.ceil(Math.floor(total / 2) / Math.max(1, radius));
  return EVERYONE.has(algorithm) ? 1 : null;
}

/**
 * The pairs (a < b) that read each other; none for an algorithm that has no twin here.
 * @param {string} algorithm
 * @param {number} total
 * @param {number} radius
 * @returns {[number, number][]}
 */
export function edges(algorithm, total, radius) {
  /** @type {[number, number][]} */
  const found = [];
  for (let a = 0; a < total; a++) {
    const others = algorithm === "amorphous" ? ringNeighbours(a, total, radius) : EVERYONE.has(algorithm) ? range(total) : [];
    for (const b of others) if (a < b) found.push([a, b]);
  }
  return found;
}

/**
 * The line of an edge: along the ring to the next agent, and inside of those that stand between for the others.
 * @param {number} a
 * @param {number} b
 * @param {number} total
 */
export function curve(a, b, total) {
  const [from, to, radius] = [placeOf(a, total), placeOf(b, total), radiusOf(total)];
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const depth = Math.hypot(middle.x, middle.y);
  const steps = Math.min(Math.abs(a - b), total - Math.abs(a - b));
  const wanted = steps === 1 && rowsOf(total) === 1 ? radius : Math.min(depth, radius - nodeSize(total) * (1.6 + 1.3 * (steps - 1)));
  const pull = depth > 1 ? (2 * Math.max(0, wanted) - depth) / depth : 1;
  return `M${n(from.x)} ${n(from.y)}Q${n(middle.x * pull)} ${n(middle.y * pull)} ${n(to.x)} ${n(to.y)}`;
}

/** @param {number} total @returns {number[]} */
function range(total) {
  return Array.from({ length: total }, (_, index) => index);
}

/** @param {number} value */
function n(value) {
  return value.toFixed(1);
}
