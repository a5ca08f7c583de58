// @ts-check
// The command palette: everything that can be done, and every agent, by typing a part of its name.

import { fill, h } from "../dom.js";
import { Part } from "../part.js";
import { keyCaps } from "./keyhelp.js";

/** @import { Command } from "../commands.js" */

const SHOWN = 40;

export class CommandPalette extends Part {
  #input = h("input", {
    type: "text", class: "palette-input", placeholder: "What do you want to do?", "aria-label": "Command", role: "combobox", autocomplete: "off",
    spellcheck: "false", "aria-expanded": "true", "aria-controls": "palette-list", "aria-autocomplete": "list",
  });
  #list = h("ul", { class: "palette-list", id: "palette-list", role: "listbox", "aria-label": "Commands" });
  #dialog = h("dialog", { class: "dialog palette", "aria-label": "Commands" }, this.#input, this.#list);
  /** @type {Command[]} */
  #found = [];
  #at = 0;

  build() {
    fill(this, this.#dialog);
    this.until(this.app.commands.add({ title: "Open the command palette", group: "Everywhere", keys: "Mod+k", run: () => this.open() }));
    this.#input.addEventListener("input", () => this.#search());
    this.#dialog.addEventListener("keydown", (event) => this.#key(event));
    this.#dialog.addEventListener("click", (event) => event.target === this.#dialog && this.#dialog.close());
  }

  open() {
    if (this.#dialog.open) return this.#dialog.close();
    this.#input.value = "";
    this.#search();
    this.#dialog.showModal();
    this.#input.focus();
  }

  /** Those whose words all contain what was typed; the palette itself is no command in it. */
  #search() {
    const words = this.#input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const agents = words.length ? [...this.app.store.agents.keys()].map((id) => ({ title: `Look at agent ${id}`, run: () => this.#look(id) })) : [];
    this.#found = [...this.app.commands.possible().filter(({ keys }) => keys !== "Mod+k"), ...agents]
      .filter(({ title }) => words.every((word) => title.toLowerCase().includes(word)))
      .slice(0, SHOWN);
    this.#at = 0;
    this.#draw();
  }

  /** @param {number} id */
  #look(id) {
    this.app.router.go({ view: "flock", agent: id });
  }

  #draw() {
    const rows = this.#found.map((command, index) => h(
      "li", { class: "palette-item", role: "option", id: `palette-${index}`, "aria-selected": String(index === this.#at), onclick: () => this.#run(command) },
      command.title, command.keys ? keyCaps(command.keys) : null,
    ));
    fill(this.#list, ...(rows.length ? rows : [h("li", { class: "empty" }, "Nothing is called so.")]));
    this.#input.setAttribute("aria-activedescendant", rows.length ? `palette-${this.#at}` : "");
    rows[this.#at]?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const command = this.#found[this.#at];
    if (step !== undefined && this.#found.length) {
      this.#at = (this.#at + step + this.#found.length) % this.#found.length;
      this.#draw();
    } else if (event.key === "Enter" && command) this.#run(command);
    else return;
    event.preventDefault();
  }

  /** @param {Command} command */
  #run(command) {
    this.#dialog.close();
    command.run();
  }
}
