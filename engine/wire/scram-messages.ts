/**
 * What clients send in SCRAM, read attribute by attribute, so that the log says what is wrong in PgBouncer's
 * words. Source: RFC 5802, 7; PgBouncer 1.25.2 src/scram.c, read_client_first_message().
 */

export interface ClientFirst {
  /** "n" or "y", which the client has to repeat. */
  flag: string;
  /** The message behind the flag. */
  bare: string;
  nonce: string;
}

export interface ClientFinal {
  binding: string;
  nonce: string;
  /** All that the proof is about. */
  withoutProof: string;
  /** As written. */
  proof: string;
}

/** A message that is no such message, and why. */
export class Malformed extends Error {}

/** Errors: Malformed. */
export function readClientFirst(input: string): ClientFirst {
  const [flag = "", comma = "", identity = ""] = input;
  if (flag === "p")
    throw new Malformed("client requires SCRAM channel binding, but it is not supported");
  if (flag !== "n" && flag !== "y") wrong(`unexpected channel-binding flag "${shown(flag)}"`);
  if (comma !== ",") wrong(`comma expected, but found character "${shown(comma)}"`);
  if (identity === "a")
    throw new Malformed("client uses authorization identity, but it is not supported");
  if (identity !== ",") wrong(`unexpected attribute "${shown(identity)}" in client-first-message`);
  const bare = input.slice(3);
  if (bare.startsWith("m")) throw new Malformed("client requires an unsupported SCRAM extension");
  const reader = new Attributes(bare);
  reader.take("n");
  const nonce = reader.take("r");
  if (!/^[\x21-\x2b\x2d-\x7e]+$/.test(nonce))
    throw new Malformed("non-printable characters in SCRAM nonce");
  while (!reader.ended) reader.takeAny();
  return { flag, bare, nonce };
}

/** Errors: Malformed. */
export function readClientFinal(input: string): ClientFinal {
  const reader = new Attributes(input);
  const binding = reader.take("c");
  const nonce = reader.take("r");
  for (;;) {
    const withoutProof = input.slice(0, Math.max(0, reader.at - 1));
    const { name, value } = reader.takeAny();
    if (name !== "p") continue;
    if (!reader.ended) wrong("garbage at the end of client-final-message");
    return { binding, nonce, withoutProof, proof: value };
  }
}

/** Reads `a=value,b=value`. Errors: Malformed. */
class Attributes {
  at = 0;
  private readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  get ended(): boolean {
    return this.at >= this.text.length;
  }

  /** The value of the attribute that has to come next. */
  take(name: string): string {
    if (this.text[this.at] !== name) wrong(`attribute "${name}" expected`);
    if (this.text[this.at + 1] !== "=") wrong(`expected "=" after attribute "${name}"`);
    return this.value();
  }

  takeAny(): { name: string; value: string } {
    const name = this.text[this.at] ?? "";
    if (!/^[A-Za-z]$/.test(name))
      wrong(`attribute expected, but found invalid character "${shown(name)}"`);
    if (this.text[this.at + 1] !== "=") wrong(`expected character "=" after attribute "${name}"`);
    return { name, value: this.value() };
  }

  private value(): string {
    const start = this.at + 2;
    const comma = this.text.indexOf(",", start);
    const end = comma < 0 ? this.text.length : comma;
    this.at = end + 1;
    return this.text.slice(start, end);
  }
}

function wrong(what: string): never {
  throw new Malformed(`malformed SCRAM message (${what})`);
}

/** A sign as the log has it; where there is none, PgBouncer finds the zero behind the text. */
function shown(sign: string): string {
  const code = sign === "" ? 0 : sign.charCodeAt(0);
  return code >= 0x21 && code <= 0x7e ? `'${sign}'` : `0x${code.toString(16).padStart(2, "0")}`;
}
