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

export function MessageLog({ messages, sending, loading, online, onOlder, actions, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const newest = messages.at(-1);
  const streaming = newest?.status === "streaming";
  const { atEnd, toEnd } = useStickToEnd(box, {
    first: messages[0]?.id,
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
          {messages.length === 0 && loading && <p className="log-loading">Loading messages…</p>}
          {messages.length > 0 && (
            <ol className="messages">
              {messages.map((message) => (
                <MessageItem
                  key={message.id}
                  message={message}
                  online={online}
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
