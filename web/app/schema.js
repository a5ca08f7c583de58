// @ts-check
// The rules of the settings, from the API's own description of itself, so that the page says at once what the API would say.

/**
 * One field of FlockConfig, as JSON Schema has it.
 * @typedef {{ type?: string, enum?: string[], minimum?: number, maximum?: number, exclusiveMinimum?: number, maxLength?: number,
 *   pattern?: string, description?: string, default?: string | number | boolean }} Rule
 */

/** @import { Api } from "./api.js" */

/** @param {Api} api @returns {Promise<Record<string, Rule>>} By name; empty if the API does not describe itself. */
export async function readRules(api) {
  const document = await api.json("GET", "/openapi.json");
  return document?.components?.schemas?.FlockConfig?.properties ?? {};
}

/**
 * Why the value breaks its rule; "" if it does not.
 * @param {Rule} rule
 * @param {string | number | boolean} value
 */
export function problemOf(rule, value) {
  if (rule.enum) return rule.enum.includes(String(value)) ? "" : `One of ${rule.enum.join(", ")}.`;
  if (isNumeric(rule)) return numberProblem(rule, value);
  if (typeof value !== "string") return "";
  if (rule.maxLength !== undefined && value.length > rule.maxLength) return `At most ${rule.maxLength} characters.`;
  if (rule.pattern && !new RegExp(rule.pattern, "u").test(value)) return "Letters, digits and hyphens; no spaces.";
  return "";
}

/** @param {Rule} rule @param {string | number | boolean} value */
function numberProblem(rule, value) {
  if (typeof value !== "number") return "A number, please.";
  if (rule.type === "integer" && !Number.isInteger(value)) return "A whole number, please.";
  const { minimum: least, maximum: most, exclusiveMinimum: above } = rule;
  const fits = (least === undefined || value >= least) && (above === undefined || value > above) && (most === undefined || value <= most);
  if (fits) return "";
  const low = least !== undefined ? `at least ${least}` : above !== undefined ? `more than ${above}` : "";
  const high = most !== undefined ? `at most ${most}` : "";
  const words = [low, high].filter(Boolean).join(", ");
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}

/** The rules between fields, as murmur/config.py has them. @param {Record<string, unknown>} config @returns {[string, string] | null} Field and problem. */
export function crossProblem(config) {
  const [size, radius] = [Number(config.concurrency), Number(config.neighbourRadius)];
  const half = Math.max(1, Math.floor(size / 2));
  return radius > half ? ["neighbourRadius", `At most half the flock: ${half} for ${size} agents.`] : null;
}

/** @param {Rule} rule */
export function isNumeric(rule) {
  return rule.type === "integer" || rule.type === "number";
}
