/**
 * Somebody says something, others hear it.
 * @template T
 */
export class Signal {
  /** @type {Set<(value: T) => void>} */
  #ears = new Set();

  /**
   * @param {(value: T) => void} ear
   * @returns {() => void} ends it
   */
  on(ear) {
    this.#ears.add(ear);
    return () => this.#ears.delete(ear);
  }

  /** @param {T} [value] */
  say(value) {
    for (const ear of [...this.#ears]) ear(value);
  }
}
