// Renders Markdown. The library makes React elements of it, never HTML: what a model writes can't become a script, and
// links that aren't to the web are dropped.
import { Children, type ComponentProps, isValidElement, type ReactNode } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import rehypeHighlight from "rehype-highlight";
import remarkGfm from "remark-gfm";
import { CopyButton } from "../lib/CopyButton";

const REMARK = [remarkGfm];
const REHYPE = [rehypeHighlight];

const COMPONENTS: Components = {
  pre: CodeBlock,
  a: ({ href, children }) => (
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
  table: ({ children }) => (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="markdown-table" tabIndex={0} aria-label="Table">
      <table>{children}</table>
    </section>
  ),
};

export default function Markdown({ content }: { readonly content: string }) {
  return (
    <div className="message-body markdown" dir="auto">
      <ReactMarkdown remarkPlugins={REMARK} rehypePlugins={REHYPE} components={COMPONENTS}>
        {content}
      </ReactMarkdown>
    </div>
  );
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
