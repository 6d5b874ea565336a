/** What wakes have cost. Times in milliseconds. */
export interface WakeFigures {
  wakes: number;
  /** From the start of the firmware to the sleep. */
  awake: number;
  /** Of that, with the radio on. */
  radio: number;
  /** By TCP, both ways. */
  bytes: number;
}

/** Nothing yet. */
export const noFigures: WakeFigures = {
  wakes: 0,
  awake: 0,
  radio: 0,
  bytes: 0,
};

export function add(a: WakeFigures, b: WakeFigures): WakeFigures {
  return {
    wakes: a.wakes + b.wakes,
    awake: a.awake + b.awake,
    radio: a.radio + b.radio,
    bytes: a.bytes + b.bytes,
  };
}

/** Figures as they were stored; none where it is no such thing. */
export function figuresOf(value: unknown): WakeFigures {
  const { wakes, awake, radio, bytes } = (value ?? {}) as Partial<WakeFigures>;
  const all = [wakes, awake, radio, bytes];
  if (!all.every((one) => typeof one === "number")) return noFigures;
  return { wakes: all[0], awake: all[1], radio: all[2], bytes: all[3] };
}
