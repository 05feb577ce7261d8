// Owns a cache that forgets what was not used for longest, bounded in bytes.

/** @template V */
export class Lru {
  /** @type {Map<number, {value: V, bytes: number}>} */
  #entries = new Map();
  #bytes = 0;

  /**
   * @param {number} limit_bytes
   * @param {(value: V, key: number) => void} [release]  called for what leaves
   * @param {(key: number) => boolean} [pinned]  what must not leave
   */
  constructor(limit_bytes, release = () => {}, pinned = () => false) {
    this.limit_bytes = limit_bytes;
    this.release = release;
    this.pinned = pinned;
  }

  get bytes() {
    return this.#bytes;
  }

  get size() {
    return this.#entries.size;
  }

  /** The value, now the most recently used; undefined when absent. @param {number} key */
  get(key) {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** @param {number} key */
  has(key) {
    return this.#entries.has(key);
  }

  /** @param {number} key @param {V} value @param {number} bytes */
  set(key, value, bytes) {
    this.delete(key);
    this.#entries.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const old of this.#entries.keys()) {
      if (this.#bytes <= this.limit_bytes) break;
      if (old !== key && !this.pinned(old)) this.delete(old);
    }
  }

  /** @param {number} key */
  delete(key) {
    const entry = this.#entries.get(key);
    if (!entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
    this.release(entry.value, key);
  }

  clear() {
    for (const key of [...this.#entries.keys()]) this.delete(key);
  }
}
