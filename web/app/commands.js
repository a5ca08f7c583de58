// @ts-check
// What the reader can do by keyboard and palette: one list, to which the app and every view add theirs.

/**
 * @typedef {object} Command
 * @property {string} title As the palette and the key help show it.
 * @property {string} [group] Heading in the key help.
 * @property {string} [keys] `p`, `?`, `g t` (one after the other), `Mod+k` (Ctrl or Cmd); without: palette only.
 * @property {() => boolean} [when] Whether it can be done now; left out: always.
 * @property {() => void} run
 */

const SECOND_KEY_MS = 1500;

export class Commands {
  /** @type {Set<Command>} */
  #all = new Set();
  #first = "";
  #since = 0;

  /** @param {...Command} commands @returns {() => void} Takes them away again: hand it to `Part.until`. */
  add(...commands) {
    for (const command of commands) this.#all.add(command);
    return () => {
      for (const command of commands) this.#all.delete(command);
    };
  }

  /** Those that can be done now. */
  possible() {
    return [...this.#all].filter((command) => command.when?.() ?? true);
  }

  /** Every command that has keys, whether or not it can be done now. */
  withKeys() {
    return [...this.#all].filter(({ keys }) => keys);
  }

  /** Listen to the page's keys; those typed into a field or an open dialog are left alone. */
  start() {
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.defaultPrevented || event.altKey || event.isComposing) return;
    const mod = event.ctrlKey || event.metaKey;
    if (!mod && (isTyping(event.target) || document.querySelector("dialog[open]"))) return;
    const found = this.#find(mod ? `Mod+${event.key.toLowerCase()}` : event.key, event.timeStamp);
    if (!found) return;
    event.preventDefault();
    found.run();
  }

  /** The command of this key, or of the one before it and this. @param {string} pressed @param {number} at */
  #find(pressed, at) {
    const begun = this.#first && at - this.#since < SECOND_KEY_MS ? `${this.#first} ` : "";
    const commands = this.possible();
    const found = commands.find(({ keys }) => keys === begun + pressed) ?? commands.find(({ keys }) => keys === pressed);
    this.#first = !found && commands.some(({ keys }) => keys?.startsWith(`${pressed} `)) ? pressed : "";
    this.#since = at;
    return found;
  }
}

/** A field of a dialog that was just closed keeps the focus for a moment, unseen. @param {EventTarget | null} target */
function isTyping(target) {
  if (!(target instanceof HTMLElement) || !target.checkVisibility()) return false;
  return target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio], [type=range]), textarea, select");
}
