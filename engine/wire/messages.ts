/**
 * Type bytes of the PostgreSQL frontend/backend protocol, version 3.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
import * as states from "../core/states.ts";

// V8 folds the constants of a module into its code, but loads imported ones at every use.
const { STATUS } = states;

const code = (letter: string): number => letter.charCodeAt(0);

/** What a client sends. */
export const FRONTEND = {
  bind: code("B"),
  close: code("C"),
  copyData: code("d"),
  copyDone: code("c"),
  copyFail: code("f"),
  describe: code("D"),
  execute: code("E"),
  flush: code("H"),
  functionCall: code("F"),
  parse: code("P"),
  password: code("p"),
  query: code("Q"),
  sync: code("S"),
  terminate: code("X"),
} as const;

/** What a server sends. */
export const BACKEND = {
  authentication: code("R"),
  backendKeyData: code("K"),
  bindComplete: code("2"),
  closeComplete: code("3"),
  commandComplete: code("C"),
  copyBothResponse: code("W"),
  copyData: code("d"),
  copyDone: code("c"),
  copyFail: code("f"),
  copyInResponse: code("G"),
  copyOutResponse: code("H"),
  dataRow: code("D"),
  emptyQueryResponse: code("I"),
  errorResponse: code("E"),
  functionCallResponse: code("V"),
  negotiateProtocolVersion: code("v"),
  noData: code("n"),
  noticeResponse: code("N"),
  notificationResponse: code("A"),
  parameterDescription: code("t"),
  parameterStatus: code("S"),
  parseComplete: code("1"),
  portalSuspended: code("s"),
  readyForQuery: code("Z"),
  rowDescription: code("T"),
} as const;

/** Bytes of a header: the type and four bytes of length, which count themselves but not the type. */
export const HEADER = 5;

/** Is it something that a server says once it is logged in? */
export const isSpoken = (type: number): boolean => SPOKEN.has(type);

const LOGIN = [BACKEND.authentication, BACKEND.backendKeyData, BACKEND.negotiateProtocolVersion];
const SPOKEN: ReadonlySet<number> = new Set(
  Object.values(BACKEND).filter((type) => !LOGIN.some((other) => other === type)),
);

/** The core's STATUS for the byte of a ReadyForQuery; -1: there is no such byte. */
export function statusOf(letter: number): number {
  if (letter === LETTER_I) return STATUS.idle;
  if (letter === LETTER_T) return STATUS.transaction;
  return letter === LETTER_E ? STATUS.failed : -1;
}

const LETTER_I = code("I");
const LETTER_T = code("T");
const LETTER_E = code("E");

/** Can a CommandComplete of this size be one that clears prepared statements? */
export function isClearing(size: number): boolean {
  return size === DEALLOCATE_ALL_SIZE || size === DISCARD_ALL_SIZE;
}

const DEALLOCATE_ALL_SIZE = HEADER + "DEALLOCATE ALL".length + 1;
const DISCARD_ALL_SIZE = HEADER + "DISCARD ALL".length + 1;
