/**
 * What the SDK's driver of the BMP280 lacks: its declarations (modules/drivers/sensors/bmp280 of the SDK, which follows
 * ECMA-419's classes of barometer and thermometer).
 */
export default class BMP280 {
  /**
   * @param options the bus: its class as `io`, and that class's own options (pins `data` and `clock`, `address`, `hz`).
   *   Throws an Error when another sensor answers.
   */
  constructor(options: { sensor: { io: unknown; [option: string]: unknown } });
  configure(options: object): void;
  /** The newest measurement: Pa, and °C. */
  sample(): {
    barometer: { pressure: number };
    thermometer: { temperature: number };
  };
  close(): void;
}
