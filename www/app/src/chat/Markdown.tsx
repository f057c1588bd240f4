// Renders Markdown. The library makes React elements of it, never HTML: what a model writes can't become a script, and
// links that aren't to the web are dropped.
import { Children, type ComponentProps, isValidElement, type ReactNode, useId, useMemo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import rehypeHighlight from "rehype-highlight";
import remarkGfm from "remark-gfm";
import { CopyButton } from "../lib/CopyButton";
import { escapeMath } from "./escapeMath";

const REMARK = [remarkGfm];

/** The id of a message's heading of footnotes, which the library gives all of them alike. */
const FOOTNOTES = "footnote-label";

const COMPONENTS: Components = {
  pre: CodeBlock,
  // A footnote's link stays on the page.
  a: ({ href, children, node: _, ...rest }) =>
    href?.startsWith("#") ? (
      <a {...rest} href={href}>
        {children}
      </a>
    ) : (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ),
  // Fetching an image would tell its server who reads what, so it is a link that one can choose to follow.
  img: ({ src, alt }) => (
    <a href={typeof src === "string" ? src : undefined} target="_blank" rel="noopener noreferrer nofollow">
      {alt || "image"}
    </a>
  ),
  input: ({ checked }) => <input type="checkbox" checked={checked} disabled aria-label={checked ? "Done" : "To do"} />,
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="markdown-table" tabIndex={0} aria-label="Table">
      <table>{children}</table>
    </section>
  ),
};

export default function Markdown({ content }: { readonly content: string }) {
  const id = useId();
  // Footnotes of several messages are numbered alike: their ids begin with the message's own.
  const [rehype, options] = useMemo(
    () => [
      [rehypeHighlight, () => (tree: TreeNode) => prefixFootnotes(tree, id)],
      { clobberPrefix: `${id}-`, footnoteLabelProperties: { className: ["visually-hidden"] } },
    ],
    [id],
  );
  return (
    <div className="message-body markdown" dir="auto">
      <ReactMarkdown
        remarkPlugins={REMARK}
        rehypePlugins={rehype as ComponentProps<typeof ReactMarkdown>["rehypePlugins"]}
        remarkRehypeOptions={options as ComponentProps<typeof ReactMarkdown>["remarkRehypeOptions"]}
        components={COMPONENTS}
      >
        {escapeMath(content)}
      </ReactMarkdown>
    </div>
  );
}

/** As much of the library's tree as matters here. */
interface TreeNode {
  readonly properties?: Record<string, unknown>;
  readonly children?: readonly TreeNode[];
}

/** Renames the heading of a message's footnotes, and the references to it. */
function prefixFootnotes({ properties, children = [] }: TreeNode, id: string): void {
  if (properties?.id === FOOTNOTES) properties.id = `${id}-${FOOTNOTES}`;
  if (properties?.ariaDescribedBy) properties.ariaDescribedBy = `${id}-${FOOTNOTES}`;
  for (const child of children) prefixFootnotes(child, id);
}

/** A block of code with its language and a button that copies it. */
function CodeBlock({ children }: ComponentProps<"pre">) {
  const code = Children.toArray(children).find(isValidElement<{ className?: string; children?: ReactNode }>);
  const language = /language-(\S+)/.exec(code?.props.className ?? "")?.[1];
  return (
    <figure className="code" dir="ltr">
      <figcaption>
        <span>{language ?? "text"}</span>
        <CopyButton text={() => textOf(code?.props.children)} label="Copy code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>{children}</pre>
    </figure>
  );
}

/** The text inside elements: highlighting has wrapped its words. */
function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  return isValidElement<{ children?: ReactNode }>(node) ? textOf(node.props.children) : "";
}
