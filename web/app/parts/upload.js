// @ts-check
// Adds files to the knowledge base, chosen or dropped, one after another; says how far it is, and of those that were refused, why.

import { fill, h, write } from "../dom.js";
import { plural } from "../format.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";

export class KnowledgeUpload extends Part {
  #input = h("input", { type: "file", multiple: true, class: "unseen", id: "knowledge-files" });
  #label = h("label", { class: "button button-quiet", for: "knowledge-files", title: "Or drop files anywhere on this view" }, "Add files");
  #notice = new Notice();
  #refused = h("div", { class: "stack" });

  build() {
    fill(this, this.#input, this.#label, this.#notice, this.#refused);
    this.#input.addEventListener("change", () => void this.#send([...(this.#input.files ?? [])]));
  }

  /** Take files that are dropped on `target`, too. @param {HTMLElement} target @returns {() => void} Ends it */
  dropOn(target) {
    const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false;
    const over = (/** @type {DragEvent} */ event) => {
      if (!carries(event)) return;
      event.preventDefault();
      target.classList.add("is-target");
    };
    const left = (/** @type {DragEvent} */ event) => {
      if (!(event.relatedTarget instanceof Node) || !target.contains(event.relatedTarget)) target.classList.remove("is-target");
    };
    const dropped = (/** @type {DragEvent} */ event) => {
      if (!carries(event)) return;
      event.preventDefault();
      target.classList.remove("is-target");
      void this.#send([...(event.dataTransfer?.files ?? [])]);
    };
    /** @type {[string, any][]} */
    const listeners = [["dragover", over], ["dragleave", left], ["drop", dropped]];
    for (const [name, listener] of listeners) target.addEventListener(name, listener);
    return () => listeners.forEach(([name, listener]) => target.removeEventListener(name, listener));
  }

  /** @param {File[]} files */
  async #send(files) {
    if (this.#input.disabled || !files.length) return;
    this.#input.disabled = true;
    this.#notice.clear();
    fill(this.#refused);
    let done = 0;
    for (const [index, file] of files.entries()) {
      write(this.#label, `Adding ${index + 1} of ${files.length}…`);
      try {
        await this.app.api.putKnowledge(file.name, file);
        done += 1;
      } catch (error) {
        const notice = new Notice();
        notice.fail(error);
        notice.prepend(h("p", {}, h("bdi", {}, file.name.slice(0, 200)), ":"));
        this.#refused.append(notice);
      }
    }
    if (done) this.#notice.tell(`${plural(done, "file")} added.`);
    this.#input.value = "";
    this.#input.disabled = false;
    write(this.#label, "Add files");
    this.app.files.soon();
  }
}
