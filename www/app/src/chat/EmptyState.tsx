// What a new chat says.

export function EmptyState() {
  return (
    <div className="greeting">
      <p className="greeting-title">Hello! What’s on your mind?</p>
      <p>Write below to start. Your chats are kept through reloads and restarts, until they expire.</p>
    </div>
  );
}
