// @ts-check
// The views, one click or two keys away.

import { fill, h, set } from "../dom.js";
import { Part } from "../part.js";
import { VIEWS } from "../views.js";

export class ViewNav extends Part {
  #links = VIEWS.map((view) => ({ view, link: h("a", { title: `${view.title} (g ${view.key})`, "aria-keyshortcuts": `g ${view.key}` }, view.title) }));

  build() {
    fill(this, ...this.#links.map(({ link }) => link));
    this.until(this.app.router.on("place", () => this.changed()));
    this.until(this.app.commands.add(...VIEWS.map(({ name, title, key }) => ({
      title: `Go to ${title}`, group: "Views", keys: `g ${key}`, run: () => this.app.router.go({ view: name }),
    }))));
  }

  draw() {
    const { router } = this.app;
    for (const { view, link } of this.#links) {
      set(link, { href: router.href({ view: view.name }), "aria-current": view.name === router.place.view && "page" });
    }
  }
}
