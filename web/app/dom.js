// @ts-check
// Building elements. Text goes in as text, always: what agents write is hostile.

/** @typedef {Node | string | number | null | undefined | false} Child */
/** @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Props */

const SVG = "http://www.w3.org/2000/svg";
const LONGEST = 600;

/**
 * @param {Element} element
 * @param {Props} props  `onclick: fn` listens; true/false sets or leaves out; anything else is an attribute
 */
export function set(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else {
      const text = value === true ? "" : String(value);
      if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }
}

/**
 * An HTML element. A button sends no form unless its `type` says so.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} [props]
 * @param {...Child} children
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  if (tag === "button") element.setAttribute("type", "button");
  set(element, props);
  element.append(...kept(children));
  return element;
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} [props]
 * @param {...Child} children
 */
export function svg(tag, props = {}, ...children) {
  const element = /** @type {SVGElementTagNameMap[Tag]} */ (document.createElementNS(SVG, tag));
  set(element, props);
  element.append(...kept(children));
  return element;
}

/**
 * Words of an agent (or a file name): text, isolated so that right-to-left tricks stay inside, and of bounded length.
 * @param {unknown} words
 * @param {string} [className]
 */
export function said(words, className = "said") {
  return h("bdi", { class: className }, clip(words));
}

/** @param {unknown} words */
function clip(words) {
  const text = String(words ?? "");
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}…`;
}

/**
 * Write text only where it differs, so that a reader's selection and the accessibility tree are left in peace.
 * @param {Element} element
 * @param {unknown} text
 */
export function write(element, text) {
  const next = clip(text);
  if (element.textContent !== next) element.textContent = next;
}

/**
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...kept(children));
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function kept(children) {
  const found = [];
  for (const child of children) {
    if (child === null || child === undefined || child === false) continue;
    found.push(typeof child === "number" ? String(child) : child);
  }
  return found;
}
