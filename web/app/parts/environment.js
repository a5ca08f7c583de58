// @ts-check
// What the agents work on: the files of output/ and of the knowledge base as a tree, and the one being read.

import { fill, h, said, write } from "../dom.js";
import { plural, size, timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { treeOf } from "../tree.js";
import { Notice } from "./notice.js";
import { KnowledgeUpload } from "./upload.js";
import { FileViewer } from "./viewer.js";

/** @import { Folder } from "../tree.js" */
/** @import { FileInfo } from "../types.js" */

const SHOWN = 400;
const OPENED = 60;
const FRESH_MS = 8000;
const FOLDERS = [
  { prefix: "output/", title: "Output", none: "No agent has written a file yet." },
  { prefix: "knowledge-base/", title: "Knowledge base", none: "Empty. Add what the agents shall read, or fill it with murmur run --knowledge FOLDER." },
];

customElements.define("murmur-upload", KnowledgeUpload);
customElements.define("murmur-viewer", FileViewer);

export class View extends Part {
  #filter = h("input", { type: "search", placeholder: "Filter files", "aria-label": "Filter files", autocomplete: "off" });
  #zip = h("button", { class: "button", title: "All files of output/ as one archive", onclick: () => void this.#saveAll() }, "Download all");
  #notice = new Notice();
  #saving = new Notice();
  #folders = FOLDERS.map((folder) => ({
    ...folder,
    count: h("span", { class: "hint" }),
    list: h("ul", { class: "files" }),
    empty: h("p", { class: "faint" }),
  }));

  build() {
    const replayed = this.app.replay !== null;
    const shown = replayed ? this.#folders.slice(0, 1) : this.#folders;
    const lists = shown.map(({ title, count, list, empty }) =>
      h("section", { class: "folder", "aria-label": title }, h("h3", {}, title, " ", count), empty, list));
    const viewer = new FileViewer();
    this.classList.add("card");
    fill(
      this,
      h("div", { class: "row" }, h("h2", { class: "card-title" }, "Environment"), this.#filter, this.#zip),
      this.#notice, this.#saving,
      h("div", { class: "environment" }, h("div", { class: "folders" }, ...lists), viewer),
    );
    if (!replayed) this.#uploads(lists.at(-1));
    viewer.attach(this.app);
    this.#filter.addEventListener("input", () => this.changed());
    this.until(this.app.files.on("list", () => this.changed()));
    this.until(this.app.on("file", () => this.changed()));
    this.app.files.soon();
  }

  /** @param {HTMLElement | undefined} section */
  #uploads(section) {
    const upload = new KnowledgeUpload();
    section?.firstElementChild?.after(upload);
    upload.attach(this.app);
    this.until(upload.dropOn(this));
  }

  draw() {
    const files = this.app.files;
    if (files.error) this.#notice.fail(files.error);
    else this.#notice.clear();
    const wanted = this.#filter.value.trim().toLowerCase();
    const all = [...files.byKey.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#zip.toggleAttribute("hidden", !all.some(({ key }) => key.startsWith("output/")));
    for (const { prefix, count, list, empty, none } of this.#folders) {
      const there = all.filter(({ key }) => key.startsWith(prefix));
      const found = there.filter(({ key }) => key.toLowerCase().includes(wanted));
      write(count, there.length ? plural(there.length, "file") : "");
      write(empty, found.length > SHOWN ? `The first ${SHOWN} of ${found.length}; filter to see others.` : there.length ? "No file matches." : none);
      empty.hidden = found.length > 0 && found.length <= SHOWN;
      this.#branch(list, treeOf(found.slice(0, SHOWN), prefix), wanted !== "" || found.length <= OPENED);
    }
  }

  /** @param {Element} list @param {Folder} folder @param {boolean} open */
  #branch(list, folder, open) {
    /** @type {(Folder | FileInfo)[]} */
    const items = [...folder.folders, ...folder.files];
    keyed(list, items, (item) => ("key" in item ? `f ${item.key} ${item.etag}` : `d ${item.path}`),
      (item) => ("key" in item ? this.#item(item, folder.path) : this.#subfolder(item, open)),
      (element, item) => ("key" in item ? this.#mark(element, item) : this.#update(element, item, open)));
  }

  /** @param {Folder} folder @param {boolean} open */
  #subfolder(folder, open) {
    const list = h("ul", { class: "files" });
    const summary = h("summary", {}, said(`${folder.name}/`, "file-name"), h("span", { class: "file-about" }));
    const element = h("li", {}, h("details", { class: "subfolder", open }, summary, list));
    this.#update(element, folder, open);
    return element;
  }

  /** @param {HTMLElement} element @param {Folder} folder @param {boolean} open */
  #update(element, folder, open) {
    const about = element.querySelector("summary > .file-about");
    const list = element.querySelector("details > ul");
    if (about) write(about, plural(folder.count, "file"));
    if (list) this.#branch(list, folder, open);
    if (this.app.file?.startsWith(folder.path)) element.querySelector("details")?.setAttribute("open", "");
  }

  /** @param {FileInfo} file @param {string} path */
  #item(file, path) {
    const by = typeof file.agent === "number" ? `agent ${file.agent}${typeof file.iteration === "number" ? `, turn ${file.iteration}` : ""}` : "";
    const fresh = this.app.store.now() - Date.parse(file.modified) < FRESH_MS;
    const item = h(
      "li", {},
      h("button", { class: `file${fresh ? " is-fresh" : ""}`, title: file.key.slice(0, 300), onclick: () => this.app.open(file.key) },
        said(file.key.slice(path.length), "file-name"),
        h("span", { class: "file-about" }, [by, file.size || !this.app.replay ? size(file.size) : "", timeOfDay(file.modified)].filter(Boolean).join(" · "))),
    );
    this.#mark(item, file);
    return item;
  }

  /** @param {HTMLElement} item @param {FileInfo} file */
  #mark(item, file) {
    item.firstElementChild?.setAttribute("aria-current", String(this.app.file === file.key));
  }

  async #saveAll() {
    this.#zip.disabled = true;
    this.#saving.clear();
    try {
      await this.app.reader.download(this.app.reader.zipPath(), this.app.replay ? `output-${this.app.replay.store.control.run}.zip` : "output.zip");
    } catch (error) {
      this.#saving.fail(error);
    }
    this.#zip.disabled = false;
  }
}
