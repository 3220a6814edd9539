/**
 * SCRAM-SHA-256 as pure steps, for both roles, without channel binding. A step takes the peer's
 * message and gives ours, or `{ error }`; nonces come from outside, so that a test can repeat it.
 * Source: RFC 5802, RFC 7677; PgBouncer 1.25.2 src/scram.c.
 */
import { Buffer } from "node:buffer";
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { saslprep } from "./saslprep.ts";
import { Malformed, readClientFinal, readClientFirst } from "./scram-messages.ts";
import { bytesOf } from "./text.ts";

export const SCRAM_SHA_256 = "SCRAM-SHA-256";

/** What a server stores about a password. */
export interface ScramSecret {
  iterations: number;
  salt: Buffer;
  /** H(ClientKey): checks the client. */
  storedKey: Buffer;
  /** Proves the server to the client. */
  serverKey: Buffer;
}

/** Keys learnt from a client's login; they let us log in where the same secret is stored. */
export interface ScramKeys {
  clientKey: Buffer;
  serverKey: Buffer;
}

/** A step that failed, and why, for the log. */
export interface ScramError {
  error: string;
}

/** Bytes of a key, and of the hash. */
const KEY = 32;
/** Bytes of a salt that we make. */
export const SALT = 16;
/** Bytes of randomness in a nonce, before base64. */
export const NONCE = 18;

/** More, and a hostile server could keep us computing for minutes. */
const MOST_ITERATIONS = 10_000_000;

/** Makes the secret of a password; `salt` is random. Takes milliseconds, by design. */
export function deriveSecret(password: string, salt: Buffer, iterations: number): ScramSecret {
  const { clientKey, serverKey } = deriveKeys(password, salt, iterations);
  return { iterations, salt, storedKey: hash(clientKey), serverKey };
}

/** Reads `SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey`; undefined if it is not of this form. */
export function parseSecret(text: string): ScramSecret | undefined {
  const parts = /^SCRAM-SHA-256\$([1-9][0-9]{0,8}):([^$:]+)\$([^$:]+):([^$:]+)$/.exec(text);
  if (parts === null) return undefined;
  const [salt, storedKey, serverKey] = [decode(parts[2]), decode(parts[3]), decode(parts[4])];
  if (salt === undefined || storedKey?.length !== KEY || serverKey?.length !== KEY)
    return undefined;
  return { iterations: Number(parts[1]), salt, storedKey, serverKey };
}

/** The text form of a secret, as it stands in pg_authid and auth_file. */
export function formatSecret(secret: ScramSecret): string {
  const { iterations, salt, storedKey, serverKey } = secret;
  const keys = `${storedKey.toString("base64")}:${serverKey.toString("base64")}`;
  return `${SCRAM_SHA_256}$${iterations}:${salt.toString("base64")}$${keys}`;
}

/**
 * A secret for a user that does not exist, so that its exchange looks like any other: the same salt
 * each time, and no password fits. `key`: a random secret of the process.
 */
export function mockSecret(user: string, key: Buffer, iterations: number): ScramSecret {
  const salt = createHash("sha256").update(bytesOf(user)).update(key).digest().subarray(0, SALT);
  const storedKey = hmac(key, `stored ${user}`);
  return { iterations, salt, storedKey, serverKey: hmac(key, `server ${user}`) };
}

/** Does this password belong to the secret, given as text? */
export function verifyPlain(password: string, secret: string): boolean {
  const stored = parseSecret(secret);
  if (stored === undefined) return false;
  const { serverKey } = deriveKeys(password, stored.salt, stored.iterations);
  return timingSafeEqual(serverKey, stored.serverKey);
}

/** The exchange as the server sees it, after the first message. */
export interface ServerExchange {
  secret: ScramSecret;
  /** The client's "n" or "y", which it has to repeat. */
  flag: string;
  bare: string;
  nonce: string;
  /** server-first-message: to be sent. */
  message: string;
}

/** Server, step 1: answers client-first-message. `nonce`: our part, printable, from 18 random bytes. */
export function serverFirst(
  input: string,
  secret: ScramSecret,
  nonce: string,
): ServerExchange | ScramError {
  const first = orError(() => readClientFirst(input));
  if ("error" in first) return first;
  const full = `${first.nonce}${nonce}`;
  const message = `r=${full},s=${secret.salt.toString("base64")},i=${secret.iterations}`;
  return { secret, flag: first.flag, bare: first.bare, nonce: full, message };
}

