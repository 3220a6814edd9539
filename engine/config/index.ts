/**
 * The public face of the configuration: PgBouncer's settings from a file, a console or a workload,
 * and what the scheduler and our pooler make of them.
 */
export { type Change, changesBetween } from "./changes.ts";
export {
  applySet,
  type ConfigRow,
  loadConfig,
  reloadConfig,
  settingValue,
  showConfig,
} from "./config.ts";
export { coreSettings, coreSettingsFrom } from "./core-settings.ts";
export type { DatabaseEntry, PeerEntry, UserEntry, Written } from "./entries.ts";
export { ConfigError, type ConfigErrorParts, didYouMean, nearest, unknownName } from "./errors.ts";
export { type HbaRule, loadHba, loadIdent, type Mapping, matchingRule } from "./hba.ts";
export { type Config, parseIni, printIni } from "./ini.ts";
export { type ReadFile, readFromDisk, whyUnreadable } from "./ini-lines.ts";
export { misread } from "./kinds.ts";
export {
  type LdapBind,
  type LdapMistake,
  type LdapOptions,
  type LdapSearch,
  readLdapOptions,
} from "./ldap.ts";
export { durationWithUnit } from "./numbers.ts";
export { noteOf, plainRefusals, poolerNotes, poolerRefusals } from "./pooler-support.ts";
export { loadResolvConf, type ResolvConf } from "./resolv-conf.ts";
export { CALLS_NEED, type SystemCalls } from "./setting.ts";
export { SETTING_NAMES, SETTINGS, type SettingName, sourceOf, type Values } from "./settings.ts";
export {
  placeOf,
  TLS_VERSIONS,
  type TlsSide,
  tlsCiphers,
  tlsRefusals,
  tlsVersions,
} from "./tls.ts";
export { type BrokenUserlist, parseUserlist } from "./userlist.ts";
export { configFrom, type WrittenKeys, type WrittenOptions } from "./written.ts";
