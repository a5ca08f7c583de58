// @ts-check
// The keys there are, on `?`.

import { fill, h } from "../dom.js";
import { Part } from "../part.js";

const MAC = /mac/i.test(navigator.platform);

/** @param {string} keys As commands spell them */
export function keyCaps(keys) {
  return h("span", { class: "keys" }, ...keys.split(" ").map((key) => h("kbd", {}, capOf(key))));
}

/** @param {string} key */
function capOf(key) {
  return key.startsWith("Mod+") ? `${MAC ? "⌘" : "Ctrl"} ${key.slice(4, 5).toUpperCase()}${key.slice(5)}` : key;
}

/** What single parts do with keys of their own. */
const MORE = [
  { group: "In the direction", title: "Save it", keys: "Mod+Enter" },
  { group: "In the ring", title: "From agent to agent, and choose", keys: "← → Enter" },
];

export class KeyHelp extends Part {
  #lists = h("div", { class: "help-groups" });
  #dialog = h("dialog", { class: "dialog help", "aria-labelledby": "help-title" },
    h("div", { class: "row" }, h("h2", { class: "dialog-title", id: "help-title" }, "Keys"),
      h("button", { class: "button button-quiet", onclick: () => this.#dialog.close() }, "Close")),
    this.#lists);

  build() {
    fill(this, this.#dialog);
    this.until(this.app.commands.add({ title: "Show the keys", group: "Everywhere", keys: "?", run: () => this.open() }));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  open() {
    const all = [...this.app.commands.withKeys(), ...MORE];
    const groups = [...new Set(all.map(({ group }) => group ?? "More"))];
    fill(this.#lists, ...groups.map((group) => h("section", {}, h("h3", {}, group), h("dl", {}, ...all
      .filter((one) => (one.group ?? "More") === group)
      .map(({ title, keys = "" }) => h("div", {}, h("dt", {}, title), h("dd", {}, keyCaps(keys))))))));
    this.#dialog.showModal();
  }
}
