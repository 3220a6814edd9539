/** LDAP with names and passwords that are no UTF-8: the server is asked for them byte for byte. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { readLdapOptions } from "../../engine/config/index.ts";
import { FRONTEND } from "../../engine/wire/messages.ts";
import { bytesOf, textOf } from "../../engine/wire/text.ts";
import { message } from "../../engine/wire/writer.ts";
import { LdapServer } from "./ldap-server.ts";
import { Raw, startupInLatin1 } from "./raw.ts";
import { Stage, until } from "./stage.ts";

const latin1 = (text: string): string => textOf(Buffer.from(text, "latin1"));

let stage: Stage;
let server: LdapServer;
beforeAll(async () => {
  stage = await Stage.open();
  const password = latin1("né");
  server = await LdapServer.start({
    [latin1("uid=josé,dc=acme")]: { password, attributes: [] },
    "cn=josé": { password, attributes: [latin1("uid=josé")] },
    "cn=été": { password, attributes: ["uid=josé", "cn=été"] },
    [latin1("cn=josé,ou=ä")]: { password, attributes: [latin1("mail=josé")] },
  });
});
afterAll(async () => {
  server.close();
  await stage.close();
});

const BIND = 'ldapprefix="uid=" ldapsuffix=",dc=acme"';
test.each([
  // options, what the server hears
  [BIND, "bind uid=josé,dc=acme|unbind"],
  ["ldapbasedn=dc=acme", "bind |search dc=acme 2 (uid=josé)|unbind|bind cn=josé|unbind"],
  [
    "ldapbasedn=dc=acme ldapsearchattribute=mail",
    "bind |search dc=acme 2 (mail=josé)|unbind|bind cn=josé,ou=ä|unbind",
  ],
  [
    String.raw`ldapbasedn=dc=acme ldapsearchfilter=(cn=\c3\a9t\C3\A9)`,
    "bind |search dc=acme 2 (cn=été)|unbind|bind cn=été|unbind",
  ],
])("%s", async (options, heard) => {
  const { host, port } = stage.database;
  const base = {
    auth_type: "ldap",
    auth_ldap_options: `ldapserver=127.0.0.1 ldapport=${server.port} ${options}`,
    auth_file: stage.file('"admin" ""\n'),
  };
  const entry = `far = host=${host} port=${port} dbname=postgres user=alice`;
  const pooler = await stage.pooler(base, entry);
  server.heard.length = 0;
  const raw = new Raw(pooler);
  raw.send(startupInLatin1(["user", "josé"], ["database", "far"]));
  await raw.until("R");
  raw.send(message(FRONTEND.password, Buffer.from("né\0", "latin1")));
  await raw.until("Z");
  expect(raw.complaint).toBe("");
  await until(() => server.heard.at(-1) === "unbind");
  const said = server.heard.map((line) =>
    line.replace(latin1("josé"), "josé").replace(latin1("ä"), "ä"),
  );
  expect(said.join("|")).toBe(heard);
  raw.socket.destroy();
});

test("a URL may have them too", () => {
  const options = readLdapOptions('ldapurl="ldap://h/ou=%c3%9f,dc=%E9t%e9?uid%zz?sub"');
  if (!("base" in options)) throw new Error("is no search");
  expect(bytesOf(options.base)).toEqual(Buffer.from("ou=\xc3\x9f,dc=\xe9t\xe9", "latin1"));
  expect(options.filter).toBe("(uid%zz=$username)");
});
