/** Builders of the messages that a pooler itself sends. Signatures first. */
import type { Buffer } from "node:buffer";

export type ColumnType = "text" | "int4" | "int8" | "numeric" | "bytea";
export interface Column {
  name: string;
  type: ColumnType;
}
export declare function authenticationOk(): Buffer;
export declare function authenticationCleartext(): Buffer;
export declare function authenticationMd5(salt: Buffer): Buffer;
export declare function authenticationSasl(mechanisms: readonly string[]): Buffer;
export declare function authenticationSaslContinue(data: string): Buffer;
export declare function authenticationSaslFinal(data: string): Buffer;
export declare function parameterStatus(name: string, value: string): Buffer;
/** `key`: process id and secret, 8 bytes. */
export declare function backendKeyData(key: Buffer): Buffer;
export declare function readyForQuery(status?: "I" | "T" | "E"): Buffer;
export declare function errorResponse(
  severity: "ERROR" | "FATAL",
  sqlstate: string,
  text: string,
): Buffer;
export declare function noticeResponse(text: string, detail?: string): Buffer;
export declare function rowDescription(columns: readonly Column[]): Buffer;
export declare function dataRow(values: readonly (string | number | bigint | null)[]): Buffer;
export declare function commandComplete(tag: string): Buffer;
export declare function sslRequest(): Buffer;
export declare function startupMessage(parameters: readonly (readonly [string, string])[]): Buffer;
export declare function passwordMessage(text: string): Buffer;
export declare function query(sql: string): Buffer;
export declare function sync(): Buffer;
export declare function terminate(): Buffer;
export declare function cancelRequest(key: Buffer): Buffer;
