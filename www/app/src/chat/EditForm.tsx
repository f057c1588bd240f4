// A message being said differently. Enter sends it, Escape leaves it as it was.
import { type FormEvent, type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTouch } from "../lib/touch";
import { isSendKey } from "./Composer";

interface Props {
  readonly text: string;
  /** Null: it stays as it was. */
  readonly onEnd: (text: string | null) => void;
}

export function EditForm({ text, onEnd }: Props) {
  const [draft, setDraft] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  const blank = draft.trim() === "";
  const touch = useTouch();

  useEffect(() => {
    const el = field.current;
    el?.focus();
    el?.setSelectionRange(el.value.length, el.value.length);
  }, []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!blank) onEnd(draft === text ? null : draft);
  };

  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === "Escape") {
      event.preventDefault();
      onEnd(null);
    } else if (isSendKey(event, touch)) {
      submit(event);
    }
  };

  return (
    <form className="edit" onSubmit={submit}>
      <textarea
        ref={field}
        value={draft}
        rows={Math.min(10, draft.split("\n").length + 1)}
        dir="auto"
        aria-label="Edit the message"
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={press}
      />
      <p className="edit-note">What came after it goes.</p>
      <p className="failure-actions">
        <button type="button" className="button small quiet" onClick={() => onEnd(null)}>
          Cancel
        </button>
        <button type="submit" className="button small primary" disabled={blank}>
          Send
        </button>
      </p>
    </form>
  );
}
