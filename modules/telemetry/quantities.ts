/** Something that ECMA-419's sensor classes measure. */
export interface Quantity {
  /** The class's part of a sample object, and the value's name there (ECMA-419, sensor classes). */
  readonly part: string;
  readonly name: string;
  /** As SenML has it (RFC 8428, 12.1). */
  readonly unit: string;
  /** Decimals that are kept. */
  readonly decimals: number;
  /** What a sensor can be believed. */
  readonly least: number;
  readonly most: number;
}

const quantity = (
  part: string,
  name: string,
  unit: string,
  decimals: number,
  least: number,
  most: number,
): Quantity => ({ part, name, unit, decimals, least, most });

/** All that can be measured. Flash holds places in this table: only ever add at its end, at most 16. */
export const quantities: readonly Quantity[] = [
  quantity("thermometer", "temperature", "Cel", 2, -60, 150),
  quantity("hygrometer", "humidity", "%RH", 2, 0, 100),
  quantity("barometer", "pressure", "Pa", 0, 30_000, 120_000),
  quantity("lightmeter", "illuminance", "lx", 1, 0, 200_000),
  quantity("carbonDioxideDetector", "CO2", "ppm", 0, 0, 50_000),
  quantity("carbonMonoxideDetector", "CO", "ppm", 0, 0, 5000),
  quantity("vocDetector", "tvoc", "ppb", 0, 0, 65_000),
  quantity("dustDetector", "dust", "ug/m3", 1, 0, 10_000),
  quantity("soilMoistureDetector", "moisture", "/", 3, 0, 1),
  quantity("proximity", "distance", "cm", 1, 0, 100_000),
];

/** Ten to the power of the decimals of each quantity. */
export function scaleOf({ decimals }: Quantity): number {
  return decimals === 0 ? 1 : 10 ** decimals;
}
