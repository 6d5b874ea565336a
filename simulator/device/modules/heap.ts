/**
 * XS's heap and that of mbedTLS and the natives, for tests and benches; a board has no such module. Reading the counts
 * allocates nothing. The natives' are 0 unless FIELDNODE_FAIL_ALLOCATION is set (simulator/device/host/allocation.h).
 */
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

  /**
   * From now on, collects the garbage at every allocation, so that natives that keep pointers into the heap fail. Only
   * the debug build can; returns whether it does.
   */
  static stress(): boolean {
    return native<() => boolean>("xs_heap_stress").call(this);
  }

  /** Bytes that the natives hold. */
  static get native(): number {
    return native<() => number>("xs_heap_get_native").call(this);
  }

  /** The most bytes that the natives held since this was last asked. */
  static takeNativePeak(): number {
    return native<() => number>("xs_heap_take_native_peak").call(this);
  }
}
