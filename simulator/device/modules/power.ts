import type {
  Power,
  ResetReason,
  SleepOptions,
  WakeCause,
} from "../../../modules/system/power.js";

/**
 * `embedded:x-fieldnode/power` on the simulator (see Power): to sleep, the process waits, frozen, and then starts itself
 * anew; what is retained lies in a file of the flash folder that a start by anybody else removes. The clock goes on.
 */
export default class SimulatedPower implements Power {
  get resetReason(): ResetReason {
    return native<() => ResetReason>("xs_power_get_reset_reason").call(this);
  }

  /** The simulator's pins never change. */
  get wakeCause(): WakeCause | undefined {
    return this.resetReason === "sleep" ? "timer" : undefined;
  }

  /** A desktop's heap has no end to be near to. */
  get heapLow(): number | undefined {
    return undefined;
  }

  get retained(): string | undefined {
    return native<() => string | undefined>("xs_power_get_retained").call(this);
  }

  set retained(text: string | undefined) {
    this.#retain(text ?? "");
  }

  restart(): void {
    native<() => void>("xs_power_restart").call(this);
  }

  sleep({ milliseconds }: SleepOptions): void {
    this.#sleep(milliseconds);
  }

  #retain(text: string): void {
    native<(text: string) => void>("xs_power_retain").call(this, text);
  }

  #sleep(milliseconds: number): void {
    native<(milliseconds: number) => void>("xs_power_sleep").call(
      this,
      milliseconds,
    );
  }
}
