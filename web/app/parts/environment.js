// @ts-check
// What the agents work on: the files of output/ and of the knowledge base, and the one being read.

import { fill, h, said, write } from "../dom.js";
import { plural, size, timeOfDay } from "../format.js";
import { keyed } from "../list.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";
import { KnowledgeUpload } from "./upload.js";
import { FileViewer } from "./viewer.js";

/** @import { FileInfo } from "../types.js" */

const SHOWN = 400;
const FOLDERS = [
  { prefix: "output/", title: "Output", none: "No agent has written a file yet." },
  { prefix: "knowledge-base/", title: "Knowledge base", none: "Empty. Add what the agents shall read, or fill it with murmur run --knowledge FOLDER." },
];

export class EnvironmentView extends Part {
  #filter = h("input", { type: "search", placeholder: "Filter files", "aria-label": "Filter files", autocomplete: "off" });
  #zip = h("a", { class: "button", download: "output.zip", title: "All files of output/ as one archive" }, "Download all");
  #notice = new Notice();
  #folders = FOLDERS.map((folder) => ({
    ...folder,
    count: h("span", { class: "hint" }),
    list: h("ul", { class: "files" }),
    empty: h("p", { class: "faint" }),
  }));

  build() {
    const lists = this.#folders.map(({ title, count, list, empty }) =>
      h("section", { class: "folder" }, h("h3", {}, title, " ", count), empty, list));
    const upload = new KnowledgeUpload();
    lists.at(-1)?.firstElementChild?.after(upload);
    upload.attach(this.app);
    const viewer = new FileViewer();
    this.#zip.href = this.app.api.zipUrl();
    fill(
      this,
      h("div", { class: "row" }, h("h2", { class: "card-title" }, "Environment"), this.#filter, this.#zip),
      this.#notice,
      h("div", { class: "environment" }, h("div", { class: "folders" }, ...lists), viewer),
    );
    viewer.attach(this.app);
    this.#filter.addEventListener("input", () => this.changed());
    this.until(this.app.files.on("list", () => this.changed()));
    this.until(this.app.on("file", () => this.changed()));
  }

  draw() {
    const { files } = this.app;
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
      keyed(list, found.slice(0, SHOWN), (file) => `${file.key} ${file.etag}`, (file) => this.#item(file, prefix), (item, file) => this.#mark(item, file));
    }
  }

  /** @param {FileInfo} file @param {string} prefix */
  #item(file, prefix) {
    const by = typeof file.agent === "number" ? `agent ${file.agent}` : "";
    const item = h(
      "li", {},
      h("button", { type: "button", class: "file", onclick: () => this.app.open(file.key) },
        said(file.key.slice(prefix.length), "file-name"),
        h("span", { class: "file-about" }, [by, size(file.size), timeOfDay(file.modified)].filter(Boolean).join(" · "))),
    );
    this.#mark(item, file);
    return item;
  }

  /** @param {HTMLElement} item @param {FileInfo} file */
  #mark(item, file) {
    item.firstElementChild?.setAttribute("aria-current", String(this.app.file === file.key));
  }
}
