// @ts-check
// The operator's goal. Saved with Ctrl-Enter; a change from elsewhere appears unless this one is being edited.

import { fill, h, write } from "../dom.js";
import { timeOfDay } from "../format.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";

const EXAMPLE = "Digest every document, then write one index.";

export class DirectionEditor extends Part {
  #text = h("textarea", {
    id: "direction", name: "direction", rows: 6, spellcheck: "true", placeholder: `For example: ${EXAMPLE}`,
    "aria-describedby": "direction-hint", "aria-keyshortcuts": "Control+Enter",
  });
  #save = h("button", { type: "submit", class: "button" }, "Save");
  #hint = h("span", { class: "hint", id: "direction-hint" });
  #notice = new Notice();
  #saved = "";

  build() {
    const form = h(
      "form", { class: "stack" },
      h("label", { class: "card-title", for: "direction" }, "Direction"),
      this.#text,
      h("div", { class: "row" }, this.#hint, this.#save),
      this.#notice,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.save();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      void this.save();
    });
    this.#text.addEventListener("input", () => {
      this.#notice.clear();
      this.changed();
    });
    fill(this, form);
    this.follow("direction");
  }

  /** The text, if it was changed here and not saved yet. */
  get unsaved() {
    return this.#text.value === this.#saved ? undefined : this.#text.value;
  }

  /** It was saved by other means (a start carries it). */
  markSaved() {
    this.#saved = this.#text.value;
    this.changed();
  }

  async save() {
    const text = this.#text.value;
    this.#save.disabled = true;
    try {
      const direction = await this.app.api.saveDirection(text);
      this.#saved = text;
      this.app.store.apply({ type: "direction", direction });
      this.#notice.tell(this.app.store.control.state === "running" || this.app.store.control.state === "settled"
        ? "Saved. The agents are being woken." : "Saved.");
    } catch (error) {
      this.#notice.fail(error);
    }
    this.changed();
  }

  draw() {
    const { direction } = this.app.store;
    if (direction && this.unsaved === undefined && direction.text !== this.#saved) {
      this.#saved = direction.text;
      this.#text.value = direction.text;
    }
    const edited = this.unsaved !== undefined;
    this.#save.disabled = !edited;
    const at = timeOfDay(direction?.modified ?? "");
    const elsewhere = edited && direction && direction.text !== this.#saved;
    write(this.#hint, elsewhere ? "Changed elsewhere too; saving replaces it."
      : edited ? "Ctrl-Enter saves" : at ? `Saved at ${at}` : "What should the flock do?");
  }
}
