/** XS's heap, for tests and benches; a board has no such module. Reading the counts allocates nothing. */
export default class Heap {
  /** Slots in use, garbage included. */
  static get slots(): number {
    return native<() => number>("xs_heap_get_slots").call(this);
  }

  /** Bytes of chunks in use, garbage included. */
  static get chunks(): number {
    return native<() => number>("xs_heap_get_chunks").call(this);
  }

  /** Collects the garbage now. */
  static collect(): void {
    native<() => void>("xs_heap_collect").call(this);
  }
}
