/** Random first packets: how clients come in, or do not. */
import fc from "fast-check";
import { pick } from "./messages.ts";
import { type Packet, PROTOCOL } from "./script.ts";

const pair = (first: string, second: string): readonly [string, string] => [first, second];

/** None that the server refuses: whether a client hears of that depends on what it has sent meanwhile. */
const PARAMETERS = [
  pair("client_encoding", "latin1"),
  pair("client_encoding", "UTF8"),
  pair("DateStyle", "German"),
  pair("datestyle", "iso"),
  pair("TimeZone", "Asia/Tokyo"),
  pair("application_name", "it's"),
  pair("standard_conforming_strings", "off"),
  pair("extra_float_digits", "3"),
  pair("search_path", "public"),
  pair("database", "nowhere"),
  pair("user", "ghost"),
  pair("user", ""),
];

/** What 1.18 takes otherwise. */
const MORE_PARAMETERS = [
  ...["database", "yes", "on", "false", "no", "maybe", "DATABASE", ""].map((value) =>
    pair("replication", value),
  ),
  ...["", "x", "1.2"].map((value) => pair("_pq_.one", value)),
  pair("_pq_.two", "on"),
  pair("application_name", ""),
  pair("application_name", "é"),
  pair("intervalstyle", "sql_standard"),
  pair("default_transaction_read_only", "on"),
  pair("ignored", "whatever"),
  pair("Ignored", "whatever"),
  pair("database", ""),
  pair("", "nothing"),
];

const OPTIONS = [
  ...["", "-c datestyle=german", "-cdatestyle=german", "  -c   TimeZone=UTC", "--a=b"],
  ...["--timezone=Asia/Tokyo", "--timezone=Asia/Tokyo -c intervalstyle=iso_8601", "-c", "--"],
  ...["-c bogus=1", "-d 5", "-c ignored=1", "-c timezone"],
  ...["-c application_name=a\\ b", "-c application_name=a\\\\b", "-c application_name=x\\", "x=y"],
  ...["-c search_path=a,b", '--search_path="$user"', "-c datestyle=", "-c a=b=c"],
  ...["-c application_name=a=b", "-c datestyle=german -c datestyle=iso", "--timezone=UTC --x"],
  `-c application_name=${"long".repeat(120)}`,
];

/** PgBouncer 1.18 does not set an application_name that is empty. */
const NAMED = pair("application_name", "one");

const BYTES = [
  "",
  "0000000404d2162f",
  "0001000000030000",
  "0000001004d2162e0000000100000002",
  "0000000804d2162f0000000804d21630",
  "0000000804d2163000",
];
const MORE_BYTES = [
  "0000000800030000",
  "0000000900030000",
  "000000090003000000",
  "0000000c04d2162e00000001",
  "0000001404d2162e000000010000000200000003",
  "5100000008",
  "5800000004",
  "7000000008616263",
  "00000008000300",
  "0000000900030000ff",
  "000000100003000075736572",
];

/** `more`: what 1.18 does not know. */
export function arrival(mode: string, more: boolean): fc.Arbitrary<Packet[]> {
  const usualPairs = [pair("user", "alice"), pair("database", mode), NAMED];
  const plain: Packet[] = [["startup", PROTOCOL, ...usualPairs]];
  const asked = pick<Packet[]>([], [["ssl"]], [["gss"]], [["ssl"], ["gss"]], [["ssl"], ["ssl"]]);
  const versions = [PROTOCOL, PROTOCOL, PROTOCOL, 0x2_0000, 0x4_0000];
  const newer = [0x3_0001, 0x3_0002, 0x3_270f, 0x3_ffff];
  const options = pick(...OPTIONS).map((value) => pair("options", value));
  const parameter = pick(...PARAMETERS, ...(more ? MORE_PARAMETERS : []));
  const startup = fc
    .tuple(
      pick(...versions, ...(more ? newer : [])),
      fc.array(more ? fc.oneof({ weight: 3, arbitrary: parameter }, options) : parameter, {
        maxLength: 2,
      }),
    )
    .map(([version, pairs]): Packet => ["startup", version, ...usualPairs, ...pairs]);
  const bytes = pick(...BYTES, ...(more ? MORE_BYTES : [])).map((hex): Packet => ["bytes", hex]);
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant(plain) },
    {
      weight: more ? 4 : 2,
      arbitrary: fc.tuple(asked, startup).map(([first, last]) => [...first, last]),
    },
    { weight: 1, arbitrary: fc.tuple(asked, bytes).map(([first, last]) => [...first, last]) },
  );
}
