/** What an ErrorResponse says. */
import type { Buffer } from "node:buffer";
import { textOf } from "./text.ts";

/** Its fields by their letters. */
export function fieldsOf(body: Buffer): Map<string, string> {
  const texts = textOf(body).split("\0");
  return new Map(texts.filter(Boolean).map((text) => [text.slice(0, 1), text.slice(1)]));
}

/** Severity and text in one, as the log has them. Source: PgBouncer 1.25.2 src/proto.c, log_server_error(). */
export function complaintOf(body: Buffer): string {
  const fields = fieldsOf(body);
  return `${fields.get("S") ?? ""}: ${fields.get("M") ?? ""}`;
}
