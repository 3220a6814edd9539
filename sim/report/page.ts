/** A terminal page. */

/** Paragraphs with an empty line between them; empty ones are left out. */
export function page(parts: readonly (readonly string[])[]): string {
  const texts = parts.map((part) => part.filter((text) => text !== "").join("\n"));
  return texts
    .filter((text) => text !== "")
    .join("\n\n")
    .replaceAll(/\n{3,}/g, "\n\n");
}
