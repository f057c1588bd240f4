// The messages of the open session, oldest first, held at the newest one unless the reader has scrolled up.
import type { Message } from "chatkeep";
import { type ReactNode, useRef } from "react";
import { DownIcon } from "../lib/icons";
import { useStickToEnd } from "../lib/useStickToEnd";
import { type MessageActions, MessageItem } from "./MessageItem";
import { OlderMessages } from "./OlderMessages";
import { Thinking } from "./Thinking";

interface Props {
  readonly messages: readonly Message[];
  readonly sending: boolean;
  readonly loading: boolean;
  /** Given when there are older messages than these. */
  readonly onOlder: (() => Promise<unknown>) | undefined;
  readonly online: boolean;
  readonly actions: MessageActions;
  /** What is said about the whole of them: that there are none yet, or that the session is gone. */
  readonly children: ReactNode;
}

/** What is happening to a message that waits. */
function progressOf({ id, status }: Message, online: boolean, answered: string | undefined, next: string | undefined) {
  if (status !== "pending" || id === answered) return undefined;
  if (!online) return "Waiting for the network";
  return id === next ? "Sending…" : "Waiting for its turn";
}

export function MessageLog({ messages, sending, loading, online, onOlder, actions, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  // A reply without a word yet is not there: somebody thinks.
  const shown = messages.filter(({ status, content }) => status !== "streaming" || content !== "");
  const newest = shown.at(-1);
  const streaming = shown.some(({ status }) => status === "streaming");
  const answered = messages.find(({ status }) => status === "streaming")?.parent;
  const next = messages.find(({ status }) => status === "pending")?.id;
  const { atEnd, toEnd } = useStickToEnd(box, {
    first: shown[0]?.id,
    last: newest?.id,
    lastIsOwn: newest?.role === "user",
  });

  return (
    <div className="log-frame">
      <div
        ref={box}
        className="log"
        role="log"
        aria-label="Messages"
        aria-live="polite"
        // A reply that grows is read out once it is whole.
        aria-busy={loading || streaming}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
      >
        <div className="log-column">
          {onOlder && <OlderMessages onLoad={onOlder} />}
          {shown.length === 0 && loading && <p className="log-loading">Loading messages…</p>}
          {shown.length > 0 && (
            <ol className="messages">
              {shown.map((message) => (
                <MessageItem
                  key={message.id}
                  message={message}
                  progress={progressOf(message, online, answered, next)}
                  idle={!sending}
                  newest={message === newest}
                  actions={actions}
                />
              ))}
            </ol>
          )}
          {children}
          {sending && online && !streaming && <Thinking />}
        </div>
      </div>
      {!atEnd && (
        <button type="button" className="icon-button to-end" aria-label="Go to the newest message" onClick={toEnd}>
          <DownIcon />
        </button>
      )}
    </div>
  );
}
