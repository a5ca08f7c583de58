// @ts-check
// A stop is asked for once more, with what it ends; then it counts who has confirmed, until all have.

import { fill, h, write } from "../dom.js";
import { plural } from "../format.js";
import { Part } from "../part.js";
import { Notice } from "./notice.js";

const LOOK_MS = 1500;

export class StopDialog extends Part {
  #title = h("h2", { class: "dialog-title", id: "stop-title" });
  #words = h("p", { class: "dim" });
  #progress = h("progress", { class: "progress", max: 1, value: 0, "aria-label": "Confirmed stops" });
  #counted = h("p", { class: "stop-counted", role: "status" });
  #notice = new Notice();
  #back = h("button", { class: "button", onclick: () => this.#dialog.close() }, "Close");
  #stop = h("button", { class: "button button-danger" }, "Stop the flock");
  #dialog = h("dialog", { class: "dialog", "aria-labelledby": "stop-title" }, this.#title, this.#words, this.#progress, this.#counted, this.#notice,
    h("div", { class: "dialog-actions" }, this.#back, this.#stop));
  /** How many there were when the stop was asked for. */
  #asked = { agents: 0, hosts: 0 };
  #sent = false;
  /** @type {() => Promise<unknown>} */
  #send = () => Promise.resolve();

  build() {
    fill(this, this.#dialog);
    this.#stop.addEventListener("click", () => void this.#go());
    this.follow("control", "agents", "agent");
    const timer = window.setInterval(() => this.#look(), LOOK_MS);
    this.until(() => clearInterval(timer));
  }

  /** @param {() => Promise<unknown>} send Asks the API */
  ask(send) {
    const { agents, hosts, control } = this.app.flock;
    this.#send = send;
    this.#sent = control.state === "stopping";
    this.#asked = { agents: agents.size, hosts: hosts?.asked ?? 0 };
    this.#notice.clear();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.draw(); // at once: nobody shall see, or hear read out, a dialog without its words
    (this.#sent ? this.#back : this.#stop).focus();
  }

  async #go() {
    this.#sent = true;
    this.changed();
    try {
      await this.#send();
    } catch (error) {
      this.#sent = false;
      this.#notice.fail(error);
    }
    this.changed();
  }

  /** Hosts end without an entry in any log, so that no push may tell of the last of them. */
  #look() {
    if (this.app.flock.control.state === "stopping" && this.#dialog.open) this.app.live.refresh();
  }

  draw() {
    if (!this.#dialog.open) return;
    const { control } = this.app.flock;
    const over = this.#sent && control.state === "stopped";
    write(this.#title, over ? "The flock has stopped" : this.#sent ? "Stopping the flock" : "Stop the flock?");
    write(this.#words, over ? "Logs, output and history stay. Queues and rules are taken away."
      : this.#sent ? "You may close this; it goes on." : this.#warning());
    this.#stop.hidden = this.#sent;
    write(this.#back, this.#sent ? "Close" : "Keep it running");
    this.#progress.hidden = this.#counted.hidden = !this.#sent;
    if (this.#sent) this.#count(over);
  }

  #warning() {
    const turns = [...this.app.flock.agents.values()].filter(({ info }) => info.status === "turn").length;
    const { agents, hosts } = this.#asked;
    const on = hosts ? ` on ${plural(hosts, "host")}` : "";
    const going = turns ? ` ${plural(turns, "turn is", "turns are")} going on and will be ended.` : " No turn is going on.";
    return `${plural(agents, "agent")}${on} will end.${going} Logs, output and history stay.`;
  }

  /** @param {boolean} over */
  #count(over) {
    const { agents, hosts } = this.app.flock;
    const total = this.#asked.agents;
    const stopped = over ? total : Math.min(total, [...agents.values()].filter(({ info }) => info.status === "stopped").length);
    const gone = over ? this.#asked.hosts : Math.max(0, this.#asked.hosts - (hosts?.alive ?? this.#asked.hosts));
    this.#progress.max = Math.max(1, total + this.#asked.hosts);
    this.#progress.value = stopped + gone;
    const onHosts = this.#asked.hosts ? `, ${gone} of ${plural(this.#asked.hosts, "host")} gone` : "";
    write(this.#counted, `${stopped} of ${plural(total, "agent")} confirmed${onHosts}`);
  }
}
