// @ts-check
// How fresh the page is, from what was really heard.

import { span } from "../format.js";
import { Part } from "../part.js";
import { write } from "../dom.js";

/** @type {Record<string, string>} */
const HINT = {
  connecting: "Asking the server for the flock's state.",
  live: "Connected: changes appear the moment they happen.",
  reconnecting: "The connection was lost; this page is making a new one.",
  polling: "No live connection: asking every two seconds until there is one.",
  stale: "The server does not answer. What you see may be out of date.",
};

export class LiveBadge extends Part {
  build() {
    this.classList.add("live");
    this.until(this.app.live.on("live", () => this.changed()));
    this.until(this.app.on("tick", () => this.changed()));
  }

  draw() {
    const { live, flock, settings } = this.app;
    const { kind } = live;
    const age = flock.heard ? ` for ${span((Date.now() - flock.heard) / 1000)}` : "";
    this.dataset.kind = kind;
    const remedy = kind !== "stale" ? "" : settings.aws ? " Check your network." : " Check that `murmur up` is running.";
    this.title = `${HINT[kind] ?? ""}${remedy}`;
    write(this, kind === "stale" ? (age ? `stale${age}` : "no answer") : kind);
  }
}
