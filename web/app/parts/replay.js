// @ts-check
// An earlier run, opened: a store the views show, and above them the bar that moves through its time.

import { fill, h, said, svg, write } from "../dom.js";
import { clock, dated, plural } from "../format.js";
import { Part } from "../part.js";
import { ReplayFiles, RunApi } from "../replayfiles.js";
import { ReplayStore } from "../replay.js";
import { RunLog } from "../runlog.js";
import { Notice } from "./notice.js";
import { density } from "./replaydensity.js";

/** @import { App, Replay } from "../app.js" */
/** @import { RunDetail } from "../replay.js" */

const SPEEDS = [0.5, 1, 2, 5, 10, 30, 100];
const STEPS = 2000;
const TOLD_MS = 1000;
/** Quiet is what lasts longer than this at the chosen speed, in ms of the watcher's time. */
const QUIET_MS = 1500;
const MOST_FILES = 5000;
const GLYPHS = {
  play: "M4 2.5v11l9-5.5z",
  pause: "M4 2.5h3v11H4zM9 2.5h3v11H9z",
  start: "M3 2.5h2v11H3zM13 2.5v11L5.5 8z",
  before: "M10.5 2.5v11L4 8z",
  next: "M5.5 2.5v11L12 8z",
};

/** @param {keyof typeof GLYPHS} name */
function glyph(name) {
  return svg("svg", { class: "glyph", viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: GLYPHS[name] }));
}

/** @param {App} app @param {string} run @returns {Promise<Replay>} */
export async function openRun(app, run) {
  const api = new RunApi(app.api, run);
  const detail = await readRun(api);
  const log = new RunLog((agent, after, limit) => api.log(agent, after, limit), detail.agents.map(({ id }) => id));
  const store = new ReplayStore(detail, log);
  const files = new ReplayFiles(store, detail.files);
  const bar = Object.assign(new ReplayBar(), { store });
  const counts = new Map(detail.agents.map(({ id, entries }) => [id, entries]));
  const follow = [
    log.on("loaded", () => bar.loaded()),
    app.flock.on("entries", ({ agent, entries }) => app.flock.control.run === run && log.add(agent, entries)),
  ];
  bar.attach(app);
  void log.load(counts);
  return {
    store, api, files, bar,
    close: () => {
      for (const end of follow) end();
      log.close();
      bar.end();
    },
  };
}

/** @param {RunApi} api @returns {Promise<RunDetail>} */
async function readRun(api) {
  /** @type {RunDetail} */
  const detail = await api.json("GET", api.path);
  for (let page = detail; page.more && detail.files.length < MOST_FILES;) {
    page = await api.json("GET", `${api.path}?after=${encodeURIComponent(page.after)}`);
    detail.files.push(...page.files);
  }
  return detail;
}

/** The bar: play, scrub, speed. The moment shown is in the address. */
class ReplayBar extends Part {
  /** @type {ReplayStore} */
  store = /** @type {any} */ (undefined);
  #play = h("button", { class: "button button-main replay-play", onclick: () => this.toggle() });
  #slider = h("input", { type: "range", min: "0", max: String(STEPS), step: "1", class: "replay-slider", "aria-label": "Moment of the run" });
  #time = h("span", { class: "replay-time" });
  #speed = h("select", { class: "replay-speed", "aria-label": "Speed" }, ...SPEEDS.map((speed) => h("option", { value: speed }, `${speed}×`)));
  #quiet = h("input", { type: "checkbox", id: "replay-quiet", checked: true });
  #density = h("div", { class: "replay-density", "aria-hidden": "true" });
  #about = h("span", { class: "replay-about" });
  #back = h("a", { class: "link" }, "Back to now");
  #notice = new Notice();
  #playing = false;
  #frame = 0;
  #told = 0;
  #ready = false;

