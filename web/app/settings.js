// @ts-check
// What this deployment tells its page: where the WebSocket is, and whether and where one signs in.

/** @typedef {{ authorize: string, token: string, logout: string, client: string, scope: string }} AuthSettings */
/** @typedef {{ live: string | null, auth: AuthSettings | null, aws: boolean }} Settings */

/** @type {Settings} A server that tells nothing is this machine's own. */
export const LOCAL = { live: null, auth: null, aws: false };

/** @returns {Promise<Settings>} */
export async function readSettings() {
  try {
    const response = await fetch("settings.json", { cache: "no-store", signal: AbortSignal.timeout(15_000) });
    return response.ok ? { ...LOCAL, ...(await response.json()) } : LOCAL;
  } catch {
    return LOCAL; // the live badge tells that the server does not answer
  }
}
