import Timer from "timer";

/** Fails in a callback, two calls deep: for tests/system/device.test.ts, which expects these very lines. */
class Sensor {
  read(bus: { value: number } | undefined): number {
    return bus!.value; // line 6
  }
}

Timer.set(() => {
  new Sensor().read(undefined); // line 11
}, 1);
