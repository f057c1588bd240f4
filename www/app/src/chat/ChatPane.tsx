// The open session: what it is and how long it is kept, its messages, and where to write.
import type { Chatkeep, Problem, Snapshot } from "chatkeep";
import { type RefObject, useCallback, useEffect, useMemo, useState } from "react";
import { Notice } from "../lib/Notice";
import { inWords, isGone } from "../lib/problems";
import { STOP, useShortcut } from "../lib/shortcuts";
import { useDraft } from "../lib/useDraft";
import { useOnExpiry } from "../lib/useOnExpiry";
import { ChatHeader } from "./ChatHeader";
import { Composer } from "./Composer";
import { EmptyState } from "./EmptyState";
import type { MessageActions } from "./MessageItem";
import { MessageLog } from "./MessageLog";
import { Weather } from "./Weather";

interface Props {
  readonly client: Chatkeep;
  readonly view: Snapshot;
  readonly now: number;
  readonly composer: RefObject<HTMLTextAreaElement | null>;
  readonly onNewChat: (options?: { incognito: boolean }) => void;
  /** There is a list to open over the page. */
  readonly onOpenList: (() => void) | undefined;
}

export function ChatPane({ client, view, now, composer, onNewChat, onOpenList }: Props) {
  const { ready, online, degraded, sessionId, session, incognito, messages, sending, hasOlder, problem } = view;
  const loading = view.loading || (!ready && problem === null);
  const [draft, setDraft] = useDraft(sessionId, sending);
  const [unread, reason] = useUnread(view, loading);

  // What the server says to this shows in the snapshot.
  const shown = useMemo(() => (session === null ? [] : [session]), [session]);
  useOnExpiry(shown, now, () => void client.history());

  // A message that fails stays in the log with its reason.
  const send = useCallback((text: string) => void client.send(text, { stream: true }), [client]);
  const stop = useCallback(() => void client.stop(), [client]);
  useShortcut(STOP, sending ? stop : undefined);

  const actions = useMemo<MessageActions>(
    () => ({
      retry: ({ id }) => void client.retry(id),
      discard: ({ id, content }) => {
        void client.discard(id);
        const typed = composer.current?.value.trimEnd() ?? "";
        setDraft(typed === "" ? content : `${typed}\n${content}`);
        composer.current?.focus();
      },
      edit: ({ id }, text) => {
        void client.edit(id, text, { stream: true });
        focusOnDesktop(composer.current);
      },
      regenerate: ({ id }) => {
        void client.regenerate(id, { stream: true });
        focusOnDesktop(composer.current);
      },
    }),
    [client, composer, setDraft],
  );
  const older = useCallback(() => client.history({ older: true }), [client]);
  useEffect(() => focusOnDesktop(composer.current), [composer]);

  const blank = messages.length === 0 && !loading;
  const gone = isGone(problem) && !messages.some((message) => isGone(message.problem));

  return (
    <main className="chat">
      <title>{session?.title ? `${session.title} · Chatkeep` : "Chatkeep"}</title>
      <ChatHeader
        title={titleOf(view)}
        expiresAt={session?.expiresAt}
        incognito={incognito}
        blank={blank && sessionId === null}
        now={now}
        onNewChat={onNewChat}
        onKeep={incognito && messages.length > 0 && !sending ? () => void client.keep() : undefined}
        onOpenList={onOpenList}
      />
      <Weather online={online} degraded={degraded} />
      <MessageLog
        messages={messages}
        sending={sending}
        loading={loading}
        online={online}
        onOlder={hasOlder ? older : undefined}
        actions={actions}
      >
        {blank && !unread && !gone && <EmptyState incognito={incognito} />}
        {unread && !gone && (
          <Notice action="Try again" onAction={() => void client.history()}>
            The messages couldn’t be loaded. {reason && inWords(reason)}
          </Notice>
        )}
        {gone && problem && (
          <Notice action="Start a new chat" onAction={() => onNewChat()}>
            {inWords(problem)}
          </Notice>
        )}
      </MessageLog>
      <Composer field={composer} text={draft} onText={setDraft} onSend={send} onStop={sending ? stop : undefined} />
    </main>
  );
}

/** Whether there are messages that could not be read, and why. While they are tried again nothing changes about it. */
function useUnread(view: Snapshot, loading: boolean): [boolean, Problem | null] {
  const [last, setLast] = useState<{ readonly session: string | null; readonly problem: Problem | null }>();
  const { sessionId, problem } = view;
  const known = isUnread(view, loading);
  if (known === false && last !== undefined) setLast(undefined);
  if (known && (last?.session !== sessionId || (problem && problem.code !== last.problem?.code))) {
    setLast({ session: sessionId, problem });
  }
  return [known ?? last?.session === sessionId, problem ?? last?.problem ?? null];
}

/** The same for one moment; undefined where that doesn't tell. */
function isUnread({ ready, sessionId, session, incognito, messages, hasOlder, problem }: Snapshot, loading: boolean) {
  if (!ready) return problem !== null;
  if (sessionId === null || incognito || hasOlder) return false;
  if (messages.some(({ status }) => status !== "pending" && status !== "failed")) return false;
  if (session !== null && session.messageCount <= messages.length) return false;
  if (loading) return undefined;
  return session !== null || problem !== null || undefined;
}

/** Where a touch keyboard would cover the page, the focus waits for a touch. */
function focusOnDesktop(field: HTMLElement | null) {
  if (matchMedia("(pointer: fine)").matches) field?.focus();
}

function titleOf({ sessionId, session, incognito }: Snapshot): string {
  if (incognito) return "Incognito chat";
  if (sessionId === null) return "New chat";
  return session === null ? "Chat" : session.title?.trim() || "Untitled chat";
}
