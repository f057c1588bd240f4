// One message: who said it, when, what, what became of it, and what can be done with it.
import type { Message } from "chatkeep";
import { memo, useRef, useState } from "react";
import { CopyButton } from "../lib/CopyButton";
import { AlertIcon, EditIcon, LogoIcon, RepeatIcon } from "../lib/icons";
import { inWords, isGone } from "../lib/problems";
import { stamp } from "../lib/time";
import { EditForm } from "./EditForm";
import { MessageBody } from "./MessageBody";

/** What can be done with a message. */
export interface MessageActions {
  retry(message: Message): void;
  discard(message: Message): void;
  /** Says it differently; all that came after it goes. */
  edit(message: Message, text: string): void;
  /** Has another reply instead of this one. */
  regenerate(message: Message): void;
}

interface Props {
  readonly message: Message;
  /** What is happening to it while it waits. */
  readonly progress: string | undefined;
  /** Nothing is on its way, so that what was said can be changed. */
  readonly idle: boolean;
  /** It is the newest of the chat. */
  readonly newest: boolean;
  readonly actions: MessageActions;
}

const WHO: Readonly<Record<Message["role"], string>> = {
  user: "You",
  assistant: "Assistant",
  system: "System",
};

export const MessageItem = memo(function MessageItem({ message, progress, idle, newest, actions }: Props) {
  const { role, content, created, status } = message;
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const settled = status === "stored" || status === "stopped";

  return (
    <li className="message" data-role={role} data-status={status}>
      <p className="message-head">
        {role === "assistant" && <LogoIcon />}
        <span className="message-who">{WHO[role]}</span>
        <time dateTime={created}>{stamp(created, Date.now())}</time>
        {progress && <span>{progress}</span>}
        {status === "stopped" && <span>Stopped</span>}
      </p>
      {editing ? (
        <EditForm
          text={content}
          onEnd={(text) => {
            setEditing(false);
            if (text !== null) actions.edit(message, text);
            else requestAnimationFrame(() => editButton.current?.focus());
          }}
        />
      ) : (
        <MessageBody role={role} content={content} />
      )}
      {status === "failed" && <Failure message={message} actions={actions} />}
      {progress !== undefined && progress !== "Sending…" && (
        <button type="button" className="button small quiet" onClick={() => actions.discard(message)}>
          Don’t send it
        </button>
      )}
      {settled && !editing && (
        <p className="message-tools">
          <CopyButton text={() => content} label="Copy message" />
          {role === "user" && idle && (
            <button
              ref={editButton}
              type="button"
              className="tool-button"
              aria-label="Edit message"
              title="Edit: what came after it goes"
              onClick={() => setEditing(true)}
            >
              <EditIcon />
            </button>
          )}
          {role === "assistant" && newest && idle && (
            <button
              type="button"
              className="tool-button"
              aria-label="Answer again"
              title="Answer again"
              onClick={() => actions.regenerate(message)}
            >
              <RepeatIcon />
            </button>
          )}
        </p>
      )}
    </li>
  );
});

function Failure({ message, actions }: Pick<Props, "message" | "actions">) {
  const { problem } = message;
  const gone = isGone(problem);
  const again = gone || problem === undefined || problem.retryable;
  return (
    <div className="failure">
      <p className="failure-reason">
        <AlertIcon />
        <span>
          <b>Not answered.</b> {problem ? inWords(problem) : "It was interrupted. Try again."}
        </span>
      </p>
      <p className="failure-actions">
        <button type="button" className="button small quiet" onClick={() => actions.discard(message)}>
          Back into the box
        </button>
        {problem?.code === "client_too_old" && (
          <button type="button" className="button small" onClick={() => location.reload()}>
            Reload
          </button>
        )}
        {again && (
          <button type="button" className="button small" onClick={() => actions.retry(message)}>
            {gone ? "Retry in a new chat" : "Retry"}
          </button>
        )}
      </p>
    </div>
  );
}
