/**
 * assistant-ui on a Chatkeep client: its threads are the client's sessions, its messages the open session's history.
 *
 * @packageDocumentation
 */

import { useMemo } from "react";
import { useChat, useSessions } from "./react.js";
import type { Chatkeep, Message, Problem, Session } from "./types.js";

/** As much of a message that assistant-ui appends as matters here. */
export interface AppendedMessage {
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  /** The message that it takes the place of. */
  readonly sourceId: string | null;
}

/**
 * The external store of assistant-ui: give it to `useExternalStoreRuntime`. The client sends, streams, keeps and lists, with
 * its outbox and its tabs; assistant-ui shows.
 *
 * A message's `metadata.custom` says how it stands (`status`), and why it failed (`problem`).
 *
 * @example
 * ```tsx
 * function App() {
 *   const runtime = useExternalStoreRuntime(useAssistantStore(client));
 *   return <AssistantRuntimeProvider runtime={runtime}><Thread /></AssistantRuntimeProvider>;
 * }
 * ```
 */
export function useAssistantStore(client?: Chatkeep) {
  const chat = useChat(client);
  const list = useSessions(client);
  const threadList = useMemo(
    () => ({
      threadId: list.sessionId ?? undefined,
      threads: list.sessions.filter(({ archived }) => !archived).map((session) => thread("regular", session)),
      archivedThreads: list.sessions.filter(({ archived }) => archived).map((session) => thread("archived", session)),
      onSwitchToNewThread: () => list.newChat(),
      onSwitchToThread: (id: string) => list.open(id),
      onRename: (id: string, title: string) => done(list.rename(id, title)),
      onArchive: (id: string) => done(list.archive(id)),
      onUnarchive: (id: string) => done(list.archive(id, false)),
      onDelete: (id: string) => list.delete(id),
    }),
    [list],
  );
  return useMemo(
    () => ({
      messages: chat.messages.flatMap(withFailure),
      convertMessage: convert,
      isRunning: chat.status === "submitted" || chat.status === "streaming",
      isLoading: chat.loading && chat.messages.length === 0,
      onNew: (message: AppendedMessage) => done(chat.send(textOf(message))),
      onEdit: (message: AppendedMessage) => done(chat.edit(message.sourceId ?? "", textOf(message))),
      onReload: (parentId: string | null) => done(chat.regenerate(parentId ?? undefined)),
      onCancel: () => chat.stop(),
      onRefetchThread: () => done(chat.history()),
      adapters: { threadList },
    }),
    [chat, threadList],
  );
}

function thread<S extends "regular" | "archived">(status: S, { id, title, ...custom }: Session) {
  return { status, id, title, custom };
}

function convert({ id, role, content, created, metadata, status, problem }: Message) {
  return {
    id,
    role,
    content,
    createdAt: new Date(created),
    metadata: { custom: { status, ...(problem && { problem }), ...(metadata !== undefined && { metadata }) } },
    ...(role === "assistant" && { status: problem ? failure(problem) : STATUSES[status] }),
  };
}

/** A message that failed, followed by an empty reply with the reason: assistant-ui shows errors of replies only. */
function withFailure(message: Message): Message[] {
  const { id, role, status, problem } = message;
  if (role !== "user" || status !== "failed" || !problem) return [message];
  return [message, { ...message, id: `${id}:failed`, role: "assistant", content: "", parent: id }];
}

function failure({ detail, code }: Problem) {
  return { type: "incomplete", reason: "error", error: detail ?? code } as const;
}

/** How replies stand, in the words of assistant-ui. */
const COMPLETE = { type: "complete", reason: "stop" } as const;
const STATUSES = {
  stored: COMPLETE,
  pending: { type: "running" },
  streaming: { type: "running" },
  stopped: { type: "incomplete", reason: "cancelled" },
  failed: { type: "incomplete", reason: "error" },
} as const;

function textOf({ content }: AppendedMessage): string {
  return content.map(({ type, text }) => (type === "text" ? (text ?? "") : "")).join("\n");
}

/** Waits for the end of something; what failed shows in the messages. */
function done(work: Promise<unknown>): Promise<void> {
  return work.then(
    () => {},
    () => {},
  );
}
