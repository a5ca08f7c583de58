// @ts-check
// On AWS: which instance types this account may use, how many agents each allows, and what it costs an hour.

import { Emitter } from "./emitter.js";

/** @import { Api } from "./api.js" */
/** @typedef {{ type: string, vcpus?: number, memory_gib?: number, usd_per_hour?: number | null, agents?: number | null }} InstanceType */

/** Topic: account, when it is known. */
export class Account extends Emitter {
  /** @type {InstanceType[]} */
  types = [];
  /** How many vCPUs may run at once; null if that is not known. @type {number | null} */
  quota = null;

  /** Ask once. An account that does not say leaves the list empty: any type can then be typed. @param {Api} api */
  async read(api) {
    try {
      const body = await api.json("GET", "/cluster/instance-types");
      this.types = Array.isArray(body.types) ? body.types : [];
      this.quota = typeof body.vcpu_quota === "number" ? body.vcpu_quota : null;
      this.emit("account");
    } catch {
      this.types = [];
    }
  }

  /** @param {string} name */
  find(name) {
    return this.types.find(({ type }) => type === name);
  }

  /** @returns {[value: string, words: string][]} */
  choices() {
    return this.types.map(({ type, vcpus, memory_gib: memory, agents }) => {
      const about = [vcpus && `${vcpus} vCPU`, memory && `${memory} GiB`, agents !== null && agents !== undefined && `${agents} agents fit the quota`];
      const words = about.filter(Boolean).join(", ");
      return [type, words ? `${type} (${words})` : type];
    });
  }
}
