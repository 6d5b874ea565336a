import type {
  Power,
  ResetReason,
  SleepOptions,
  WakeCause,
} from "../../../modules/system/power.js";

/** A chip whose lives a test begins and ends: a new one with the same `retained` is the life after. */
export class ModelPower implements Power {
  readonly resetReason: ResetReason;
  heapLow: number | undefined = 40_000;
  retained: string | undefined;
  restarts = 0;
  readonly sleeps: SleepOptions[] = [];

  constructor(resetReason: ResetReason = "power-on", retained?: string) {
    this.resetReason = resetReason;
    this.retained = retained;
  }
  get wakeCause(): WakeCause | undefined {
    return this.resetReason === "sleep" ? "timer" : undefined;
  }
  restart(): void {
    this.restarts++;
  }
  sleep(options: SleepOptions): void {
    if (options.pin && options.pin.number > 48)
      throw new RangeError("this chip cannot sleep so");
    this.sleeps.push(options);
  }
}
