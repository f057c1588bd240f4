// One message: who said it, when, what, and what became of it.
import type { Message } from "chatkeep";
import { memo } from "react";
import { AlertIcon, LogoIcon } from "../lib/icons";
import { inWords, isGone } from "../lib/problems";
import { stamp } from "../lib/time";
import { MessageBody } from "./MessageBody";

interface Props {
  readonly message: Message;
  readonly onRetry: (message: Message) => void;
  readonly onEdit: (message: Message) => void;
}

const WHO: Readonly<Record<Message["role"], string>> = {
  user: "You",
  assistant: "Assistant",
  system: "System",
};

export const MessageItem = memo(function MessageItem({ message, onRetry, onEdit }: Props) {
  const { role, content, created, status } = message;
  return (
    <li className="message" data-role={role} data-status={status}>
      <p className="message-head">
        {role === "assistant" && <LogoIcon />}
        <span className="message-who">{WHO[role]}</span>
        <time dateTime={created}>{stamp(created, Date.now())}</time>
        {status === "pending" && <span>Sending…</span>}
      </p>
      <MessageBody role={role} content={content} />
      {status === "failed" && <Failure message={message} onRetry={onRetry} onEdit={onEdit} />}
    </li>
  );
});

function Failure({ message, onRetry, onEdit }: Props) {
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
        {again && (
          <button type="button" className="button small" onClick={() => onRetry(message)}>
            {gone ? "Retry in a new chat" : "Retry"}
          </button>
        )}
        <button type="button" className="button small quiet" onClick={() => onEdit(message)}>
          Edit a copy
        </button>
      </p>
    </div>
  );
}
