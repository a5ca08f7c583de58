// @ts-check
// Files as folders. Pure.

/** @import { FileInfo } from "./types.js" */
/** @typedef {{ name: string, path: string, folders: Folder[], files: FileInfo[], count: number }} Folder `path` ends in a slash; `count`: files below it. */

/**
 * @param {readonly FileInfo[]} files In the order they shall stand
 * @param {string} prefix All keys begin with it
 * @returns {Folder}
 */
export function treeOf(files, prefix) {
  const root = folder("", prefix);
  /** @type {Map<string, Folder>} */
  const known = new Map([[prefix, root]]);
  for (const file of files) {
    let at = root;
    const parts = file.key.slice(prefix.length).split("/");
    root.count++;
    for (const part of parts.slice(0, -1)) {
      const path = `${at.path}${part}/`;
      let next = known.get(path);
      if (!next) {
        next = folder(part, path);
        known.set(path, next);
        at.folders.push(next);
      }
      next.count++;
      at = next;
    }
    at.files.push(file);
  }
  return root;
}

/** @param {string} name @param {string} path @returns {Folder} */
function folder(name, path) {
  return { name, path, folders: [], files: [], count: 0 };
}
