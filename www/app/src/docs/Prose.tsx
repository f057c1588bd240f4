// A text of the description: what stands between backticks is code.

export function Prose({ text }: { readonly text: string }) {
  const parts = text.split("`");
  // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text that doesn't change
  return <p>{parts.map((part, at) => (at % 2 ? <code key={at}>{part}</code> : part))}</p>;
}
