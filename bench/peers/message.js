// A message as Chatkeep stores it, and the title that a session takes from its first one.

export function userMessage(content) {
  return { id: crypto.randomUUID(), role: "user", content, created: new Date().toISOString() };
}

export function replyTo(message, content) {
  return { id: `r-${message.id}`, role: "assistant", content, created: new Date().toISOString(), parent: message.id };
}

/** What a turn answers. */
export function answer(session_id, message, reply) {
  return { response: reply.content, session_id, message_id: message.id, reply_id: reply.id };
}

export function title(content) {
  return content.length > 60 ? `${content.slice(0, 59)}…` : content;
}
