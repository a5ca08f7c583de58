// @ts-check
// What is there everywhere: palette, keys, dark and light, sign-out.

import { fill, h, svg } from "../dom.js";
import { Part } from "../part.js";
import { toggleTheme } from "../theme.js";
import { CommandPalette } from "./palette.js";
import { KeyHelp, keyCaps } from "./keyhelp.js";

export class PageTools extends Part {
  #palette = new CommandPalette();
  #help = new KeyHelp();
  #out = h("button", { class: "button button-quiet", onclick: () => this.app.session?.signOut() }, "Sign out");

  build() {
    fill(
      this,
      h("button", { class: "tool tool-palette", onclick: () => this.#palette.open() }, h("span", {}, "Commands"), keyCaps("Mod+k")),
      h("button", { class: "tool", onclick: () => this.#turn(), "aria-label": "Dark or light", title: "Dark or light (d)" }, halfMoon()),
      h("button", { class: "tool", onclick: () => this.#help.open(), "aria-label": "Keys", title: "Keys (?)" }, "?"),
      this.#out, this.#palette, this.#help,
    );
    this.#palette.attach(this.app);
    this.#help.attach(this.app);
    this.until(this.app.commands.add({ title: "Switch between dark and light", group: "Everywhere", keys: "d", run: () => this.#turn() }));
    if (!this.app.session) return this.#out.remove();
    this.until(this.app.commands.add({ title: "Sign out", group: "Everywhere", run: () => this.app.session?.signOut() }));
  }

  #turn() {
    toggleTheme();
    this.app.emit("theme");
  }
}

function halfMoon() {
  return svg("svg", { viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    svg("circle", { cx: 8, cy: 8, r: 6, class: "tool-line" }), svg("path", { d: "M8 2a6 6 0 0 1 0 12z", class: "tool-fill" }));
}