  build() {
    this.classList.add("replay", "card");
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Replay");
    const step = (/** @type {keyof typeof GLYPHS} */ name, /** @type {string} */ label, /** @type {() => void} */ run) =>
      h("button", { class: "button replay-step", "aria-label": label, title: label, onclick: run }, glyph(name));
    fill(this,
      h("div", { class: "replay-head" }, h("span", { class: "tag replay-tag" }, "replay"), this.#about, this.#back),
      h("div", { class: "replay-line" },
        h("div", { class: "replay-buttons" }, step("start", "To the beginning", () => this.seek(this.store.whole.from)),
          step("before", "Event before ( , )", () => this.#event(-1)), this.#play, step("next", "Next event ( . )", () => this.#event(1))),
        h("div", { class: "replay-track" }, this.#density, this.#slider),
        this.#time, this.#speed, h("label", { class: "replay-quiet", for: "replay-quiet" }, this.#quiet, " skip quiet times")),
      this.#notice);
    this.#speed.value = "5";
    this.#slider.addEventListener("input", () => {
      const { from, to } = this.store.whole;
      this.seek(from + (Number(this.#slider.value) / STEPS) * (to - from));
    });
    this.until(() => this.#pause());
    this.until(this.app.router.on("t", () => this.#fromAddress()));
    this.until(this.store.on("time", () => this.changed()));
    this.until(this.store.log.on("marks", () => this.changed()));
    const commands = /** @type {[string, string, () => void][]} */ ([
      ["k", "Play or pause", () => this.toggle()], [",", "Event before", () => this.#event(-1)], [".", "Next event", () => this.#event(1)],
      ["j", "Ten steps back", () => this.#jump(-1)], ["l", "Ten steps on", () => this.#jump(1)],
      ["<", "Slower", () => this.#faster(-1)], [">", "Faster", () => this.#faster(1)],
    ]);
    this.until(this.app.commands.add(...commands.map(([keys, title, run]) => ({ keys, title: `Replay: ${title.toLowerCase()}`, group: "Replay", run }))));
    this.#first();
  }

  connectedCallback() {
    if (this.store) this.changed();
  }

  /** The views change under it: it lives until the run is closed. */
  disconnectedCallback() {}

  end() {
    super.disconnectedCallback();
    this.remove();
  }

  /** Where the address says, or the end of the run: what it came to. */
  #first() {
    this.store.show(this.app.router.place.t ?? this.store.whole.to);
  }

  /** All turns have been read. */
  loaded() {
    if (!this.#ready) this.#first();
    this.#ready = true;
    this.store.refresh();
    fill(this.#density, density(this.store));
    if (this.store.log.error) this.#notice.fail(this.store.log.error);
    this.changed();
  }

  draw() {
    const { store } = this;
    const { from, to } = store.whole;
    const now = store.now();
    this.#slider.value = String(Math.round(((now - from) / (to - from)) * STEPS));
    const words = `${clock((now - from) / 1000)} of ${clock((to - from) / 1000)}`;
    this.#slider.setAttribute("aria-valuetext", words);
    write(this.#time, words);
    this.#time.title = dated(now);
    if (this.#play.dataset.playing !== String(this.#playing)) {
      this.#play.dataset.playing = String(this.#playing);
      fill(this.#play, glyph(this.#playing ? "pause" : "play"), this.#playing ? "Pause" : "Play");
      this.#play.title = "k";
    }
    const about = this.#words();
    if (this.#about.textContent !== about) fill(this.#about, said(about));
    this.#back.href = this.app.router.href({ run: "", t: null, file: "" });
  }

  #words() {
    const { detail, log } = this.store;
    const { started, ended, reason, agents, run } = detail;
    const reading = log.progress < 1 && `reading ${Math.round(log.progress * 100)} %`;
    return [started ? dated(Date.parse(started)) : run, plural(agents.length, "agent"), ended && reason, reading].filter(Boolean).join(" · ");
  }

  toggle() {
    if (this.#playing) this.#pause();
    else {
      if (this.store.now() >= this.store.whole.to) this.store.show(this.store.whole.from);
      this.#playing = true;
      let last = performance.now();
      const frame = (/** @type {number} */ time) => {
        this.#advance(Math.min(250, Math.max(0, time - last)));
        last = time;
        if (this.#playing) this.#frame = requestAnimationFrame(frame);
      };
      this.#frame = requestAnimationFrame(frame);
    }
    this.changed();
  }

  #pause() {
    const playing = this.#playing;
    this.#playing = false;
    cancelAnimationFrame(this.#frame);
    if (playing) this.#tell();
    this.changed();
  }

  /** @param {number} ms Of the watcher's time. */
  #advance(ms) {
    const { store } = this;
    const speed = Number(this.#speed.value) || 1;
    let at = store.now() + ms * speed;
    if (this.#quiet.checked) {
      const next = store.next() ?? store.whole.to;
      if (next - at > QUIET_MS * speed) at = next - (QUIET_MS / 3) * speed;
    }
    store.show(at);
    if (store.now() >= store.whole.to) this.#pause();
    else if (performance.now() - this.#told > TOLD_MS) this.#tell();
  }

  /** @param {number} at */
  seek(at) {
    this.store.show(at);
    this.#tell();
  }

  /** @param {number} direction */
  #event(direction) {
    const { store } = this;
    this.#pause();
    this.seek((direction < 0 ? store.previous() : store.next()) ?? (direction < 0 ? store.whole.from : store.whole.to));
  }

  /** @param {number} direction */
  #jump(direction) {
    const { from, to } = this.store.whole;
    this.seek(this.store.now() + (direction * (to - from)) / 20);
  }

  /** @param {number} by */
  #faster(by) {
    const next = SPEEDS[SPEEDS.indexOf(Number(this.#speed.value)) + by];
    if (next) this.#speed.value = String(next);
  }

  /** The moment shown goes into the address, so that a link leads here. */
  #tell() {
    this.#told = performance.now();
    const { place } = this.app.router;
    if (place.run === this.store.detail.run) this.app.router.go({ t: Math.round(this.store.now()) });
  }

  #fromAddress() {
    const { t, run } = this.app.router.place;
    const at = t ?? this.store.whole.to;
    if (run === this.store.detail.run && Math.abs(at - this.store.now()) >= 1 && !this.#playing) this.store.show(at);
  }
}

customElements.define("murmur-replay", ReplayBar);
