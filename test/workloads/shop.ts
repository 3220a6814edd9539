/** A small workload file that is in order, and what is said of one that is not. */
import { expect } from "vitest";
import { ConfigError } from "../../engine/config/index.ts";
import { type Overrides, parseWorkload } from "../../workloads/schema/load.ts";

export const FILE = "shop.yaml";
export const GOOD = `name: shop
clients:
  - name: browsing
    count: 3
    think: 1 s
    transaction: { service: 5 ms }
`;

/** The file with `to` in the place of `from`. */
export const swap = (from: string, to: string): string => GOOD.replace(from, to);

/** The message of the ConfigError with which `text` is refused under `overrides`. */
export function refusal(text: string, overrides: Overrides = {}): string {
  try {
    parseWorkload(text, FILE, overrides);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  return "not refused";
}
