/** The part of the manifest's `config` section that this folder reads; the SDK's own declaration says `any`. */
declare module "mc/config" {
  const config: { wifi: { SSID: string; password?: string } };
  export default config;
}
