/** One measurement. `time` in ms since 1970, `temperature` in °C, `humidity` in % relative. */
export interface Sample {
  readonly seq: number;
  readonly time: number;
  readonly temperature: number;
  readonly humidity: number;
}

/** A sample as it goes over the wire: JSON in UTF-8, about 80 bytes. Two decimals are more than the sensor knows. */
export function encode(sample: Sample): ArrayBuffer {
  const { seq, time, temperature, humidity } = sample;
  return ArrayBuffer.fromString(
    `{"seq":${seq},"time":${time},"temperature":${decimal(temperature)},"humidity":${decimal(humidity)}}`,
  );
}

const decimal = (value: number): number => Math.round(value * 100) / 100;
