// @ts-check
// Forms that are sent without leaving the page.

import { h } from "./dom.js";

/** @import { Child } from "./dom.js" */

/** @param {() => void} send @param {...Child} children */
export function form(send, ...children) {
  const element = h("form", { class: "stack", novalidate: true }, ...children);
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  return element;
}

/** In a text of several lines, where Enter alone begins a new one. @param {HTMLTextAreaElement} text @param {() => void} send */
export function sendOnCtrlEnter(text, send) {
  text.setAttribute("aria-keyshortcuts", "Control+Enter");
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  });
}
