// What a new chat says.

export function EmptyState({ incognito }: { readonly incognito: boolean }) {
  return (
    <div className="greeting">
      <p className="greeting-title">{incognito ? "Just between us" : "Hello! What’s on your mind?"}</p>
      <p>
        {incognito
          ? "Nothing of this chat is kept, here or on the server, unless you say so."
          : "Write below to start. Your chats are kept through reloads and restarts, until they expire."}
      </p>
    </div>
  );
}
