// The reply of Chatkeep's echo responder, so that every peer answers the same: what was said, and what is remembered.

const QUOTED = 3;
const QUOTED_CHARACTERS = 80;

/** @param {{role: string, content: string}[]} window the messages kept in view, the one to answer last */
export function echo(window) {
  const earlier = window.slice(0, -1);
  const said = earlier.filter((message) => message.role === "user");
  const answer = `You said: ${window[window.length - 1].content}`;
  if (said.length === 0) return `${answer}\n\nThat is the first thing you have told me in this chat.`;
  const quotes = said.slice(-QUOTED).map((message) => quote(message.content));
  const plural = earlier.length === 1 ? "message" : "messages";
  return `${answer}\n\nI remember ${earlier.length} earlier ${plural}. Before this you said ${quotes.join(", then ")}.`;
}

function quote(text) {
  const line = text.split(/\s+/).join(" ").trim();
  return line.length > QUOTED_CHARACTERS ? `“${line.slice(0, QUOTED_CHARACTERS).trimEnd()}…”` : `“${line}”`;
}
