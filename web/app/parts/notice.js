// @ts-check
// What went wrong, and what to do about it, where the reader is looking.

import { ApiError } from "../api.js";
import { fill, h, said } from "../dom.js";

/** A place for the outcome of an action. Empty, it takes no room. */
export class Notice extends HTMLElement {
  connectedCallback() {
    this.setAttribute("role", "status");
  }

  /** @param {unknown} error */
  fail(error) {
    const remedy = error instanceof ApiError ? error.remedy : "Reload the page, or run `murmur doctor`.";
    const message = error instanceof Error ? error.message : String(error);
    this.#show("notice notice-bad", [message, remedy]);
  }

  /** @param {string} message */
  tell(message) {
    this.#show("notice notice-good", [message]);
  }

  clear() {
    this.#show("notice", []);
  }

  /** What stands here already is not said again. @param {string} look @param {string[]} words The second is the remedy. */
  #show(look, words) {
    const shown = JSON.stringify([look, words]);
    if (shown === this.dataset.shown) return;
    this.dataset.shown = shown;
    this.className = look;
    fill(this, ...words.map((one, index) => one && h("p", { class: index ? "notice-remedy" : null }, said(one))));
  }
}
