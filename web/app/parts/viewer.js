// @ts-check
// One file, shown as what it is. It is read again when it changes.

import { ApiError } from "../api.js";
import { fill, h, said } from "../dom.js";
import { SHOWN_BYTES, asText, beside, kindOf } from "../filetypes.js";
import { plural, prettyJson, size } from "../format.js";
import { Part } from "../part.js";
import { sieve } from "../safe.js";
import { changesOf } from "./diff.js";
import { Notice } from "./notice.js";

/** @import { Child } from "../dom.js" */

/** @typedef {"read" | "source" | "changes"} Way */
/** @typedef {{ key: string, etag: string, agent: number | null, iteration: number | null }} Author Of this version of the file. */

export class FileViewer extends Part {
  #head = h("div", { class: "viewer-head" });
  #body = h("div", { class: "viewer-body", tabindex: "0", role: "region", "aria-label": "File" });
  /** @type {Way} */
  #way = "read";
  #reading = 0;
  /** @type {string | null} */
  #shown = null;
  /** Who wrote the file that is read, where the listing does not say. @type {Author | null} */
  #author = null;
  /** Addresses of pictures, to be revoked. @type {string[]} */
  #pictures = [];

  build() {
    fill(this, this.#head, this.#body);
    this.until(this.app.on("file", () => {
      this.#way = "read";
      void this.#read();
      if (this.app.file) this.#head.scrollIntoView({ block: "nearest" });
    }));
    this.until(this.app.files.on("changed", (key) => key === this.app.file && void this.#read()));
    this.until(this.app.files.on("list", () => this.app.file !== null && this.#drawHead(this.app.file)));
    this.until(() => this.#letGo(this.#pictures));
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
    void this.#findAuthor(key);
    const before = this.#pictures;
    this.#pictures = [];
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
    this.#letGo(before);
    this.#body.scrollTop = key === this.#shown ? scrollTop : 0;
    this.#shown = key;
  }

  /** The listing tells of the newest turns only; the file itself says whose it is. @param {string} key */
  async #findAuthor(key) {
    const file = this.app.files.byKey.get(key);
    if (!file || typeof file.agent === "number" || !key.startsWith("output/")) return;
    try {
      const { current } = await this.app.reader.json("GET", this.app.reader.versionsPath(key));
      if (this.app.file !== key) return;
      this.#author = { key, etag: file.etag, agent: current.agent, iteration: current.iteration };
      this.#drawHead(key);
    } catch {
      this.#author = null; // the file itself could not be read either, and that is told where it would stand
    }
  }

  /** Who wrote the file, as far as it is known. @param {string} key */
  #authorOf(key) {
    const file = this.app.files.byKey.get(key);
    return typeof file?.agent === "number" || this.#author?.key !== key || this.#author.etag !== file?.etag ? file : this.#author;
  }

  /** @param {string} key */
  #drawHead(key) {
    const file = this.app.files.byKey.get(key);
    const author = this.#authorOf(key);
    const by = author?.agent;
    const turn = typeof author?.iteration === "number" ? `, turn ${author.iteration}` : "";
    const later = this.app.replay?.files.later(key) ?? 0;
    const written = `as the run left it: written ${plural(later, "more time")} after this moment`;
    const state = JSON.stringify([key, file, author, this.#way, later]);
    if (this.#head.dataset.state === state) return;
    this.#head.dataset.state = state;
    fill(
      this.#head,
      h("h3", {}, said(key)),
      typeof by === "number"
        && h("a", { class: "link", title: "Look at that turn in the timeline", href: this.#turnOf(by, file?.modified ?? "") }, `by agent ${by}${turn}`),
      h("span", { class: "hint" }, file ? size(file.size) : ""),
      later > 0 && h("span", { class: "tag", title: "Only a file's last version is kept" }, written),
      h("div", { class: "viewer-ways", role: "group", "aria-label": "How to show it" },
        kindOf(key) === "markdown" && this.#wayButton("source", "Source"), this.#wayButton("changes", "Changes"),
        h("button", { class: "button button-quiet", onclick: () => void this.#save(key) }, "Download")),
    );
  }

  /** @param {Way} way @param {string} words */
  #wayButton(way, words) {
    const choose = () => {
      this.#way = this.#way === way ? "read" : way;
      void this.#read();
    };
    return h("button", { class: "button button-quiet", "aria-pressed": String(this.#way === way), onclick: choose }, words);
  }

  /** The turn that was going on, or had just ended, when the file was written. @param {number} agent @param {string} modified */
  #turnOf(agent, modified) {
    const t = Date.parse(modified);
    return this.app.router.href({ view: "timeline", agent, t: Number.isNaN(t) ? null : t, file: "" });
  }

  /** @param {string} key */
  async #save(key) {
    try {
      await this.app.reader.download(this.app.reader.filePath(key, "download=1"), key.split("/").pop() ?? "file");
    } catch (error) {
      const notice = new Notice();
      notice.fail(error);
      this.#body.prepend(notice);
    }
  }

  /** @param {string} key @returns {Promise<Node>} */
  async #content(key) {
    const kind = kindOf(key);
    if (this.#way === "changes") return changesOf(this.app.reader, key, (path) => this.#picture(path));
    if (kind === "image") return this.#image(key);
    if (kind === "text" || this.#way === "source") return this.#text(key);
    try {
      return await this.#prose(key);
    } catch (error) {
      if (error instanceof ApiError && error.code === "too_large") return this.#text(key);
      throw error;
    }
  }

  /** @param {string} key */
  async #image(key) {
    const failed = () => fill(this.#body, h("p", { class: "empty" }, "This picture cannot be shown. Download it to open it elsewhere."));
    return h("img", { class: "picture", src: await this.#picture(this.app.reader.filePath(key)), alt: key.slice(0, 300), onerror: failed });
  }

  /** The address of a picture. As a picture an SVG runs nothing. @param {string} path */
  async #picture(path) {
    const address = await this.app.reader.objectUrl(path);
    this.#pictures.push(address);
    return address;
  }

  /** @param {string[]} pictures */
  #letGo(pictures) {
    for (const address of pictures) URL.revokeObjectURL(address);
  }

  /** @param {string} key */
  async #prose(key) {
    const api = this.app.reader;
    const response = await api.fetch(api.filePath(key, "rendered=html"));
    const prose = h("article", { class: "prose", dir: "auto" }, sieve(await response.text(), (path) => api.filePath(beside(key, path))));
    for (const image of prose.querySelectorAll("img")) void this.#fillIn(image);
    return prose;
  }

  /** A picture of the environment in a text: its path stands in `data-path` until it has been read. @param {HTMLImageElement} image */
  async #fillIn(image) {
    try {
      image.src = await this.#picture(image.dataset.path ?? "");
    } catch {
      image.replaceWith(h("span", { class: "dim" }, `[picture: ${image.alt}]`)); // as one from elsewhere is shown
    }
  }

  /** @param {string} key */
  async #text(key) {
    const api = this.app.reader;
    const response = await api.fetch(api.filePath(key, `length=${SHOWN_BYTES + 1}`));
    const text = asText(await response.arrayBuffer());
    if (!text) return h("p", { class: "empty" }, "This file is not text. Download it to open it elsewhere.");
    return h(
      "div", {},
      text.cut && h("p", { class: "hint" }, `The first ${size(SHOWN_BYTES)}; download it to read all.`),
      h("pre", { class: "source", dir: "auto" }, text.cut || !key.endsWith(".json") ? text.text : prettyJson(text.text)),
    );
  }
}
