// @ts-check
// Adds files to the knowledge base, one after another, and says how far it is.

import { fill, h, write } from "../dom.js";
import { plural } from "../format.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";

export class KnowledgeUpload extends Part {
  #input = h("input", { type: "file", multiple: true, class: "hidden-input", id: "knowledge-files" });
  #label = h("label", { class: "button button-quiet", for: "knowledge-files" }, "Add files");
  #notice = new Notice();

  build() {
    fill(this, this.#input, this.#label, this.#notice);
    this.#input.addEventListener("change", () => void this.#send([...(this.#input.files ?? [])]));
  }

  /** @param {File[]} files */
  async #send(files) {
    this.#input.disabled = true;
    this.#notice.clear();
    let done = 0;
    try {
      for (const file of files) {
        write(this.#label, `Adding ${done + 1} of ${files.length}…`);
        await this.app.api.putKnowledge(file.name, file);
        done += 1;
      }
      this.#notice.tell(`${plural(done, "file")} added.`);
    } catch (error) {
      this.#notice.fail(error);
    }
    this.#input.value = "";
    this.#input.disabled = false;
    write(this.#label, "Add files");
    this.app.files.soon();
  }
}
