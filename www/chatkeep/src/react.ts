/**
 * Chatkeep for React: a provider and hooks, each on one external store.
 *
 * @packageDocumentation
 */

import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useSyncExternalStore,
} from "react";
import type { Chatkeep, SendOptions, Snapshot } from "./types.js";

const Context = createContext<Chatkeep | null>(null);

/** Gives the client to the hooks inside. Make it outside of components, or in a `useState` initialiser. */
export function ChatkeepProvider({ client, children }: { readonly client: Chatkeep; readonly children?: ReactNode }) {
  return createElement(Context.Provider, { value: client }, children);
}

function useClient(given: Chatkeep | undefined): Chatkeep {
  const provided = useContext(Context);
  const client = given ?? provided;
  if (!client) throw new Error("there is no client: wrap this in a ChatkeepProvider, or give the hook one");
  return client;
}

/** The fields of the snapshot with these names; the component renders again only when one of them is another. */
function useFields<K extends keyof Snapshot>(client: Chatkeep, names: readonly K[]): Pick<Snapshot, K> {
  const [get, getOnServer] = useMemo(() => {
    const cached = (read: () => Snapshot) => {
      let last: Pick<Snapshot, K> | undefined;
      return () => {
        const now = read();
        const same = last && names.every((name) => last?.[name] === now[name]);
        if (!same) last = Object.fromEntries(names.map((name) => [name, now[name]])) as unknown as Pick<Snapshot, K>;
        return last as Pick<Snapshot, K>;
      };
    };
    return [cached(client.getSnapshot), cached(client.getServerSnapshot)];
  }, [client, names]);
  return useSyncExternalStore(client.subscribe, get, getOnServer);
}

const CHAT = [
  "ready",
  "online",
  "degraded",
  "sessionId",
  "session",
  "incognito",
  "messages",
  "sending",
  "loading",
  "hasOlder",
  "problem",
] as const;

/** What {@link useChat} gives: what there is to show of the open chat, and what can be done with it. */
export interface UseChat
  extends Pick<Snapshot, (typeof CHAT)[number]>,
    Pick<Chatkeep, "newChat" | "stop" | "retry" | "discard" | "open" | "history" | "fork" | "keep" | "state"> {
  /** `submitted`: waits for a reply. `streaming`: it is coming. `error`: the last message failed. */
  readonly status: "ready" | "submitted" | "streaming" | "error";
  /** Sends a message. Its reply comes in pieces, unless `stream` is `false`. */
  readonly send: Chatkeep["send"];
  /** Says a message differently, with the reply in pieces. */
  readonly edit: Chatkeep["edit"];
  /** Has another reply, in pieces. */
  readonly regenerate: Chatkeep["regenerate"];
}

/**
 * The open chat. The component renders again when something of it changes; the list of sessions is no part of it.
 *
 * @example
 * ```tsx
 * function Chat() {
 *   const { messages, status, send, stop } = useChat();
 *   return <button onClick={() => (status === "streaming" ? stop() : send("Hello"))}>{messages.length}</button>;
 * }
 * ```
 */
export function useChat(given?: Chatkeep): UseChat {
  const client = useClient(given);
  const fields = useFields(client, CHAT);
  return useMemo(() => {
    const last = fields.messages.at(-1)?.status;
    const pieces = (options?: SendOptions) => ({ stream: true, ...options });
    return {
      ...fields,
      status: fields.sending ? (last === "streaming" ? last : "submitted") : last === "failed" ? "error" : "ready",
      send: (text, options) => client.send(text, pieces(options)),
      edit: (id, text, options) => client.edit(id, text, pieces(options)),
      regenerate: (id, options) => client.regenerate(id, pieces(options)),
      newChat: client.newChat,
      stop: client.stop,
      retry: client.retry,
      discard: client.discard,
      open: client.open,
      history: client.history,
      fork: client.fork,
      keep: client.keep,
      state: client.state,
    };
  }, [client, fields]);
}

const SESSIONS = ["sessions", "sessionCount", "hasMoreSessions", "search", "sessionId"] as const;

/** What {@link useSessions} gives: the list, and what can be done with what is in it. */
export interface UseSessions
  extends Pick<Snapshot, (typeof SESSIONS)[number]>,
    Pick<Chatkeep, "open" | "newChat" | "rename" | "pin" | "archive" | "delete" | "restore" | "export"> {
  /** Reads the list again. */
  readonly refresh: () => Promise<unknown>;
  /** Reads the next page. */
  readonly more: () => Promise<unknown>;
  /** Shows only sessions whose title contains this; all when it is empty. */
  readonly find: (search: string) => Promise<unknown>;
}

/** The list of sessions, read when the component is first shown. It doesn't render again while a reply comes in. */
export function useSessions(given?: Chatkeep): UseSessions {
  const client = useClient(given);
  const fields = useFields(client, SESSIONS);
  useEffect(() => void client.sessions(), [client]);
  return useMemo(
    () => ({
      ...fields,
      refresh: () => client.sessions(),
      more: () => client.sessions({ more: true }),
      find: (search) => client.sessions({ search }),
      open: client.open,
      newChat: client.newChat,
      rename: client.rename,
      pin: client.pin,
      archive: client.archive,
      delete: client.delete,
      restore: client.restore,
      export: client.export,
    }),
    [client, fields],
  );
}

/** What {@link useChatkeep} gives: the snapshot's fields and the client's methods. The method `sessions` is `listSessions`. */
export interface UseChatkeep extends Snapshot, Omit<Chatkeep, "sessions" | "getSnapshot" | "getServerSnapshot"> {
  /** Reads the list of sessions from the server: the client's `sessions()`. */
  readonly listSessions: Chatkeep["sessions"];
}

/**
 * Everything of a client: the component renders again after every change of the snapshot. Mostly {@link useChat} and
 * {@link useSessions} are what one wants.
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
export function useChatkeep(given?: Chatkeep): UseChatkeep {
  const client = useClient(given);
  const snapshot = useSyncExternalStore(client.subscribe, client.getSnapshot, client.getServerSnapshot);
  return useMemo(() => ({ ...client, ...snapshot, listSessions: client.sessions }), [client, snapshot]);
}
