// @ts-check
// One file, shown as what it is. It is read again when it changes.

import { ApiError } from "../api.js";
import { fill, h, said } from "../dom.js";
import { SHOWN_BYTES, asText, beside, kindOf } from "../filetypes.js";
import { size } from "../format.js";
import { Part } from "../part.js";
import { sieve } from "../safe.js";
import { Notice } from "./notice.js";

/** @import { Child } from "../dom.js" */

export class FileViewer extends Part {
  #head = h("div", { class: "viewer-head" });
  #body = h("div", { class: "viewer-body", tabindex: "0", role: "region", "aria-label": "File" });
  #source = false;
  #reading = 0;
  /** @type {string | null} */
  #shown = null;

  build() {
    fill(this, this.#head, this.#body);
    this.until(this.app.on("file", () => {
      this.#source = false;
      void this.#read();
      if (this.app.file) this.#head.scrollIntoView({ block: "nearest" });
    }));
    this.until(this.app.files.on("changed", (key) => key === this.app.file && void this.#read()));
    void this.#read();
  }

  async #read() {
    const key = this.app.file;
    const reading = ++this.#reading;
    if (key === null) {
      fill(this.#head);
      fill(this.#body, h("p", { class: "empty" }, "Choose a file to read it here. It follows the agents: when one changes the file, so does this page."));
      return;
    }
    this.#drawHead(key);
    /** @type {Child[]} */
    let content;
    try {
      content = [await this.#content(key)];
    } catch (error) {
      const notice = new Notice();
      notice.fail(error);
      content = [notice];
    }
    if (reading !== this.#reading) return;
    const { scrollTop } = this.#body;
    fill(this.#body, ...content);
    this.#body.scrollTop = key === this.#shown ? scrollTop : 0;
    this.#shown = key;
  }

  /** @param {string} key */
  #drawHead(key) {
    const file = this.app.files.byKey.get(key);
    const by = file?.agent;
    const toggle = () => {
      this.#source = !this.#source;
      void this.#read();
    };
    fill(
      this.#head,
      h("h3", {}, said(key)),
      typeof by === "number" && h("button", { type: "button", class: "link", onclick: () => this.app.agent !== by && this.app.select(by) }, `by agent ${by}${typeof file?.iteration === "number" ? `, entry ${file.iteration}` : ""}`),
      h("span", { class: "hint" }, file ? size(file.size) : ""),
      kindOf(key) === "markdown" && h("button", { type: "button", class: "button button-quiet", "aria-pressed": String(this.#source), onclick: toggle }, "Source"),
      h("a", { class: "button button-quiet", href: this.app.api.fileUrl(key, "download=1"), download: key.split("/").pop() ?? "file" }, "Download"),
    );
  }

  /** @param {string} key @returns {Promise<Node>} */
  async #content(key) {
    const kind = kindOf(key);
    if (kind === "image") return this.#picture(key);
    if (kind === "text" || this.#source) return this.#text(key);
    try {
      return await this.#prose(key);
    } catch (error) {
      if (error instanceof ApiError && error.code === "too_large") return this.#text(key);
      throw error;
    }
  }

  /** @param {string} key */
  #picture(key) {
    const failed = () => fill(this.#body, h("p", { class: "empty" }, "This picture cannot be shown. Download it to open it elsewhere."));
    return h("img", { class: "picture", src: this.app.api.fileUrl(key, `at=${this.#reading}`), alt: key, onerror: failed });
  }

  /** @param {string} key */
  async #prose(key) {
    const { api } = this.app;
    const response = await api.fetch(api.filePath(key, "rendered=html"));
    return h("article", { class: "prose", dir: "auto" }, sieve(await response.text(), (path) => api.fileUrl(beside(key, path))));
  }

  /** @param {string} key */
  async #text(key) {
    const { api } = this.app;
    const response = await api.fetch(api.filePath(key, `length=${SHOWN_BYTES + 1}`));
    const text = asText(await response.arrayBuffer());
    if (!text) return h("p", { class: "empty" }, "This file is not text. Download it to open it elsewhere.");
    return h(
      "div", {},
      text.cut && h("p", { class: "hint" }, `The first ${size(SHOWN_BYTES)}; download it to read all.`),
      h("pre", { class: "source", dir: "auto" }, pretty(key, text)),
    );
  }
}

/** @param {string} key @param {{ text: string, cut: boolean }} read */
function pretty(key, { text, cut }) {
  if (cut || !key.endsWith(".json")) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