/** Server, step 2: checks client-final-message. */
export function serverFinal(
  exchange: ServerExchange,
  input: string,
): { message: string; keys: ScramKeys } | ScramError {
  const final = orError(() => readClientFinal(input));
  if ("error" in final) return final;
  const { binding, nonce, withoutProof } = final;
  if (binding !== Buffer.from(`${exchange.flag},,`).toString("base64")) {
    return { error: "unexpected SCRAM channel-binding attribute in client-final-message" };
  }
  const proof = decode(final.proof);
  if (proof?.length !== KEY)
    return { error: "malformed SCRAM message (malformed proof in client-final-message)" };
  if (nonce !== exchange.nonce) return { error: "invalid SCRAM response (nonce does not match)" };
  const { secret } = exchange;
  const all = `${exchange.bare},${exchange.message},${withoutProof}`;
  const clientKey = xor(proof, hmac(secret.storedKey, all));
  if (!timingSafeEqual(hash(clientKey), secret.storedKey)) {
    return { error: "password authentication failed" };
  }
  const message = `v=${hmac(secret.serverKey, all).toString("base64")}`;
  return { message, keys: { clientKey, serverKey: secret.serverKey } };
}

/** The exchange as the client sees it, after the first message. */
export interface ClientExchange {
  nonce: string;
  /** client-first-message: to be sent. */
  message: string;
}

/** Client, step 1. `nonce`: printable, from 18 random bytes. PostgreSQL ignores the user name here. */
export function clientFirst(nonce: string): ClientExchange {
  return { nonce, message: `n,,n=,r=${nonce}` };
}

/**
 * Client, step 2: answers server-first-message. `from`: the password, or keys learnt from a login
 * with the same secret. `signature` is what the server has to prove in its last message.
 */
export function clientFinal(
  exchange: ClientExchange,
  input: string,
  from: string | ScramKeys,
): { message: string; signature: Buffer } | ScramError {
  const parts = /^r=([\x21-\x2b\x2d-\x7e]+),s=([^,]+),i=([1-9][0-9]{0,8})$/.exec(input);
  if (parts === null) return { error: "malformed SCRAM message (server-first-message)" };
  const [, nonce = "", encoded, iterations] = parts;
  const salt = decode(encoded);
  if (salt === undefined) return { error: "malformed SCRAM message (invalid salt)" };
  if (!nonce.startsWith(exchange.nonce) || nonce === exchange.nonce) {
    return { error: "invalid SCRAM response (nonce mismatch)" };
  }
  if (Number(iterations) > MOST_ITERATIONS) return { error: "too many SCRAM iterations" };
  const keys = typeof from === "string" ? deriveKeys(from, salt, Number(iterations)) : from;
  const withoutProof = `c=biws,r=${nonce}`;
  const all = `${exchange.message.slice("n,,".length)},${input},${withoutProof}`;
  const proof = xor(keys.clientKey, hmac(hash(keys.clientKey), all));
  const message = `${withoutProof},p=${proof.toString("base64")}`;
  return { message, signature: hmac(keys.serverKey, all) };
}

/** Client, step 3: undefined when server-final-message proves that the server knows the secret. */
export function checkServerFinal(input: string, signature: Buffer): ScramError | undefined {
  if (input.startsWith("e=")) return { error: `error received from server: ${input.slice(2)}` };
  const parts = /^v=([^,]+)$/.exec(input);
  const shown = decode(parts?.[1]);
  if (shown?.length !== KEY) return { error: "malformed SCRAM message (server-final-message)" };
  return timingSafeEqual(shown, signature) ? undefined : { error: "invalid server signature" };
}

function deriveKeys(password: string, salt: Buffer, iterations: number): ScramKeys {
  const salted = pbkdf2Sync(bytesOf(saslprep(password)), salt, iterations, KEY, "sha256");
  return { clientKey: hmac(salted, "Client Key"), serverKey: hmac(salted, "Server Key") };
}

function orError<T>(read: () => T): T | ScramError {
  try {
    return read();
  } catch (error) {
    if (error instanceof Malformed) return { error: error.message };
    throw error;
  }
}

/** Messages are latin1 on both sides of the pooler, which keeps every byte as it came. */
function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}

function hash(bytes: Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, index) => byte ^ (right[index] ?? 0)));
}

/** Strict base64; Node would take anything. */
function decode(text: string | undefined): Buffer | undefined {
  if (text === undefined || text.length % 4 !== 0) return undefined;
  return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? Buffer.from(text, "base64") : undefined;
}
