import type {
  Power,
  ResetReason,
  SleepOptions,
  WakeCause,
} from "../../modules/system/power.js";

/**
 * `embedded:x-fieldnode/power` in the SDK's desktop simulator (see Power), which runs inside a window that cannot be
 * started anew by what it shows: each start is the first, and to sleep or restart is an error.
 */
export default class DesktopPower implements Power {
  readonly resetReason: ResetReason = "power-on";
  readonly wakeCause: WakeCause | undefined;
  readonly heapLow: number | undefined;
  retained: string | undefined;

  restart(): void {
    throw new Error("Power: the SDK's simulator cannot restart; start it anew");
  }

  sleep(_options: SleepOptions): void {
    throw new Error("Power: the SDK's simulator cannot sleep");
  }
}
