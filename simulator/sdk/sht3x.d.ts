/**
 * What the SDK's driver of the SHT3x lacks: its declarations (modules/drivers/sensors/sht3x of the SDK, which follows
 * ECMA-419's classes of hygrometer and thermometer).
 */
export default class SHT3x {
  /** @param options the bus: its class as `io`, and that class's own options (pins `data` and `clock`, `address`, `hz`) */
  constructor(options: {
    sensor: { io: unknown; [option: string]: unknown };
    onError?: (message: string) => void;
  });
  configure(options: object): void;
  /** One measurement, about 200 ms: °C, and % of relative humidity. A reading that failed its check is left out. */
  sample(): {
    thermometer: { temperature?: number };
    hygrometer: { humidity?: number };
  };
  close(): void;
}
