// @ts-check
// The small shapes that stand for states, so that colour is never the only sign.

import { svg } from "./dom.js";

/** @import { Shape } from "./states.js" */

/**
 * The shape around the origin with radius `r`. Colours come from the stylesheet.
 * @param {Shape} shape
 * @param {number} r
 */
export function shapeOf(shape, r) {
  const props = { class: `shape shape-${shape}` };
  switch (shape) {
    case "square":
      return svg("rect", { ...props, x: -r * 0.86, y: -r * 0.86, width: r * 1.72, height: r * 1.72, rx: r * 0.18 });
    case "bars":
      return svg("rect", { ...props, x: -r * 0.86, y: -r * 0.86, width: r * 1.72, height: r * 1.72, rx: r * 0.5 });
    case "diamond":
      return polygon(props, [0, -r * 1.15], [r * 1.15, 0], [0, r * 1.15], [-r * 1.15, 0]);
    case "triangle":
      return polygon(props, [0, -r * 1.15], [r * 1.1, r * 0.85], [-r * 1.1, r * 0.85]);
    default:
      return svg("circle", { ...props, r: shape === "dot" ? r * 0.72 : r });
  }
}

/**
 * The shape as an icon beside words.
 * @param {Shape} shape
 */
export function icon(shape) {
  const picture = svg("svg", { class: "icon", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, shapeOf(shape, 5.5));
  if (shape === "bars") {
    picture.append(svg("path", { class: "shape-mark", d: "M-1.6 -2.2V2.2M1.6 -2.2V2.2" }));
  }
  return picture;
}

/**
 * @param {Record<string, string>} props
 * @param {...[number, number]} points
 */
function polygon(props, ...points) {
  return svg("polygon", { ...props, points: points.map((point) => point.map((v) => v.toFixed(2)).join(",")).join(" ") });
}
