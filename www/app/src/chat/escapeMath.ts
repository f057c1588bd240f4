// Keeps formulas in Markdown as they were written. Models write LaTeX as \( … \), \[ … \] and $$ … $$, where Markdown would
// take the backslashes, underscores and stars for its own.

/** The longest formula or code span that is looked for: a bracket that nobody closes costs no more than this. */
const LONGEST = 4_000;

/** Anything of that length without an empty line, as short as possible. */
const within = `(?:(?!\\n[ \\t]*\\n)[^]){1,${LONGEST}}?`;

/** Code, which stays as it is, in its own groups; then formulas, and brackets whose other half is still to come. */
const CODE_OR_MATH = new RegExp(
  [
    // A fenced block, to its end or, while it streams, to the end of the text.
    "(?<fence>^[ \\t>]*(?<mark>`{3,}|~{3,})[^]*?(?:\\n[ \\t>]*\\k<mark>[`~]*[ \\t]*$|(?![^])))",
    `(?<span>(?<!\`)(?<ticks>\`+)(?!\`)${within}(?<!\`)\\k<ticks>(?!\`))`,
    `\\\\\\[${within}\\\\\\]`,
    `\\\\\\(${within}\\\\\\)`,
    `\\$\\$${within}\\$\\$`,
    "\\\\[()[\\]]",
  ].join("|"),
  "gm",
);

const PUNCTUATION = /[!-/:-@[-`{-~]/g;

/** The same Markdown with each formula escaped, so that it is shown letter by letter. */
export function escapeMath(markdown: string): string {
  if (!markdown.includes("\\") && !markdown.includes("$$")) return markdown;
  return markdown.replace(CODE_OR_MATH, (found, ...rest) => {
    const { fence, span } = rest.at(-1) as { fence?: string; span?: string };
    return (fence ?? span) ? found : found.replace(PUNCTUATION, "\\$&");
  });
}
