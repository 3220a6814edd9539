/** The files that say who may log in, and how: auth_file and auth_hba_file. */
import {
  type Config,
  ConfigError,
  loadHba,
  loadIdent,
  parseUserlist,
  type ReadFile,
  readFromDisk,
  whyUnreadable,
} from "../../../engine/config/index.ts";
import type { LoginRules, Logins } from "./instance.ts";

/** The users of auth_file, or what is the matter with it. */
export function loginsOf({ values }: Config, readFile: ReadFile = readFromDisk): Logins {
  const file = values.auth_file;
  if (file === null || file === "") return { is: "not named" };
  let text: string;
  try {
    text = readFile(file);
  } catch (error) {
    return { is: "not readable", why: whyUnreadable(error) };
  }
  const { secrets, broken } = parseUserlist(text, file);
  if (broken !== undefined) return { is: "broken", error: broken.error };
  return { is: "read", names: [...secrets.keys()] };
}

/** The rules of auth_hba_file, or what is the matter with it. */
export function loginRulesOf({ values }: Config, readFile: ReadFile = readFromDisk): LoginRules {
  const { auth_type, auth_hba_file: file, auth_ident_file: maps } = values;
  if (auth_type !== "hba") return { is: "not asked for" };
  if (file === "") return { is: "not named" };
  try {
    readFile(file);
  } catch (error) {
    return { is: "not readable", why: whyUnreadable(error) };
  }
  const broken: ConfigError[] = [];
  try {
    const known = maps === null || maps === "" ? new Map() : loadIdent(maps, () => {}, readFile);
    const rules = loadHba(file, known, (error) => broken.push(error), readFile);
    return { is: "read", rules: rules.length, broken };
  } catch (error) {
    if (error instanceof ConfigError) return { is: "read", rules: 1, broken };
    throw error;
  }
}
