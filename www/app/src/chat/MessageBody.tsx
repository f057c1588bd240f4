// A message's text, as written: white space kept, any script, in its own direction.

export function MessageBody({ content }: { readonly content: string }) {
  return (
    <div className="message-body" dir="auto">
      {content}
    </div>
  );
}
