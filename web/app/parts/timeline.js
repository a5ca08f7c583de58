// @ts-check
// The timeline: who acted when, who woke whom, and why.

import { fill, h, write } from "../dom.js";
import { plural } from "../format.js";
import { Part } from "../part.js";
import { RunLog } from "../runlog.js";
import { TimeScale } from "../timeline.js";
import { Notice } from "./notice.js";
import { KEYS, keyOf } from "./timelinekeys.js";
import { LiveTurns } from "./timelinelive.js";
import { TimelineBoard } from "./timelineboard.js";
import { WhyPanel } from "./timelinewhy.js";

/** @import { LaneMark } from "../timeline.js" */
/** @import { Waker } from "../types.js" */

const FIRST_SIGHT_MS = 120_000;
/** What is in sight after a step closer, as a part of what was. */
const CLOSER = 0.6;
const LEGEND = [
  ["turn", "turn"], ["idle", "idle turn"], ["failed", "failed turn"], ["backing-off", "backing off"], ["paused", "paused"], ["waiting", "waiting"],
];

export class View extends Part {
  #board = new TimelineBoard();
  #follow = true;
  #fitted = false;
  /** @type {LaneMark | null} */
  #selected = null;
  #log = new RunLog(() => Promise.resolve({ entries: [], more: false }), []);
  /** @type {LiveTurns | null} Where the flock itself is shown. */
  #live = null;
  #about = h("p", { class: "hint" });
  #empty = h("div", { class: "empty" });
  #notice = new Notice();
  #followButton = h("button", { class: "button button-quiet", onclick: () => this.#toggleFollow() }, "Follow");
  /** @type {WhyPanel | null} */
  #why = null;

