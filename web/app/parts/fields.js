// @ts-check
// The settings as the page groups them, and an input for each. Types, ranges and meanings come from the API (schema.js).

import { fill, h } from "../dom.js";
import { isNumeric } from "../schema.js";

/** @import { Rule } from "../schema.js" */
/** @typedef {{ title: string, fields: string[] }} Group */
/** @typedef {{ name: string, rule: Rule, row: HTMLElement, input: HTMLInputElement | HTMLSelectElement, problem: HTMLElement }} Field */

/** The first stands open; what the API has beyond these comes last. @type {Group[]} */
export const GROUPS = [
  { title: "Ring", fields: ["concurrency", "neighbourRadius", "algorithm", "swarmK"] },
  { title: "Runner", fields: ["runner", "model", "turnTimeoutSeconds"] },
  { title: "Waking and pacing", fields: ["loopIntervalSeconds", "minTurnGapSeconds", "staggerSeconds", "coalesceMilliseconds", "outputNews"] },
  { title: "Budget", fields: ["maxTurnsPerAgent", "maxRunMinutes", "maxTokensPerAgent", "maxRepeats", "idleTimeoutSeconds"] },
  { title: "Machines", fields: ["agentsPerInstance", "instanceType", "leaseMinutes", "knowledgeWritable"] },
];

/** @type {Record<string, [label: string, unit?: string]>} */
const WORDS = {
  concurrency: ["Agents"],
  neighbourRadius: ["Radius"],
  algorithm: ["Algorithm"],
  swarmK: ["Swarm reads", "agents"],
  runner: ["Runner"],
  model: ["Model"],
  turnTimeoutSeconds: ["Turn timeout", "s"],
  loopIntervalSeconds: ["Interval", "s"],
  minTurnGapSeconds: ["Turn gap", "s"],
  staggerSeconds: ["Stagger", "s"],
  coalesceMilliseconds: ["Coalesce", "ms"],
  outputNews: ["Output is news"],
  maxTurnsPerAgent: ["Turns", "per agent"],
  maxRunMinutes: ["Run", "min"],
  maxTokensPerAgent: ["Tokens", "per agent"],
  maxRepeats: ["Same words", "in a row"],
  leaseMinutes: ["Lease", "min"],
  idleTimeoutSeconds: ["Stop when settled", "s"],
  agentsPerInstance: ["Agents per host"],
  instanceType: ["Instance type"],
  knowledgeWritable: ["Agents write knowledge"],
};

/** @param {string} name @returns {[label: string, unit?: string]} */
function wordsOf(name) {
  return WORDS[name] ?? [name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase().replace(/^./, (first) => first.toUpperCase())];
}

/**
 * @param {string} name
 * @param {Rule} rule
 * @param {string[]} choices What may be chosen, where that is a list
 * @returns {Field}
 */
export function makeField(name, rule, choices) {
  const id = `field-${name}`;
  const [label, unit] = wordsOf(name);
  const problem = h("p", { class: "problem", id: `${id}-problem`, role: "status" });
  const input = inputOf(rule, choices, { id, name, title: rule.description ?? "", "aria-describedby": problem.id });
  const row = h("div", { class: "field", "data-field": name },
    h("label", { for: id, title: rule.description ?? "" }, label, " ", unit && h("span", { class: "unit" }, unit)), input, problem);
  return { name, rule, row, input, problem };
}

/** @param {Rule} rule @param {string[]} choices @param {Record<string, string>} shared */
function inputOf(rule, choices, shared) {
  if (choices.length) return h("select", shared, ...choices.map((value) => h("option", { value }, value)));
  if (rule.type === "boolean") return h("select", shared, h("option", { value: "true" }, "yes"), h("option", { value: "false" }, "no"));
  const numeric = isNumeric(rule);
  return h("input", {
    ...shared, type: "text", autocomplete: "off", spellcheck: "false", inputmode: numeric ? "decimal" : "text",
    placeholder: rule.default === "" ? "the runner's own" : "",
  });
}

/** Offer these, and keep what is chosen. @param {Field} field @param {[value: string, words: string][]} choices */
export function offer({ input }, choices) {
  if (!(input instanceof HTMLSelectElement)) return;
  const chosen = input.value;
  const known = [...input.options].map((option) => option.textContent).join("\n");
  if (known === choices.map(([, words]) => words).join("\n")) return;
  fill(input, ...choices.map(([value, words]) => h("option", { value }, words)));
  if (choices.some(([value]) => value === chosen)) input.value = chosen;
}

/** What the field holds, to be sent; undefined while it is empty. @param {Field} field */
export function heldBy({ rule, input }) {
  const text = input.value.trim();
  if (rule.type === "boolean") return text === "true";
  if (!text) return rule.default === "" ? "" : undefined;
  const number = Number(text);
  return isNumeric(rule) && Number.isFinite(number) ? number : text;
}
