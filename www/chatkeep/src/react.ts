/**
 * Chatkeep for React: one hook.
 *
 * @packageDocumentation
 */

import { useMemo, useSyncExternalStore } from "react";
import type { Chatkeep, Snapshot } from "./types.js";

/**
 * What {@link useChatkeep} gives: the snapshot's fields and the client's methods. `sessions` is the list itself; the
 * method that reads it from the server is `listSessions`.
 */
export interface UseChatkeep
  extends Snapshot,
    Pick<Chatkeep, "newChat" | "send" | "retry" | "open" | "history" | "delete"> {
  /** Reads the list of sessions from the server: the client's `sessions()`. */
  readonly listSessions: Chatkeep["sessions"];
}

/**
 * Shows a client: the component renders again after every change of the snapshot. Make the client outside of components,
 * or in a `useState` initialiser; the hook neither makes nor disposes of it, so any number of components can share one.
 *
 * @example
 * ```tsx
 * const client = createChatkeep();
 *
 * function Chat() {
 *   const { messages, send } = useChatkeep(client);
 *   return <button onClick={() => send("Hello")}>{messages.length} messages</button>;
 * }
 * ```
 */
export function useChatkeep(client: Chatkeep): UseChatkeep {
  const snapshot = useSyncExternalStore(client.subscribe, client.getSnapshot, client.getServerSnapshot);
  return useMemo(
    () => ({
      ...snapshot,
      newChat: client.newChat,
      send: client.send,
      retry: client.retry,
      open: client.open,
      history: client.history,
      delete: client.delete,
      listSessions: client.sessions,
    }),
    [client, snapshot],
  );
}
