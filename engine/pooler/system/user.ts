/** Becoming another user, for a pooler that root starts. Source: PgBouncer 1.25.2 src/util.c. */
import { execFileSync } from "node:child_process";
import { OutsideError } from "./errors.ts";

/**
 * Gives up root for `name`: its groups, its group, itself. Nothing happens when it is us already.
 * Errors: OutsideError when there is no such user, or when we are not root.
 */
export function becomeUser(name: string): void {
  const { setgroups, setgid, setuid } = process;
  if (setgroups === undefined || setgid === undefined || setuid === undefined)
    throw new OutsideError(`cannot become user ${name}: this system has no such thing`);
  const [uid = 0] = idsOf(name, "-u");
  if (process.getuid?.() === uid) return;
  if (process.getuid?.() !== 0)
    throw new OutsideError(`cannot become user ${name}: only root can, and we are not root`);
  const [gid = 0] = idsOf(name, "-g");
  setgroups.call(process, idsOf(name, "-G"));
  setgid.call(process, gid);
  setuid.call(process, uid);
}

/** `-u` the user's id, `-g` that of its group, `-G` all its groups; Node has no look-up of its own. */
function idsOf(name: string, option: "-u" | "-g" | "-G"): number[] {
  try {
    const stdio = ["ignore", "pipe", "ignore"] as const;
    const text = execFileSync("id", [option, "--", name], { stdio: [...stdio], encoding: "utf8" });
    return text.trim().split(" ").map(Number);
  } catch {
    throw new OutsideError(`cannot become user ${name}: there is no such user`);
  }
}

/** Id of a group of the system. Errors: OutsideError when there is none of that name. */
export function groupId(name: string): number {
  try {
    const entry = execFileSync("getent", ["group", name], { stdio: ["ignore", "pipe", "ignore"] });
    return Number(String(entry).split(":")[2]);
  } catch {
    throw new OutsideError(`there is no group ${name}`);
  }
}
