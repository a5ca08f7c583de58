// @ts-check
// Rendered Markdown from the server, taken in once more through a sieve: only elements and attributes named here survive,
// rebuilt one by one. The server has cleaned it and the page's policy forbids scripts; this is the third lock.

import { h } from "./dom.js";

const ALLOWED = new Set([
  "a", "abbr", "b", "blockquote", "br", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img",
  "ins", "kbd", "li", "ol", "p", "pre", "s", "samp", "small", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead",
  "tr", "ul",
]);
const DROPPED = new Set(["script", "style", "template", "iframe", "object", "embed", "noscript", "svg", "math", "form", "link", "meta", "base"]);
const DEEPEST = 60;

/**
 * @param {string} markup
 * @param {(path: string) => string} filePath Where a file beside this one is; put into `data-path` of its picture, to be read with what the API asks for
 * @returns {DocumentFragment}
 */
export function sieve(markup, filePath) {
  const parsed = new DOMParser().parseFromString(markup, "text/html");
  const fragment = document.createDocumentFragment();
  copy(parsed.body, fragment, filePath, 0);
  return fragment;
}

/** @param {Node} from @param {Node} to @param {(path: string) => string} filePath @param {number} depth */
function copy(from, to, filePath, depth) {
  for (const node of from.childNodes) {
    if (node.nodeType === Node.TEXT_NODE) to.appendChild(document.createTextNode(node.nodeValue ?? ""));
    if (!(node instanceof Element) || depth > DEEPEST) continue;
    const name = node.localName;
    if (DROPPED.has(name)) continue;
    const kept = ALLOWED.has(name) ? element(node, name, filePath) : to;
    if (kept !== to) to.appendChild(kept);
    copy(node, kept, filePath, depth + 1);
  }
}

/** @param {Element} node @param {string} name @param {(path: string) => string} filePath @returns {HTMLElement} */
function element(node, name, filePath) {
  if (name === "a") return link(node);
  if (name === "img") return image(node, filePath);
  const made = document.createElement(name);
  if (name === "ol" && node.hasAttribute("start")) made.setAttribute("start", String(parseInt(node.getAttribute("start") ?? "1", 10) || 1));
  return made;
}

/** Only addresses that lead out of the page, in a new tab that knows nothing of this one. @param {Element} node */
function link(node) {
  const href = node.getAttribute("href") ?? "";
  if (!/^(https?:|mailto:)/i.test(href.trim())) return h("span");
  return h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" });
}

/**
 * Pictures come from the environment or not at all: no other server learns that a file was read.
 * @param {Element} node
 * @param {(path: string) => string} filePath
 */
function image(node, filePath) {
  const source = node.getAttribute("src") ?? "";
  const alt = node.getAttribute("alt") ?? "";
  if (!source || /^([a-z][a-z0-9+.-]*:|\/\/)/i.test(source)) return h("span", { class: "dim" }, `[picture: ${alt || source}]`);
  return h("img", { "data-path": filePath(source), alt });
}
