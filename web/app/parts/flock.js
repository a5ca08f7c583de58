// @ts-check
// The first view: the ring, what happens, the agent looked at, and all agents.

import { fill, h } from "../dom.js";
import { Part } from "../part.js";
import { ActivityFeed } from "./feed.js";
import { AgentDetail } from "./detail.js";
import { AgentPanels } from "./agents.js";
import { RingPicture } from "./ring.js";

export class View extends Part {
  #ring = new RingPicture();
  #feed = new ActivityFeed();
  #detail = new AgentDetail();
  #agents = new AgentPanels();

  build() {
    const parts = [this.#ring, this.#feed, this.#detail, this.#agents];
    for (const part of parts) part.classList.add("card");
    fill(this, h("div", { class: "stage" }, this.#ring, this.#feed, this.#detail), this.#agents);
    for (const part of parts) part.attach(this.app);
    this.until(this.app.on("select", () => this.changed()));
    this.follow("agents");
  }

  draw() {
    const { agent, store } = this.app;
    const looked = agent !== null && store.agents.has(agent);
    this.#feed.hidden = looked;
    this.#detail.hidden = !looked;
  }
}
