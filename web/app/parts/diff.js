// @ts-check
// What the last turn changed in a file: the version before beside the present one, line by line; pictures side by side.

import { h } from "../dom.js";
import { diff, folded } from "../diff.js";
import { SHOWN_BYTES, asText, kindOf } from "../filetypes.js";
import { plural, size, timeOfDay } from "../format.js";

/** @import { Api } from "../api.js" */
/** @import { Row } from "../diff.js" */
/** @typedef {{ size: number, modified: string, agent: number | null, iteration: number | null }} Version */
/** @typedef {{ current: Version, previous: Version | null }} Versions */

const ROWS = 4000;
const SIGNS = { same: " ", added: "+", gone: "−" };
const MEANS = { same: "", added: "added: ", gone: "removed: " };

/**
 * @param {Api} api
 * @param {string} key
 * @param {(path: string) => Promise<string>} picture The address of a picture
 * @returns {Promise<Node>}
 */
export async function changesOf(api, key, picture) {
  /** @type {Versions} */
  const { current, previous } = await api.json("GET", api.versionsPath(key));
  if (!previous) return h("p", { class: "empty" }, "There is no earlier version to compare with: it was written once, or what it was before was not kept.");
  const about = h("p", { class: "diff-about" },
    h("span", { class: "diff-gone" }, `before: ${words(previous)}`), h("span", { class: "diff-added" }, `now: ${words(current)}`));
  if (kindOf(key) === "image") {
    const [before, now] = await Promise.all([picture(api.filePath(key, "version=previous")), picture(api.filePath(key))]);
    return h("div", {}, about, h("div", { class: "diff-pictures" },
      h("img", { class: "picture", src: before, alt: "before" }), h("img", { class: "picture", src: now, alt: "now" })));
  }
  const length = `length=${SHOWN_BYTES + 1}`;
  const [before, now] = await Promise.all([read(api, api.filePath(key, `version=previous&${length}`)), read(api, api.filePath(key, length))]);
  if (!before || !now) {
    const sizes = `This file is not text: it was ${size(previous.size)} and is ${size(current.size)}.`;
    return h("div", {}, about, h("p", { class: "empty" }, sizes));
  }
  return h("div", {}, about, ...compared(before, now));
}

/** @param {{ text: string, cut: boolean }} before @param {{ text: string, cut: boolean }} now */
function compared(before, now) {
  const { rows, added, gone, coarse } = diff(before.text, now.text);
  const shown = folded(rows);
  const table = h("table", { class: "diff" },
    h("caption", { class: "hint" }, `${plural(added, "line")} added, ${plural(gone, "line")} removed`),
    h("tbody", {}, ...shown.slice(0, ROWS).map((row) => (typeof row === "number" ? fold(row) : line(row)))));
  const notes = [
    (before.cut || now.cut) && `Only the first ${size(SHOWN_BYTES)} of each are compared.`,
    coarse && "Too different to be compared line by line: what changed is shown as a whole.",
    shown.length > ROWS && `The first ${plural(ROWS, "line")} of ${shown.length}.`, !added && !gone && "Both say the same.",
  ];
  return [...notes.filter(Boolean).map((note) => h("p", { class: "hint" }, /** @type {string} */ (note))), table];
}

/** @param {Row} row */
function line({ kind, text, before, after }) {
  return h("tr", { class: `diff-${kind}` },
    h("td", { class: "diff-number" }, before), h("td", { class: "diff-number" }, after),
    h("td", { class: "diff-sign" }, SIGNS[kind], h("span", { class: "unseen" }, MEANS[kind])),
    h("td", { class: "diff-text", dir: "auto" }, text.slice(0, 5000)));
}

/** @param {number} count */
function fold(count) {
  return h("tr", { class: "diff-fold" }, h("td", { colspan: 4 }, `${plural(count, "line")} as before`));
}

/** @param {Version} version */
function words({ agent, iteration, modified, size: bytes }) {
  const by = agent === null ? "by the operator" : `agent ${agent}${iteration === null ? "" : `, turn ${iteration}`}`;
  return [by, timeOfDay(modified), size(bytes)].filter(Boolean).join(" · ");
}

/** @param {Api} api @param {string} path */
async function read(api, path) {
  return asText(await (await api.fetch(path)).arrayBuffer());
}
