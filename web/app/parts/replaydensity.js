// @ts-check
// How busy a run was over its time: a small picture behind the scrubber.

import { svg } from "../dom.js";

/** @import { ReplayStore } from "../replay.js" */

const BINS = 160;

/** @param {ReplayStore} store */
export function density(store) {
  const { from, to } = store.whole;
  const bins = Array.from({ length: BINS }, () => 0);
  for (const { marks } of store.log.lanes.values()) {
    for (const { start, end } of marks) {
      const [first, last] = [start, end].map((time) => Math.max(0, Math.min(BINS - 1, Math.floor(((time - from) / (to - from)) * BINS))));
      for (let bin = first ?? 0; bin <= (last ?? 0); bin++) bins[bin] = (bins[bin] ?? 0) + 1;
    }
  }
  const most = Math.max(1, ...bins);
  const bars = bins.map((count, bin) => (count ? `M${bin} 20V${(20 - (count / most) * 18).toFixed(1)}h0.9V20z` : "")).join("");
  const pauses = store.pauses.map((pause) => {
    const [left, right] = [pause.from, pause.to].map((time) => ((time - from) / (to - from)) * BINS);
    return svg("rect", { class: "density-pause", x: left ?? 0, y: 0, width: Math.max(0.4, (right ?? 0) - (left ?? 0)), height: 20 });
  });
  return svg("svg", { viewBox: `0 0 ${BINS} 20`, preserveAspectRatio: "none" }, ...pauses, svg("path", { d: bars }));
}
