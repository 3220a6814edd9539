/**
 * Type bytes of the PostgreSQL frontend/backend protocol, version 3.
 * Source: https://www.postgresql.org/docs/current/protocol-message-formats.html
 */

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

/** Can a CommandComplete of this size be one that clears prepared statements? */
export function isClearing(size: number): boolean {
  return size === DEALLOCATE_ALL_SIZE || size === DISCARD_ALL_SIZE;
}

const DEALLOCATE_ALL_SIZE = HEADER + "DEALLOCATE ALL".length + 1;
const DISCARD_ALL_SIZE = HEADER + "DISCARD ALL".length + 1;
