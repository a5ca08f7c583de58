// @ts-check
// One entry of a log, as a person reads it: did, result, next.

import { h, said } from "../dom.js";
import { latency, timeOfDay } from "../format.js";
import { causeOf } from "../causes.js";

/** @import { App } from "../app.js" */
/** @import { Entry } from "../types.js" */

/** @param {Entry} entry */
export function threeLines(entry) {
  return h(
    "dl", { class: "said-lines" },
    h("dt", {}, "did"), h("dd", {}, said(entry.action)),
    h("dt", {}, "result"), h("dd", {}, said(entry.result)),
    h("dt", {}, "next"), h("dd", {}, said(entry.next_intent)),
  );
}

/**
 * @param {App} app
 * @param {Entry} entry
 */
export function entryItem(app, entry) {
  const files = (entry.files ?? []).slice(0, 12).map((key) =>
    h("button", { class: "link", onclick: () => app.open(key) }, said(key)));
  return h(
    "li", { class: "log-entry", "data-entry": entry.iteration },
    h(
      "div", { class: "log-head" },
      h("span", { class: "log-number" }, `#${entry.iteration}`),
      h("time", { datetime: entry.ts }, timeOfDay(entry.ts)),
      entry.state === "idle" && h("span", { class: "tag" }, "idle"),
      h("span", { class: "log-cause" }, said(causeOf(entry))),
      entry.turn_ms ? h("span", { class: "log-took", title: "How long the turn took" }, latency(entry.turn_ms)) : null,
    ),
    threeLines(entry),
    files.length ? h("div", { class: "log-files" }, "wrote ", ...files) : null,
    ...remarks("refused", entry.refused),
    ...remarks("doubted", entry.doubts),
  );
}

/** What the runtime itself says of the turn. @param {string} kind @param {readonly string[] | undefined} lines */
function remarks(kind, lines) {
  return (lines ?? []).slice(0, 12).map((line) => h("p", { class: "log-remark" }, h("span", { class: "tag" }, kind), " ", said(line)));
}
