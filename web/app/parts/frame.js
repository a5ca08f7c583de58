// @ts-check
// The place where the view is shown. A view exists only while it is looked at: what shall outlive it is in the address or a store.

import { fill, h } from "../dom.js";
import { Part } from "../part.js";
import { makeView, titleOf } from "../views.js";
import { Notice } from "./notice.js";

/** @import { Replay } from "../app.js" */

export class ViewFrame extends Part {
  /** What is shown or on its way, as "view run". */
  #wanted = "";

  build() {
    for (const topic of ["view", "run"]) this.until(this.app.router.on(topic, () => void this.#show()));
    this.until(this.app.flock.on("control", () => void this.#show()));
    void this.#show();
  }

  /** Show what the address names, unless it stands here already. */
  async #show() {
    const { view, run } = this.app.router.place;
    const wanted = `${view} ${this.app.isLive(run) ? "" : run}`;
    if (wanted === this.#wanted || (run && this.app.flock.control.state === "checking")) return;
    this.#wanted = wanted;
    document.body.dataset.view = view;
    const overtaken = () => wanted !== this.#wanted;
    try {
      const element = await makeView(view);
      const replay = await this.app.enter(run, overtaken); // last: from here on the old view would show another store
      if (!overtaken()) this.#mount(element, replay);
    } catch (error) {
      if (!overtaken()) this.#failed(view, error);
    }
  }

  /** @param {Part} element @param {Replay | null} replay */
  #mount(element, replay) {
    document.body.classList.toggle("is-replay", replay !== null);
    element.classList.add("view");
    fill(this, replay?.bar, element);
    element.attach(this.app);
    this.setAttribute("aria-label", titleOf(this.app.router.place.view));
  }

  /** @param {string} view @param {unknown} error */
  #failed(view, error) {
    const notice = new Notice();
    notice.fail(error);
    const again = () => {
      this.#wanted = "";
      void this.#show();
    };
    fill(this, h("div", { class: "card" },
      h("p", {}, `The view “${titleOf(view)}” could not be shown.`), notice,
      h("div", { class: "row" }, h("button", { class: "button", onclick: again }, "Try again"),
        h("a", { class: "link", href: "#/" }, "Back to the flock"))));
  }
}
