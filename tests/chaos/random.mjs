// Random choices that a seed determines: mulberry32.

export class Random {
  #state;

  /** @param {number} seed */
  constructor(seed) {
    this.#state = seed >>> 0;
  }

  /** At least 0, below 1. */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /**
   * A whole number, both ends included.
   * @param {number} from
   * @param {number} to
   */
  within(from, to) {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  /** @param {number} percent */
  happens(percent) {
    return this.next() * 100 < percent;
  }

  /**
   * @template T
   * @param {T[]} choices
   */
  pick(choices) {
    return choices[this.within(0, choices.length - 1)];
  }
}
