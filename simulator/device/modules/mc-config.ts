/**
 * The SDK's `mc/config`: the settings of this build of the firmware, from the manifest's `config` section. Here they come
 * from the file of the option --config, which takes the place of this module; without it there are none.
 */
const config: Record<string, unknown> = {};

export default config;
