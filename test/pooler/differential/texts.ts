/** SQL texts of random scripts: each works, or fails, in its own way. */

export const TABLE = "create temp table if not exists t (a int, b text)";
export const COPY = "copy t from stdin";

export const READING = [
  ...["select 1", "select 1; select 2", "", ";", "select 'a' where false", "show search_path"],
  "select generate_series(1, 300)",
  "select repeat('y', 90000) from generate_series(1, 3)",
  "select date '2024-02-03', interval '1 day 2 hours', 'é', current_setting('timezone')",
  ...["show application_name", "copy (select generate_series(1, 3)) to stdout", "select $1::int"],
  "select current_setting('search_path'), current_setting('intervalstyle')",
];

export const WRITING = [
  ...[TABLE, "insert into t values (1, 'a') returning a", "select * from t", "drop table t"],
  ...["copy t to stdout", "declare c cursor for select generate_series(1, 5)", "fetch 2 from c"],
  ...["close c", "prepare p as select 7", "execute p", "deallocate p", "deallocate all"],
  "create temp table if not exists u (a int unique deferrable initially deferred)",
  ...["insert into u values (1), (1)", "do $$ begin raise notice 'hear'; end $$"],
];

export const FAILING = [
  ...["select 1/0", "select 1; select 1/0; select 3", "selec", "select * from nowhere"],
  ...["begin; select 1/0; commit", "set bogus = 1", "set timezone = 'nowhere'"],
  "do $$ begin raise exception 'no'; end $$",
];

export const BLOCKS = [
  ...["begin", "begin", "commit", "rollback", "savepoint a", "rollback to a", "release a"],
  ...["begin; select 1", "commit; begin", "commit; select 5", "rollback and chain"],
  "begin isolation level serializable read only",
];

/** Ends of blocks and beginnings of the next, in all forms. */
export const MORE_BLOCKS = [
  ...[
    "commit and chain",
    "end",
    "abort",
    "start transaction",
    "end and chain",
    "commit and no chain",
  ],
  ...[
    "rollback and no chain",
    "begin; select 1; commit",
    "begin; commit; begin",
    "select 1; begin",
  ],
  ...["begin; rollback and chain; select 2", "prepare transaction 'x'", "commit prepared 'x'"],
  ...[
    "set transaction read only",
    "commit; select 1/0",
    "begin; selec",
    "rollback; begin; select 3",
  ],
];

export const SETTINGS = [
  ...["set datestyle = 'sql, dmy'", "set datestyle = german", "set timezone = 'Asia/Tokyo'"],
  ...["set client_encoding = 'latin1'", "set client_encoding = 'utf8'", "reset timezone"],
  ...["set application_name = 'it''s'", "set standard_conforming_strings = off", "reset all"],
  ...["set search_path = pg_catalog", "set local timezone = 'UTC'", "discard all"],
  ...["set intervalstyle = 'sql_standard'", "set default_transaction_read_only = on"],
  ...[
    "set application_name = 'a\\b'",
    "set timezone = 'asia/tokyo'",
    "set session authorization bob",
  ],
];

/** Settings that come and go with a block or within one message, and those that say so unasked. */
export const MORE_SETTINGS = [
  ...["set local datestyle = german", "begin; set local intervalstyle = iso_8601; commit"],
  ...["begin; set timezone = 'UTC'; rollback", "begin; set timezone = 'UTC'", "reset datestyle"],
  ...["select set_config('application_name', 'two', false)", "reset application_name"],
  ...["select set_config('timezone', 'Europe/Rome', true)", "set application_name = ''"],
  ...["set intervalstyle to default", "set datestyle to default; select 1/0", "discard plans"],
  ...["set client_encoding = 'nonsense'", "set names 'latin1'", "set names default"],
  ...["set time zone local", "set time zone -3", "set time zone interval '-05:30' hour to minute"],
  ...["discard temp", "discard all; select 1", "reset session authorization", "set role bob"],
  ...["reset role", "set transaction isolation level serializable", "reset intervalstyle"],
  "do $$ begin perform set_config('datestyle', 'postgres', false); raise notice 'set'; end $$",
  "create function pg_temp.f() returns int language sql set timezone = 'UTC' as 'select 1'",
];

/** Texts that clients give the same and other names. */
export const SHARED = [
  ...["select 1", "select $1::int", "select 2 as two", "select * from t", "selec", "select 1/0"],
  ...["begin", "commit", "rollback", "deallocate all", "discard all", "", "show timezone"],
  ...["insert into t values (1, 'a') returning a", "select generate_series(1, 5)"],
  `select '${"long".repeat(1500)}'`,
];