  build() {
    const { app } = this;
    const board = this.#board;
    this.#why = new WhyPanel(app, (turn) => this.#choose(turn), () => this.changed());
    fill(this,
      h("div", { class: "card tl-card" },
        h("div", { class: "row" }, h("h2", { class: "card-title" }, "Timeline"), this.#about, this.#tools()),
        this.#notice, this.#empty, board.frame,
        h("div", { class: "tl-foot" },
          h("ul", { class: "tl-legend", "aria-label": "Legend" },
            ...LEGEND.map(([name, words]) => h("li", {}, h("span", { class: `tl-key tl-key-${name}` }), words))),
          h("p", { class: "hint", id: "timeline-keys" }, "Drag to move, Ctrl + wheel or pinch to zoom. ", h("span", { class: "tl-keys" }, KEYS)))),
      h("div", { class: "card" }, this.#why.element));
    board.on("turn", (turn) => this.#select(turn));
    board.on("agent", (agent) => app.select(agent));
    board.on("moved", () => this.#moved());
    board.element.addEventListener("keydown", (event) => this.#key(event));
    this.#watch(board);
    if (app.replay) this.#take(app.replay.store.log);
    else this.#takeLive(LiveTurns.of(app));
    this.follow("control", "snapshot");
  }

  #tools() {
    const button = (/** @type {string} */ text, /** @type {string} */ label, /** @type {() => void} */ run) =>
      h("button", { class: "button button-quiet", "aria-label": label, title: label, onclick: run }, text);
    const [closer, wider, fit] = [() => this.#board.zoom(CLOSER), () => this.#board.zoom(1 / CLOSER), () => this.#fit()];
    this.until(this.app.commands.add(
      { title: "Timeline: the whole run", group: "Timeline", keys: "0", run: fit },
      { title: "Timeline: follow what happens", group: "Timeline", run: () => this.#toggleFollow() },
      { title: "Timeline: zoom in", group: "Timeline", keys: "+", run: closer },
      { title: "Timeline: zoom out", group: "Timeline", keys: "-", run: wider }));
    return h("div", { class: "tl-tools" },
      button("−", "Zoom out", wider), button("+", "Zoom in", closer), button("Fit", "Fit the whole run", fit), this.#followButton);
  }

  /** Whatever changes the picture from outside: its width, its colours, the address, time. @param {TimelineBoard} board */
  #watch(board) {
    const { app } = this;
    const sized = new ResizeObserver(() => this.changed());
    sized.observe(board.element);
    this.until(() => sized.disconnect());
    const recolour = () => board.recolour();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", recolour);
    this.until(() => dark.removeEventListener("change", recolour));
    this.until(app.on("theme", recolour));
    for (const topic of ["select", "tick"]) this.until(app.on(topic, () => this.changed()));
    this.until(app.router.on("t", () => this.changed()));
  }

  /** Show this log from now on. @param {RunLog} log */
  #take(log) {
    this.#log = log;
    this.#fitted = false;
    this.#selected = null;
    for (const topic of ["marks", "words", "loaded"]) this.until(log.on(topic, () => this.changed()));
  }

  /** Follow the run that goes on. @param {LiveTurns} live */
  #takeLive(live) {
    this.#live = live;
    this.#log = live.log;
    this.until(live.on("changed", () => this.changed()));
    this.until(live.on("run", () => this.#take(live.log)));
  }

  draw() {
    const { app } = this;
    const { store, replay } = app;
    const extent = this.#log.extent();
    const data = this.#board.data;
    data.lanes = [...this.#log.lanes];
    data.now = store.control.state === "stopped" && !replay ? (extent?.last ?? 0) : store.now();
    data.first = extent?.first ?? data.now;
    data.live = !replay;
    data.agent = app.agent;
    data.pauses = replay ? replay.store.pauses : (this.#live?.pauses ?? []);
    data.entry = (agent, iteration) => this.#log.entry(agent, iteration);
    this.#empty.hidden = extent !== null;
    this.#board.frame.hidden = extent === null;
    this.#tell(extent === null);
    if (!extent) return;
    this.#place(extent);
    this.#fromAddress();
    data.selected = this.#fresh();
    data.chain = this.#why?.draw(this.#log, data.selected) ?? [];
    this.#board.draw();
    this.#followButton.setAttribute("aria-pressed", String(this.#follow));
  }

  /** What is in sight: at first all of a short run or the end of a long one, then what the reader chose. @param {{ first: number, last: number }} extent */
  #place({ first, last }) {
    const board = this.#board;
    const { now, live } = board.data;
    const end = live ? now : last;
    if (!this.#fitted) {
      this.#fitted = this.#log.progress >= 1;
      const from = live ? Math.max(first, end - FIRST_SIGHT_MS) : first;
      board.scale = framed(from, end);
    } else if (this.#follow && live) {
      const { length } = board.scale;
      board.scale = new TimeScale(now - length * 0.97, now + length * 0.03);
    } else if (!live && this.#follow && (now < board.scale.from || now > board.scale.to)) {
      const { length } = board.scale;
      board.scale = new TimeScale(now - length * 0.2, now + length * 0.8);
    }
  }

  /** @param {boolean} blank */
  #tell(blank) {
    const { control } = this.app.store;
    const turns = [...this.#log.lanes.values()].reduce((sum, lane) => sum + lane.marks.length, 0);
    const cut = [...this.#log.lanes.values()].some((lane) => lane.cut);
    const loading = this.#log.progress < 1 ? `, reading ${Math.round(this.#log.progress * 100)} %` : "";
    write(this.#about, blank ? "" : `${plural(turns, "turn")} of ${plural(this.#log.lanes.size, "agent")}${cut ? ", the newest of each" : ""}${loading}`);
    const error = this.#log.error ?? this.#live?.error;
    if (error) this.#notice.fail(error);
    else this.#notice.clear();
    if (!blank) return;
    if (control.state === "checking" || (this.#log.progress < 1 && control.run)) fill(this.#empty, h("p", {}, "Reading the logs…"));
    else fill(this.#empty, h("p", {}, "No turn yet. Press Start, or run ", h("code", {}, "murmur start"), "; every agent then has a lane here."));
  }

  /** The turn the address names, if none is chosen. */
  #fromAddress() {
    const { agent, t } = this.app.router.place;
    if (this.#selected || agent === null || t === null || this.#log.progress < 1) return;
    const mark = this.#log.lanes.get(agent)?.at(t);
    if (!mark) return;
    this.#selected = { agent, mark };
    this.#follow = false;
    this.#board.reveal(this.#selected);
  }

  /** What is chosen, as it is known now: a turn that went on may have ended. @returns {LaneMark | null} */
  #fresh() {
    if (!this.#selected) return null;
    const { agent, mark } = this.#selected;
    const now = this.#log.mark(agent, mark.iteration) ?? mark;
    if (now !== mark) this.#selected = { agent, mark: now };
    return this.#selected;
  }

  /** @param {Waker} turn */
  #choose({ agent, iteration }) {
    const mark = this.#log.mark(agent, iteration);
    if (mark) this.#select({ agent, mark });
  }

  /** @param {LaneMark} turn */
  #select(turn) {
    this.#selected = turn;
    this.#board.reveal(turn);
    const { mark, agent } = turn;
    this.app.router.go({ agent, t: mark.end === Infinity ? mark.start : mark.end });
    this.changed();
  }

  #moved() {
    this.#follow = false;
    this.#followButton.setAttribute("aria-pressed", String(this.#follow));
  }

  #toggleFollow() {
    this.#follow = !this.#follow;
    this.changed();
  }

  #fit() {
    const extent = this.#log.extent();
    if (!extent) return;
    const { live, now } = this.#board.data;
    this.#follow = false;
    this.#board.show(framed(extent.first, live ? now : extent.last));
    this.changed();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const act = keyOf(event);
    if (!act) return;
    event.preventDefault();
    const lanes = this.#board.data.lanes;
    const chosen = this.#fresh();
    const at = Math.max(0, lanes.findIndex(([id]) => id === (chosen?.agent ?? this.app.agent ?? 0)));
    if (act.pan) this.#board.pan(act.pan);
    else if (act.read) this.#why?.focus();
    else if (act.lane) this.#pick(at + act.lane, chosen?.mark.start ?? this.#board.data.now, act.lane);
    else if (act.step) this.#step(at, chosen, act.step);
    else if (act.end) this.#pick(at, act.end < 0 ? (lanes[at]?.[1].marks[0]?.end ?? 0) : Infinity);
  }

  /** The lane's turn at this time; where it has none, that of the next lane that way. @param {number} index @param {number} time @param {number} [way] */
  #pick(index, time, way = 0) {
    const found = this.#board.data.lanes[index];
    if (!found) return;
    const [agent, lane] = found;
    const mark = lane.at(time) ?? lane.marks[0] ?? lane.running;
    if (mark) this.#select({ agent, mark });
    else if (way) this.#pick(index + way, time, way);
  }

  /** @param {number} index @param {LaneMark | null} chosen @param {number} by */
  #step(index, chosen, by) {
    const found = this.#board.data.lanes[index];
    if (!found) return;
    const [agent, lane] = found;
    const mark = chosen ? lane.find(chosen.mark.iteration + by) : (lane.running ?? lane.marks.at(-1));
    if (mark) this.#select({ agent, mark });
  }
}

/** With a little room on both sides. @param {number} from @param {number} to */
function framed(from, to) {
  const room = Math.max(500, (to - from) * 0.03);
  return new TimeScale(from - room, to + room);
}
