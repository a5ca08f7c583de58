// @ts-check
// The operator's goal. Saved with Ctrl-Enter; a change from elsewhere appears unless this one is being edited; then who works by it.

import { fill, h, write } from "../dom.js";
import { form, sendOnCtrlEnter } from "../forms.js";
import { plural, timeOfDay } from "../format.js";
import { Part } from "../part.js";
import { pickups } from "../pickup.js";
import { Notice } from "./notice.js";

const EXAMPLE = "Digest every document, then write one index.";
const CELLS = 100;
const WORDS = { taken: "works by it", reading: "is reading it", waiting: "has not read it yet" };

export class DirectionEditor extends Part {
  #text = h("textarea", {
    id: "direction", name: "direction", rows: 4, spellcheck: "true", placeholder: `For example: ${EXAMPLE}`,
    "aria-describedby": "direction-hint",
  });
  #save = h("button", { type: "submit", class: "button" }, "Save");
  #hint = h("span", { class: "hint", id: "direction-hint" });
  #notice = new Notice();
  #cells = h("div", { class: "pickup-cells", "aria-hidden": "true" });
  #picked = h("p", { class: "hint" });
  #pickup = h("div", { class: "pickup" }, this.#cells, this.#picked);
  #saved = "";

  build() {
    const save = () => void this.save();
    sendOnCtrlEnter(this.#text, save);
    this.#text.addEventListener("input", () => {
      this.#notice.clear();
      this.changed();
    });
    fill(this, form(
      save,
      h("label", { class: "card-title", for: "direction" }, "Direction"),
      this.#text,
      h("div", { class: "row" }, this.#hint, this.#save),
      this.#pickup,
      this.#notice,
    ));
    this.follow("direction", "control", "agents", "agent");
    this.until(this.app.commands.add({ title: "Write the direction", group: "Flock", keys: "e", run: () => this.#edit() }));
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

  #edit() {
    this.app.router.go({ view: "flock" });
    this.#text.focus();
  }

  async save() {
    const text = this.#text.value;
    this.#save.disabled = true;
    try {
      const direction = await this.app.api.saveDirection(text);
      this.#saved = text;
      this.app.flock.apply({ type: "direction", direction });
      const { state } = this.app.flock.control;
      this.#notice.tell(state === "running" || state === "settled" ? "Saved. The agents are being woken." : "Saved.");
    } catch (error) {
      this.#notice.fail(error);
    }
    this.changed();
  }

  draw() {
    const { direction } = this.app.flock;
    if (direction && this.unsaved === undefined && direction.text !== this.#saved) {
      this.#saved = direction.text;
      this.#text.value = direction.text;
    }
    const edited = this.unsaved !== undefined;
    this.#save.disabled = !edited;
    const at = timeOfDay(direction?.modified ?? "");
    const elsewhere = edited && direction && direction.text !== this.#saved;
    write(this.#hint, elsewhere ? "Changed elsewhere too; saving replaces it."
      : edited ? "Ctrl-Enter saves" : at && direction?.text ? `Saved at ${at}` : "What should the flock do?");
    this.#drawPickup();
  }

  /** A cell for each agent, and in words how many work by this direction. */
  #drawPickup() {
    const found = pickups(this.app.flock);
    this.#pickup.hidden = !found.size;
    if (!found.size) return;
    const taken = [...found.values()].filter((one) => one === "taken").length;
    const missing = [...found].filter(([, one]) => one !== "taken").map(([id]) => id);
    const who = missing.length && missing.length <= 6 ? `; not yet: ${missing.join(", ")}` : "";
    write(this.#picked, taken === found.size ? `Picked up by all ${plural(taken, "agent")}` : `Picked up by ${taken} of ${plural(found.size, "agent")}${who}`);
    this.#cells.hidden = found.size > CELLS;
    if (found.size > CELLS) return;
    while (this.#cells.childElementCount > found.size) this.#cells.lastElementChild?.remove();
    while (this.#cells.childElementCount < found.size) this.#cells.append(h("i"));
    for (const [index, [id, pickup]] of [...found].entries()) {
      const cell = this.#cells.children[index];
      if (!(cell instanceof HTMLElement) || cell.dataset.pickup === pickup) continue;
      cell.dataset.pickup = pickup;
      cell.title = `agent ${id} ${WORDS[pickup]}`;
    }
  }
}
