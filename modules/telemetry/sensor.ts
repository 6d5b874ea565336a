/** A sample of ECMA-419's sensor classes: a part for each class, with its values; `faults` as the provenance pattern has it. */
export type Sample = Readonly<
  Record<string, Readonly<Record<string, unknown>> | undefined>
>;

/** An ECMA-419 sensor (Sensor Class Pattern). What the provenance pattern adds, a driver may have. */
export interface Sensor {
  sample(): Sample | undefined;
  configure?(options: object): void;
  close(): void;
  readonly identification?: unknown;
  readonly configuration?: unknown;
}

/** A driver: `sensor` holds the bus and its options. Throws when the sensor does not answer, or is another one. */
export type SensorClass = new (options: {
  sensor: { io: unknown; [option: string]: unknown };
  onError?: (message: unknown) => void;
}) => Sensor;
