import type { SensorClass } from "./sensor.js";

/** Gives a driver's class by its module's specifier. Rejects when the manifest includes no such module. */
export async function loadDriver(specifier: string): Promise<SensorClass> {
  const module = (await import(specifier)) as { default: SensorClass };
  return module.default;
}
