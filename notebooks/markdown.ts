/** A page as Markdown, for readers on a code host: prose and tables as text, pictures as files beside it. */

/** Part of a page: a text, or an element with its parts. */
export type Tree = string | Branch;

/** An element with its parts. */
export interface Branch {
  tag: string;
  /** `class`, `href`, `value` and the like. */
  attributes: Readonly<Record<string, string>>;
  inside: readonly Tree[];
  /** A picture's own text. */
  svg?: string;
}

/** Gives a picture a file; returns the file's name. */
export type Keep = (svg: string, alternative: string) => string;

/** Blocks with an empty line between them. */
export function markdownOf(tree: Tree, keep: Keep): string {
  return blocks(tree, keep)
    .map((block) => block.trim())
    .filter((block) => block !== "")
    .join("\n\n");
}

/** What a reader cannot use on paper. */
const LIVE = ["background", "player-bar", "legend"];

function blocks(tree: Tree, keep: Keep): string[] {
  if (typeof tree === "string") return [escaped(tree)];
  const { tag, attributes, inside, svg } = tree;
  const classes = (attributes.class ?? "").split(" ");
  if (classes.some((name) => LIVE.includes(name))) return [];
  if (classes.includes("control")) return [control(tree)];
  if (svg !== undefined) return [picture(svg, attributes["aria-label"] ?? "", keep)];
  switch (tag) {
    case "h1":
    case "h2":
    case "h3":
      return [`${"#".repeat(Number(tag.slice(1)))} ${plain(tree)}`];
    case "p":
      return [inline(tree)];
    case "ul":
    case "ol":
      return [list(tree, tag === "ol")];
    case "table":
      return [table(tree)];
    case "pre":
      return [`\`\`\`\n${textOf(tree).trimEnd()}\n\`\`\``];
    case "details":
      return details(tree, keep);
    default:
      return inside.flatMap((part) => blocks(part, keep));
  }
}

/** Those beside a picture say in words what is its text alternative anyway. */
function details({ inside }: Branch, keep: Keep): string[] {
  const [summary, ...rest] = inside.filter((part) => typeof part !== "string" || part.trim());
  const name = textOf(summary ?? "");
  if (name === "In words") return [];
  const body = rest.flatMap((part) => blocks(part, keep));
  return [`<details><summary>${escaped(name)}</summary>`, ...body, "</details>"];
}

function picture(svg: string, alternative: string, keep: Keep): string {
  return `![${alternative.replaceAll(/[[\]\n]/g, " ")}](${keep(svg, alternative)})`;
}

/** A slider, a choice or a text, with the value that it had. */
function control(tree: Branch): string {
  const name = textOf(found(tree, "label") ?? "");
  const text = found(tree, "textarea");
  if (text !== undefined)
    return `${escaped(name)}\n\n\`\`\`\n${givenValue(text).trimEnd()}\n\`\`\``;
  const shown = found(tree, "output");
  const value = shown === undefined ? givenValue(found(tree, "select")) : textOf(shown);
  return `- ${escaped(name)}: **${escaped(value)}**`;
}

const givenValue = (branch: Branch | undefined): string => branch?.attributes.value ?? "";

function list({ inside, attributes }: Branch, numbered: boolean): string {
  const first = Number(attributes.start ?? 1);
  const items = inside.filter((part) => typeof part !== "string" && part.tag === "li");
  return items.map((item, i) => `${numbered ? `${first + i}.` : "-"} ${inline(item)}`).join("\n");
}

function table(tree: Branch): string {
  const rows = all(tree, "tr").map((row) =>
    row.inside.filter((cell) => typeof cell !== "string").map((cell) => cell as Branch),
  );
  const [head = [], ...body] = rows;
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const texts = (cells: readonly Branch[]): string[] =>
    cells.map((cell) => inline(cell).replaceAll("|", "\\|"));
  const rule = head.map(({ attributes }) => (attributes.class === "right" ? "--:" : "---"));
  const caption = textOf(found(tree, "caption") ?? "");
  const lines = [row(texts(head)), row(rule), ...body.map((cells) => row(texts(cells)))];
  return `**${escaped(caption)}**\n\n${lines.join("\n")}`;
}

const MARKS: Readonly<Record<string, string>> = { strong: "**", em: "*", code: "`" };

function inline(tree: Tree): string {
  if (typeof tree === "string") return escaped(tree.replaceAll(/\s+/g, " "));
  const { tag, attributes, inside } = tree;
  if (tag === "code") return `\`${textOf(tree)}\``;
  const text = inside.map(inline).join("");
  const mark = MARKS[tag] ?? "";
  if (tag === "a") return `[${text}](${linkTo(attributes.href ?? "")})`;
  return mark === "" ? text.trim() : `${mark}${text}${mark}`;
}

/** The page of another notebook is its Markdown; the start page is what a folder shows. */
function linkTo(href: string): string {
  return href.replace(/^\.\/index\.html$/, "./README.md").replace(/^(\.\/[\w-]+)\.html$/, "$1.md");
}

/** A heading: what is inside it without links. */
function plain(tree: Tree): string {
  if (typeof tree === "string") return escaped(tree);
  if (tree.tag === "code") return `\`${textOf(tree)}\``;
  return tree.inside.map(plain).join("");
}

function textOf(tree: Tree): string {
  return typeof tree === "string" ? tree : tree.inside.map(textOf).join("");
}

/** The elements of that name, in their order. */
function all(tree: Branch, tag: string): Branch[] {
  return tree.inside.flatMap((part) =>
    typeof part === "string" ? [] : part.tag === tag ? [part] : all(part, tag),
  );
}

const found = (tree: Branch, tag: string): Branch | undefined => all(tree, tag)[0];

const escaped = (text: string): string =>
  text.replaceAll("<", "&lt;").replaceAll(/([*`])/g, "\\$1");
