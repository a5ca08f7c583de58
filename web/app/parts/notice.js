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
    this.className = "notice notice-bad";
    fill(this, h("p", {}, said(message)), remedy && h("p", { class: "notice-remedy" }, said(remedy)));
  }

  /** @param {string} message */
  tell(message) {
    this.className = "notice notice-good";
    fill(this, h("p", {}, said(message)));
  }

  clear() {
    this.className = "notice";
    fill(this);
  }
}
