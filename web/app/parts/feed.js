// @ts-check
// The newest entries of the whole flock, newest on top.

import { fill, h, said } from "../dom.js";
import { timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { causeOf } from "../causes.js";

/** @import { FeedItem } from "../store.js" */

export class ActivityFeed extends Part {
  #list = h("ol", { class: "feed", "aria-label": "Newest entries" });
  #empty = h("div", { class: "empty" });

  build() {
    fill(this, h("div", { class: "row" }, h("h2", { class: "card-title" }, "Activity")), this.#empty, this.#list);
    this.follow("feed", "control");
  }

  draw() {
    const { store } = this.app;
    const items = store.feed;
    this.#empty.hidden = items.length > 0;
    this.#list.hidden = !items.length;
    keyed(this.#list, items, ({ agent, entry }) => `${store.control.run}/${agent}/${entry.iteration}`, (item) => this.#item(item));
    if (items.length) return;
    if (store.control.state === "checking") fill(this.#empty, h("p", {}, "Asking the server…"));
    else if (store.control.state === "stopped") {
      fill(this.#empty,
        h("p", {}, "Nothing has happened yet."),
        h("ol", { class: "steps" },
          h("li", {}, "Add what the agents shall read to the ", h("a", { class: "link", href: "#/environment" }, "knowledge base"), "."),
          h("li", {}, "Write a direction."),
          h("li", {}, "Press Start, or run ", h("code", {}, "murmur start"), ".")),
        h("p", { class: "hint" }, "All in one command: ", h("code", {}, "murmur run --knowledge FOLDER --direction …")));
    } else fill(this.#empty, h("p", {}, "Nobody has written yet. The first entries appear here when the first turns end."));
  }

  /** @param {FeedItem} item */
  #item({ agent, entry }) {
    return h(
      "li", { class: "feed-item" },
      h("time", { datetime: entry.ts }, timeOfDay(entry.ts)),
      h("button", { class: "chip", onclick: () => this.app.select(agent), "aria-label": `agent ${agent}` }, agent),
      h("div", { class: "feed-words" },
        h("p", {}, said(entry.action), entry.state === "idle" && h("span", { class: "tag" }, "idle")),
        h("p", { class: "dim" }, said(entry.result)),
        h("p", { class: "faint" }, said(causeOf(entry)))),
    );
  }
}
