/** The built-in provider (ECMA-419 clause 18) of a desktop: it has no pins and no buses. */

class I2C {
  constructor() {
    throw new Error(
      "A desktop has no I2C bus; the simulator's sensors need none.",
    );
  }
}

const device = { io: { I2C }, pin: {} };

export default device;
