// @ts-check
// Signing in with Cognito: the authorization code flow with PKCE. Tokens live as long as the tab and never stand in an address.

import { Emitter } from "./emitter.js";
import { keep, recall } from "./kept.js";

/** @import { AuthSettings } from "./settings.js" */
/** @typedef {{ id: string, refresh: string, until: number }} Tokens `until`: ms since 1970. */

const KEPT = "murmur.session";
const BEGUN = "murmur.signin";
const EARLY_MS = 60_000;

/** Topic: session, when somebody signed in or is no longer signed in. */
export class Session extends Emitter {
  /** @type {Tokens | null} */
  #tokens = read(KEPT);
  /** @type {Promise<void> | null} The renewal under way. */
  #renewing = null;
  /** Why nobody is signed in; "" before the first try. */
  reason = "";

  /** @param {AuthSettings} auth */
  constructor(auth) {
    super();
    this.auth = auth;
  }

  get signedIn() {
    return this.#tokens !== null;
  }

  /** Take up a sign-in that comes back with its code. Never throws: `reason` says what was wrong. */
  async open() {
    const given = new URLSearchParams(location.search);
    const begun = read(BEGUN);
    if (!given.has("code") && !given.has("error")) return;
    keep("sessionStorage", BEGUN, null);
    history.replaceState(null, "", here() + (begun?.hash ?? ""));
    window.dispatchEvent(new HashChangeEvent("hashchange"));
    if (given.has("error")) this.reason = `The sign-in was refused: ${given.get("error_description") ?? given.get("error")}.`;
    else if (!begun || given.get("state") !== begun.state) this.reason = "That sign-in was not begun in this tab.";
    else await this.#take({ grant_type: "authorization_code", code: given.get("code") ?? "", code_verifier: begun.verifier, redirect_uri: here() });
  }

  /** Leave for the sign-in page. */
  async signIn() {
    const [verifier, state] = [random(), random()];
    keep("sessionStorage", BEGUN, JSON.stringify({ verifier, state, hash: location.hash }));
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
    const query = new URLSearchParams({
      response_type: "code", client_id: this.auth.client, redirect_uri: here(), scope: this.auth.scope, state,
      code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
    });
    location.assign(`${this.auth.authorize}?${query}`);
  }

  /** Forget the tokens, here and at the sign-in page. */
  signOut() {
    this.#forget("");
    location.assign(`${this.auth.logout}?${new URLSearchParams({ client_id: this.auth.client, logout_uri: here() })}`);
  }

  /** What requests show. Renewed before it runs out; "" if nobody is signed in. */
  async token() {
    if (this.#tokens && this.#tokens.until - Date.now() < EARLY_MS) await this.renew();
    return this.#tokens?.id ?? "";
  }

  /** Get new tokens in the place of `refused`. Several who ask at once get the same; nobody signed in stays nobody. */
  async renew(refused = this.#tokens?.id) {
    if (!this.#tokens || this.#tokens.id !== refused) return; // signed out, or renewed for another request, meanwhile
    const { refresh } = this.#tokens;
    if (!refresh) return this.#forget("Your sign-in has run out.");
    this.#renewing ??= this.#take({ grant_type: "refresh_token", refresh_token: refresh }).finally(() => {
      this.#renewing = null;
    });
    await this.#renewing;
  }

  /** @param {Record<string, string>} form */
  async #take(form) {
    const before = this.#tokens;
    let response;
    try {
      response = await fetch(this.auth.token, {
        method: "POST", body: new URLSearchParams({ client_id: this.auth.client, ...form }), signal: AbortSignal.timeout(20_000),
      });
    } catch {
      if (!this.#tokens) this.reason = "The sign-in service does not answer. Try again in a moment.";
      return; // a token that is still good goes on being used; the next request tries again
    }
    const body = await response.json().catch(() => ({}));
    if (this.#tokens !== before) return; // signed out meanwhile, and so it stays
    if (!response.ok || !body.id_token) return this.#forget("Your sign-in has run out.");
    this.#tokens = {
      id: body.id_token, refresh: body.refresh_token ?? before?.refresh ?? "",
      until: Date.now() + Number(body.expires_in ?? 3600) * 1000,
    };
    keep("sessionStorage", KEPT, JSON.stringify(this.#tokens));
    this.reason = "";
    this.emit("session");
  }

  /** @param {string} why */
  #forget(why) {
    this.#tokens = null;
    this.reason = why;
    keep("sessionStorage", KEPT, null);
    this.emit("session");
  }
}

/** The page's own address, as it is registered for the way back. */
function here() {
  return location.origin + location.pathname;
}

function random() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} name @returns {any} */
function read(name) {
  try {
    return JSON.parse(recall("sessionStorage", name) ?? "null");
  } catch {
    return null; // not as this page wrote it
  }
}
