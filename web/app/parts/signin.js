// @ts-check
// In place of the page while nobody is signed in.

import { fill, h, said } from "../dom.js";

/** @import { Session } from "../session.js" */

export class SignIn extends HTMLElement {
  /** @param {Session} session */
  show(session) {
    fill(this, h(
      "div", { class: "card signin" },
      h("img", { src: "mark.svg", alt: "", width: 44, height: 44 }),
      h("h2", { class: "dialog-title" }, "Sign in to see this flock"),
      h("p", { class: "dim" }, session.reason ? said(session.reason) : "You come back here afterwards."),
      h("button", { class: "button button-main", onclick: () => void session.signIn() }, "Sign in"),
    ));
    this.querySelector("button")?.focus();
  }
}
