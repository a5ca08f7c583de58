// @ts-check
// One agent in the ring picture.

import { fill, svg } from "../dom.js";
import { shapeOf } from "../shapes.js";
import { agentLook } from "../states.js";

/** @import { Point } from "../geometry.js" */
/** @typedef {{ id: number, status: string, selected: boolean, dim: boolean, focus: boolean }} NodeLook */

const INSIDE = 24; // with more agents than this the number stands beside the shape
const NUMBERED = 100; // with more than this only every tenth number is written

export class RingNode {
  #shape = svg("g");
  #label = svg("text", { class: "node-label" });
  #shown = "";
  #id = 0;

  /**
   * @param {Point} place
   * @param {number} size Radius of the shape
   * @param {number} radius Radius of the ring
   * @param {number} total
   * @param {{ choose: (id: number) => void, hover: (id: number | null) => void }} on
   */
  constructor(place, size, radius, total, on) {
    this.size = size;
    this.total = total;
    const { x, y } = place;
    if (total > INSIDE) {
      const out = (radius + size + 9) / Math.hypot(x, y) - 1;
      const [dx, dy] = [x * out, y * out];
      this.#label.setAttribute("x", dx.toFixed(1));
      this.#label.setAttribute("y", dy.toFixed(1));
      this.#label.classList.add("is-outside");
    }
    this.element = svg(
      "g", { class: "node", transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`, role: "button" },
      svg("circle", { class: "node-target", r: Math.max(size + 4, Math.min(11, size * 1.6)) }),
      svg("circle", { class: "node-ground", r: size * 0.9 }),
      svg("circle", { class: "node-halo", r: size + Math.max(3, size * 0.28) }),
      this.#shape,
      this.#label,
    );
    this.element.addEventListener("click", () => on.choose(this.#id));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      on.choose(this.#id);
    });
    this.element.addEventListener("pointerenter", () => on.hover(this.#id));
    this.element.addEventListener("pointerleave", () => on.hover(null));
  }

  /** @param {NodeLook} look */
  show({ id, status, selected, dim, focus }) {
    const shown = JSON.stringify([id, status, selected, dim, focus]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#id = id;
    const look = agentLook(status);
    const { element } = this;
    if (element.dataset.state !== status) {
      element.dataset.state = status;
      fill(this.#shape, shapeOf(look.shape, this.size));
    }
    element.classList.toggle("is-dim", dim);
    element.setAttribute("aria-pressed", String(selected));
    element.setAttribute("tabindex", focus ? "0" : "-1");
    element.setAttribute("aria-label", `agent ${id}, ${look.word}`);
    this.#label.textContent = this.total <= NUMBERED || id % 10 === 0 ? String(id) : "";
  }
}
