/** Named prepared statements across servers (max_prepared_statements). Signatures first. */

/** One for the process: query text and types -> id and global name, reference-counted. */
export declare class StatementTable {
  readonly size: number;
}
/** A client's names. Call `clear` when the client goes. */
export declare class ClientStatements {
  constructor(table: StatementTable);
  readonly size: number;
  /** Counters for core.stats: client_parse_count, server_parse_count, bind_count; host reads and zeroes. */
  clientParses: number;
  serverParses: number;
  binds: number;
  clear(): void;
}
/** What is prepared on a server, least recently used first. Call `clear` when the server closes. */
export declare class ServerStatements {
  /** max_prepared_statements; may be changed by RELOAD. */
  limit: number;
  constructor(table: StatementTable, limit: number);
  readonly size: number;
  clear(): void;
}
