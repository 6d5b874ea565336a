import SimulatedPower from "embedded:x-fieldnode/power";

/*
 * Run by tests/system/device.test.ts: three lives, one after the other. Each prints why it began, what the one before left
 * it, and the hour of the clock.
 */
const power = new SimulatedPower();
const life = Number(power.retained ?? "0");
trace(
  `${power.resetReason} ${power.wakeCause ?? "-"} ${life} ${Math.round(Date.now() / 3_600_000)}\n`,
);
power.retained = String(life + 1);
if (life === 0) power.sleep({ milliseconds: 2 * 3_600_000 });
if (life === 1) power.restart();
