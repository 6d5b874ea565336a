import type { Power, ResetReason, SleepOptions, WakeCause } from "../power.js";

/** As `esp_reset_reason_t` numbers them, from 0. */
const resetReasons: ResetReason[] = [
  "other",
  "power-on",
  "external",
  "software",
  "panic",
  "watchdog", // of interrupts
  "watchdog", // of tasks
  "watchdog",
  "sleep",
  "brownout",
];

/** `embedded:x-fieldnode/power` on an ESP32: see Power. */
export default class ChipPower implements Power {
  get resetReason(): ResetReason {
    return resetReasons[this.#resetReason()] ?? "other";
  }

  get wakeCause(): WakeCause | undefined {
    switch (this.#wakeCause()) {
      case 1:
        return "timer";
      case 2:
        return "pin";
      default:
        return undefined;
    }
  }

  get heapLow(): number {
    return native<() => number>("xs_power_get_heap_low").call(this);
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

  sleep({ milliseconds, pin }: SleepOptions): void {
    this.#sleep(milliseconds, pin?.number ?? -1, pin?.level ?? 0);
  }

  #resetReason(): number {
    return native<() => number>("xs_power_get_reset_reason").call(this);
  }

  #wakeCause(): number {
    return native<() => number>("xs_power_get_wake_cause").call(this);
  }

  #retain(text: string): void {
    native<(text: string) => void>("xs_power_retain").call(this, text);
  }

  #sleep(milliseconds: number, pin: number, level: number): void {
    native<(milliseconds: number, pin: number, level: number) => void>(
      "xs_power_sleep",
    ).call(this, milliseconds, pin, level);
  }
}
