/** Options of LDAP authentication: what they come to, and PgBouncer's words for those that cannot be followed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readLdapOptions } from "../../engine/config/index.ts";

const plain = { scheme: "ldap", hosts: "h", port: 389, tls: false };
const bind = { ...plain, mode: "bind", prefix: "", suffix: "" };
const search = {
  ...plain,
  mode: "search",
  base: "dc=x",
  scope: "sub",
  binddn: "",
  bindpasswd: "",
  filter: "(uid=$username)",
};

describe("options", () => {
  test.each([
    // text, what it comes to
    ["ldapserver=h ldapprefix=uid=", { ...bind, prefix: "uid=" }],
    [' ldapserver=h ldapsuffix=",dc=x, y"', { ...bind, suffix: ",dc=x, y" }],
    ['ldapserver="a b"  ldapprefix=u', { ...bind, hosts: "a b", prefix: "u" }],
    ['ldapserver=h,"ldapport"=12 , ldapprefix="a""b"', { ...bind, port: 12, prefix: 'a"b' }],
    ['ldapserver=h ldapprefix=a""b', { ...bind, prefix: 'a""b' }],
    ["ldapserver=h ldapprefix=u ldaptls=1", { ...bind, prefix: "u", tls: true }],
    ["ldapserver=h ldapprefix=u ldaptls=yes", { ...bind, prefix: "u" }],
    [
      "ldapserver=h ldapprefix=u ldapscheme=ldaps",
      { ...bind, prefix: "u", scheme: "ldaps", port: 636 },
    ],
    ["ldapserver=h ldapprefix=u # and no more", { ...bind, prefix: "u" }],
    ["ldapserver=h ldapprefix=u ldaptls= 1", { ...bind, prefix: "u" }],
    ["ldapserver=h ldapbasedn=dc=x", search],
    ["ldapbasedn=dc=x", { ...search, hosts: "" }],
    [
      "ldapserver=h ldapbasedn=dc=x ldapsearchattribute=cn",
      { ...search, filter: "(cn=$username)" },
    ],
    [
      "ldapserver=h ldapbasedn=dc=x ldapsearchfilter=a=$username",
      { ...search, filter: "a=$username" },
    ],
    [
      "ldapserver=h ldapbasedn=dc=x ldapbinddn=cn=r ldapbindpasswd=p",
      { ...search, binddn: "cn=r", bindpasswd: "p" },
    ],
    ["ldapurl=ldap://h/dc=x?uid?sub", search],
    ["ldapurl=ldap://h/dc=x", { ...search, scope: "base" }],
    [
      'ldapurl="LDAPS://h/dc=x?cn,uid?one"',
      { ...search, scheme: "ldaps", port: 636, scope: "one", filter: "(cn=$username)" },
    ],
    [
      "ldapurl=ldaps://h:1/dc=a%2Cb??SUBTREE?(a=%28)",
      { ...search, scheme: "ldaps", port: 1, base: "dc=a,b", filter: "(a=()" },
    ],
    ["ldapurl=ldap:///dc=x?uid?children", { ...search, hosts: "", scope: "children" }],
    ["ldapurl=ldap://[::1]:5/dc=x??sub", { ...search, hosts: "[::1]", port: 5 }],
    ["ldapurl=ldap://h:0/dc=x%??sub", { ...search, base: "dc=x%" }],
    ["ldapurl=ldap://h ldapprefix=u", { ...bind, prefix: "u" }],
    ["ldapurl=ldap://h/dc=x??sub ldapserver=other", { ...search, hosts: "other" }],
  ])("%s", (text, want) => {
    expect(readLdapOptions(text)).toEqual(want);
  });

  const NOTHING =
    'authentication method "ldap" requires argument "ldapbasedn", "ldapprefix", or "ldapsuffix" to be set';
  const MIXED = "cannot mix options for simple bind and search+bind modes";
  const URL = "not ldap[s]://host:port/base?attribute?scope?filter";
  test.each([
    // text, what is wrong
    ["", NOTHING],
    ["ldapserver=h", NOTHING],
    ["ldapserver=h ldapprefix= u", NOTHING],
    ["ldapurl=ldap://h", NOTHING],
    ["ldapprefix=u ldapbasedn=dc=x", MIXED],
    ["ldapsuffix=u ldapbinddn=cn=r", MIXED],
    ["ldapurl=ldap://h/ ldapprefix=u", MIXED],
    ["ldapprefix=u", "LDAP server not specified, and no ldapbasedn"],
    [
      "ldapbasedn=dc=x ldapsearchattribute=a ldapsearchfilter=b",
      "cannot use ldapsearchattribute together with ldapsearchfilter",
    ],
    ["ldapserver=h ldaphost=x", 'invalid LDAP option: "ldaphost"'],
    ["ldapserver=h some ldapprefix=u", 'invalid LDAP option: "some ldapprefix"'],
    ["ldapport=x", 'invalid LDAP port number: "x"'],
    ["ldapscheme=ldapi", 'invalid ldapscheme value: "ldapi"'],
    ["ldapurl=ldapi://x/dc=x", "unsupported LDAP URL scheme: ldapi"],
    ["ldapurl=http://x/dc=x", `could not parse LDAP URL "http://x/dc=x": ${URL}`],
    ["ldapurl=ldap://h:/dc=x", `could not parse LDAP URL "ldap://h:/dc=x": ${URL}`],
    [
      "ldapurl=ldap://h/dc=x??all",
      'could not parse LDAP URL "ldap://h/dc=x??all": bad or missing scope',
    ],
    [
      "ldapurl=ldap://h/??constructor",
      'could not parse LDAP URL "ldap://h/??constructor": bad or missing scope',
    ],
  ])("%j cannot be followed: %s", (text, mistake) => {
    expect(readLdapOptions(text)).toEqual({ mistake });
  });

  test("any value comes back as it was quoted", () => {
    const value = fc.string({ minLength: 1 });
    fc.assert(
      fc.property(value, value, (prefix, suffix) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const text = `ldapserver=h ldapprefix=${quoted(prefix)}, ldapsuffix=${quoted(suffix)}`;
        expect(readLdapOptions(text)).toEqual({ ...bind, prefix, suffix });
      }),
    );
  });
});
