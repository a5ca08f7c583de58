// @ts-check
// What a start would make, before it is made: the ring, the hosts, how far news travels, what it may cost.

import { fill, h } from "../dom.js";
import { count, plural } from "../format.js";
import { hopsToEveryone } from "../geometry.js";
import { Part } from "../part.js";

export class StartPlan extends Part {
  #facts = h("dl", { class: "plan-facts" });

  build() {
    this.classList.add("plan");
    fill(this, h("h3", { class: "plan-title" }, "A start makes"), this.#facts);
    this.follow("control", "config");
    this.until(this.app.on("preview", () => this.changed()));
    this.until(this.app.account.on("account", () => this.changed()));
  }

  draw() {
    const { flock, draft } = this.app;
    this.hidden = !flock.config || flock.control.state !== "stopped";
    if (this.hidden) return;
    const config = { ...flock.config, ...draft };
    const facts = [this.#ring(config), this.#hosts(config), this.#cost(config), budget(config)];
    fill(this.#facts, ...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
  }

  /** @param {Record<string, unknown>} config @returns {[string, string]} */
  #ring({ algorithm, concurrency, neighbourRadius, swarmK }) {
    const [total, radius] = [Number(concurrency), Number(neighbourRadius)];
    const hops = hopsToEveryone(String(algorithm), total, radius);
    if (hops === null) return ["ring", `${plural(total, "agent")}; who reads whom shows once it runs`];
    const reads = algorithm === "amorphous" ? Math.min(2 * radius, total - 1) : algorithm === "swarm" ? Math.min(Number(swarmK), total - 1) : total - 1;
    return ["ring", `${plural(total, "agent")}, each reads ${count(reads)}; news reaches everyone in ${plural(hops, "hop")}`];
  }

  /** @param {Record<string, unknown>} config @returns {[string, string]} */
  #hosts({ concurrency, agentsPerInstance, instanceType }) {
    const hosts = hostsOf(concurrency, agentsPerInstance);
    if (this.app.settings.aws) return ["hosts", `${plural(hosts, "instance")} of type ${instanceType}`];
    return ["hosts", `${plural(hosts, "process", "processes")} on this machine`];
  }

  /** @param {Record<string, unknown>} config @returns {[string, string]} */
  #cost({ concurrency, agentsPerInstance, instanceType, runner }) {
    const model = runner === "scripted" ? "no model is called" : "and what the model costs";
    if (!this.app.settings.aws) return ["per hour", runner === "scripted" ? `$0: ${model}` : "what the model costs; the machine is yours"];
    const hosts = hostsOf(concurrency, agentsPerInstance);
    const type = this.app.account.find(String(instanceType));
    const price = type?.usd_per_hour;
    const quota = this.app.account.quota;
    const over = type?.vcpus && quota !== null && hosts * type.vcpus > quota;
    const words = typeof price === "number" ? `$${(hosts * price).toFixed(2)} for instances, ${model}` : `the price of ${plural(hosts, "instance")}, ${model}`;
    return ["per hour", over ? `${words}. More than the quota of ${quota} vCPUs allows` : words];
  }
}

/** @param {unknown} concurrency @param {unknown} each */
function hostsOf(concurrency, each) {
  return Math.ceil(Number(concurrency) / Math.max(1, Number(each)));
}

/** @param {Record<string, unknown>} config @returns {[string, string]} */
function budget({ concurrency, maxTurnsPerAgent, maxRunMinutes, maxTokensPerAgent }) {
  const size = Number(concurrency);
  const turns = size * Number(maxTurnsPerAgent);
  const tokens = size * Number(maxTokensPerAgent);
  return ["at most", `${count(turns)} turns, ${short(tokens)} tokens, ${plural(Number(maxRunMinutes), "minute")}`];
}

/** @param {number} value */
function short(value) {
  if (value >= 1e9) return `${(value / 1e9).toFixed(1).replace(".0", "")} G`;
  return value >= 1e6 ? `${(value / 1e6).toFixed(1).replace(".0", "")} M` : count(value);
}
