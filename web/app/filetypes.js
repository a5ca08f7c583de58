// @ts-check
// How a file can be shown.

/** @typedef {"markdown" | "image" | "text"} FileKind */

/** What of a text file is shown at most; the rest is a download. */
export const SHOWN_BYTES = 256 * 1024;

/** @param {string} key @returns {FileKind} */
export function kindOf(key) {
  if (/\.(md|markdown)$/i.test(key)) return "markdown";
  if (/\.(png|jpe?g|gif|webp|avif|svg)$/i.test(key)) return "image";
  return "text";
}

/**
 * @param {string} key
 * @param {string} path A path as it stands in the file `key`, such as `../pictures/a.png`
 * @returns {string} The key it means
 */
export function beside(key, path) {
  const parts = path.startsWith("/") ? [] : key.split("/").slice(0, -1);
  for (const part of path.replace(/[?#].*$/s, "").split("/")) {
    if (part === "..") parts.pop();
    else if (part && part !== ".") parts.push(part);
  }
  return parts.map(decoded).join("/");
}

/** @param {string} part */
function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/**
 * The first bytes of a file as text; null if they are none.
 * @param {ArrayBuffer} body
 * @returns {{ text: string, cut: boolean } | null}
 */
export function asText(body) {
  const bytes = new Uint8Array(body);
  if (bytes.subarray(0, 8192).includes(0)) return null;
  return { text: new TextDecoder().decode(bytes.subarray(0, SHOWN_BYTES)), cut: bytes.length > SHOWN_BYTES };
}
