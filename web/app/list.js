// @ts-check
// Lists that change a little at a time: what is still there is left alone, so nothing jumps and nothing is lost.

/**
 * @template Item
 * @param {Element} container
 * @param {readonly Item[]} items In the order they shall stand
 * @param {(item: Item) => string} keyOf Unique and stable
 * @param {(item: Item) => HTMLElement} make Called once a key
 * @param {(element: HTMLElement, item: Item) => void} [update] Called for those that stay
 */
export function keyed(container, items, keyOf, make, update) {
  /** @type {Map<string, HTMLElement>} */
  const known = new Map();
  for (const child of container.children) if (child instanceof HTMLElement) known.set(child.dataset.key ?? "", child);
  let next = container.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = known.get(key);
    if (element) {
      known.delete(key);
      update?.(element, item);
    } else {
      element = make(item);
      element.dataset.key = key;
    }
    if (element === next) next = next.nextElementSibling;
    else container.insertBefore(element, next);
  }
  for (const gone of known.values()) gone.remove();
}
