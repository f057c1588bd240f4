// A message's text. What a person wrote is shown as written: white space kept, any script, in its own direction. What the
// assistant wrote is Markdown, whose renderer is loaded when the first answer is to be shown.
import type { Message } from "chatkeep";
import { lazy, memo, Suspense } from "react";

// Without the renderer (the page is offline before it was ever loaded) the text is still there to read.
const Markdown = lazy(() => import("./Markdown").catch(() => ({ default: Plain })));

interface Props {
  readonly role: Message["role"];
  readonly content: string;
}

export const MessageBody = memo(function MessageBody({ role, content }: Props) {
  if (role !== "assistant") return <Plain content={content} />;
  return (
    <Suspense fallback={<Plain content={content} />}>
      <Markdown content={content} />
    </Suspense>
  );
});

function Plain({ content }: { readonly content: string }) {
  return (
    <div className="message-body" dir="auto">
      {content}
    </div>
  );
}
