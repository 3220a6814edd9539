/**
 * Addresses that rules are about, as bytes: whatever a mask of PgBouncer's may be, it is obeyed.
 * Source: PgBouncer 1.25.2 src/hba.c, parse_nmask(), match_inet4(), match_inet6().
 */
import { isIP } from "node:net";

/** Addresses of one family: those that the mask makes `base`. Both are 4 bytes, or 16. */
export interface Addresses {
  /** May have bits beyond the mask, which PgBouncer takes and nobody fits. */
  readonly base: readonly number[];
  /** Any bits, as in PgBouncer. */
  readonly mask: readonly number[];
}

/** An IPv4 client on an IPv6 socket has an address such as `::ffff:10.0.0.1`; it counts as IPv4. */
export function addressFits(
  addresses: Addresses | undefined,
  address: string | undefined,
): boolean {
  if (addresses === undefined || address === undefined) return true;
  const bytes = bytesOf(address.replace(/^::ffff:(?=\d+\.)/i, ""));
  const { base, mask } = addresses;
  const isBase = (byte: number, i: number): boolean => (byte & (mask[i] ?? 0)) === base[i];
  return bytes.length === base.length && bytes.every(isBase);
}

/** Has the address bits that its mask takes away? Then it fits nobody. */
export function isBeyond({ base, mask }: Addresses): boolean {
  return base.some((byte, i) => (byte & ~(mask[i] ?? 0)) !== 0);
}

/** A mask of `size` bytes with so many ones, 0 where there is no text; undefined: it is no such number. */
export function ones(text: string, size: number): number[] | undefined {
  const bits = Number(text);
  if (!/^(\+?\d+)?$/.test(text) || bits > 8 * size) return undefined;
  return Array.from({ length: size }, (_, index) => maskByte(bits, index));
}

const maskByte = (length: number, index: number): number =>
  0xff & (0xff00 >> Math.min(8, Math.max(0, length - 8 * index)));

/** The bytes of an address, 4 or 16. */
export function bytesOf(address: string): number[] {
  if (isIP(address) === 4) return address.split(".").map(Number);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const [, start = "", ...four] = dotted ?? [];
  const [a = 0, b = 0, c = 0, d = 0] = four.map(Number);
  const text = dotted
    ? `${start}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
    : address;
  const [head = "", tail] = text.split("::");
  const words = (part: string): number[] =>
    part === "" ? [] : part.split(":").map((word) => Number.parseInt(word, 16));
  const [first, last] = [words(head), words(tail ?? "")];
  const middle = Array.from(
    { length: tail === undefined ? 0 : 8 - first.length - last.length },
    () => 0,
  );
  return [...first, ...middle, ...last].flatMap((word) => [word >> 8, word & 0xff]);
}
