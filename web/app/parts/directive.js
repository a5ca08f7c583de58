// @ts-check
// One agent's own instruction: written, replaced, taken away. The agent wakes for it.

import { fill, h, write } from "../dom.js";
import { form, sendOnCtrlEnter } from "../forms.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";

export class DirectiveBox extends Part {
  /** @type {number} */
  agent = 0;
  #text = h("textarea", { id: "directive", rows: 2, placeholder: "For this agent alone, beside the direction" });
  #save = h("button", { type: "submit", class: "button" }, "Give it");
  #clear = h("button", { class: "button button-quiet", onclick: () => void this.#send("") }, "Take it away");
  #hint = h("span", { class: "hint" }, "Ctrl-Enter gives it; the agent wakes for it");
  #notice = new Notice();
  #saved = "";
  /** How often something was sent: what was read before that is out of date. */
  #sent = 0;
  #box = h("details", { class: "fold fold-alone directive" }, h("summary", {}, "Directive"));

  build() {
    const send = () => void this.#send(this.#text.value);
    sendOnCtrlEnter(this.#text, send);
    this.#text.addEventListener("input", () => this.changed());
    this.#box.append(form(send, h("label", { class: "unseen", for: "directive" }, "Directive"), this.#text,
      h("div", { class: "row" }, this.#hint, this.#clear, this.#save), this.#notice));
    this.#box.addEventListener("toggle", () => this.#box.open && void this.#read());
    fill(this, this.#box);
    this.hidden = this.app.replay !== null;
    if (this.app.store.agents.get(this.agent)?.info.directive) this.#box.open = true;
  }

  async #read() {
    const sent = this.#sent;
    try {
      const { text } = await this.app.api.directive(this.agent);
      if (sent !== this.#sent) return;
      if (this.#text.value === this.#saved) this.#text.value = text;
      this.#saved = text;
      this.#notice.clear();
    } catch (error) {
      this.#notice.fail(error);
    }
    this.changed();
  }

  /** @param {string} text */
  async #send(text) {
    this.#save.disabled = true;
    this.#sent += 1;
    try {
      await this.app.api.saveDirective(this.agent, text);
      this.#saved = this.#text.value = text.trim() ? text : "";
      this.#notice.tell(text.trim() ? "Given." : "Taken away.");
    } catch (error) {
      this.#notice.fail(error);
    }
    this.changed();
  }

  draw() {
    this.#save.disabled = this.#text.value === this.#saved;
    this.#clear.hidden = !this.#saved;
    write(this.#save, this.#saved ? "Replace it" : "Give it");
  }
}
