// One session in the list: opens it, shows how long it is kept, deletes it after a question.
import type { Session } from "chatkeep";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { TrashIcon } from "../lib/icons";
import { ago, count, left } from "../lib/time";

interface Props {
  readonly session: Session;
  readonly current: boolean;
  readonly now: number;
  readonly onOpen: (sessionId: string) => void;
  readonly onDelete: (sessionId: string) => Promise<void>;
}

type Step = "rest" | "asking" | "deleting";

export function SessionItem({ session, current, now, onOpen, onDelete }: Props) {
  const [step, setStep] = useState<Step>("rest");
  const trash = useRef<HTMLButtonElement>(null);
  const keep = useRef<HTMLButtonElement>(null);
  const asked = useRef(false);
  const title = titleOf(session);

  // The question takes the focus, on its harmless answer; saying no gives it back.
  useEffect(() => {
    if (step === "asking") {
      asked.current = true;
      keep.current?.focus();
    } else if (step === "rest" && asked.current) {
      asked.current = false;
      trash.current?.focus();
    }
  }, [step]);

  const remove = async () => {
    setStep("deleting");
    await onDelete(session.id);
    asked.current = false;
    setStep("rest");
  };

  const cancelOnEscape = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    setStep("rest");
  };

  if (step !== "rest") {
    return (
      <li className="session">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for form fields. */}
        <div className="session-question" role="group" aria-label={`Delete “${title}”?`} onKeyDown={cancelOnEscape}>
          <span className="session-title" dir="auto">
            Delete “{title}”?
          </span>
          <span className="session-answers">
            <button
              ref={keep}
              type="button"
              className="button small"
              disabled={step === "deleting"}
              onClick={() => setStep("rest")}
            >
              No, keep
            </button>
            <button
              type="button"
              className="button small danger"
              disabled={step === "deleting"}
              onClick={() => void remove()}
            >
              {step === "deleting" ? "Deleting…" : "Yes, delete"}
            </button>
          </span>
        </div>
      </li>
    );
  }

  return (
    <li className="session">
      <button
        type="button"
        className="session-open"
        data-session={session.id}
        aria-current={current ? "true" : undefined}
        onClick={() => onOpen(session.id)}
      >
        <span className="session-title" dir="auto">
          {title}
        </span>
        <span className="session-facts">
          <time dateTime={session.updatedAt}>{ago(session.updatedAt, now)}</time>
          <span>{count(session.messageCount, "message")}</span>
          <time dateTime={session.expiresAt}>{left(session.expiresAt, now)}</time>
        </span>
      </button>
      <button
        ref={trash}
        type="button"
        className="icon-button session-delete"
        aria-label={`Delete “${title}”`}
        onClick={() => setStep("asking")}
      >
        <TrashIcon />
      </button>
    </li>
  );
}

function titleOf(session: Session): string {
  return session.title?.trim() || "Untitled chat";
}
