// @ts-check
// The base of all parts of the page: told of the app once, drawn at most once a frame, gone without a trace.

/** @import { App } from "./app.js" */

/** A custom element that draws itself from the store. Subclasses write `build` (once) and `draw` (after changes). */
export class Part extends HTMLElement {
  /** @type {App} */
  app = /** @type {any} */ (undefined);
  #due = false;
  /** @type {(() => void)[]} */
  #ends = [];

  /** @param {App} app @returns {this} */
  attach(app) {
    this.app = app;
    this.build();
    this.changed();
    return this;
  }

  disconnectedCallback() {
    for (const end of this.#ends.splice(0)) end();
  }

  /** Run `end` when the element leaves the page. @param {() => void} end */
  until(end) {
    this.#ends.push(end);
  }

  /** Draw again when one of these topics of the store comes. @param {...string} topics */
  follow(...topics) {
    for (const topic of topics) this.until(this.app.store.on(topic, () => this.changed()));
  }

  /** Ask for a drawing in the next frame; asking again before it costs nothing. */
  changed() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      if (this.isConnected) this.draw();
    });
  }

  build() {}

  draw() {}
}
