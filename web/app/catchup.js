// @ts-check
// Reads from the logs what pushes and polls have left out.

/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */

const PAGES = 50;

/**
 * Fill every gap. What is missing after this is missing in the log itself.
 * @param {Api} api
 * @param {Store} store
 */
export async function catchUp(api, store) {
  const newest = store.newest();
  for (const { id, log } of [...store.agents.values()]) {
    let after = log.have ?? -1;
    for (let page = 0; log.gap && page < PAGES; page++) {
      const { entries, more } = await api.log(id, after);
      store.apply({ type: "entry", agent: id, entries });
      after = entries.at(-1)?.iteration ?? after;
      if (!more || !entries.length) break;
    }
  }
  store.caughtUp(newest);
}
