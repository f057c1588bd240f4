// Where one writes. Enter sends, Shift+Enter breaks the line; on a touch screen Enter breaks the line. The box grows with
// its text. While an answer is on its
// way one can send on: the client keeps the messages in order.
import type { FormEvent, KeyboardEvent, RefObject } from "react";
import { SendIcon, StopIcon } from "../lib/icons";
import { STOP } from "../lib/shortcuts";
import { useTouch } from "../lib/touch";

interface Props {
  readonly field: RefObject<HTMLTextAreaElement | null>;
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onSend: (text: string) => void;
  /** Given while an answer is coming. */
  readonly onStop: (() => void) | undefined;
}

export function Composer({ field, text, onText, onSend, onStop }: Props) {
  const blank = text.trim() === "";
  const touch = useTouch();

  const send = () => {
    if (blank) return;
    onText("");
    onSend(text);
    field.current?.focus();
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    send();
  };

  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (!isSendKey(event, touch)) return;
    event.preventDefault();
    if (!event.repeat) send();
  };

  return (
    <form className="composer" onSubmit={submit}>
      <div className="composer-box">
        {/* The copy behind the field, drawn by the style sheet from data-text, gives it its height. */}
        <div className="composer-grow" data-text={text}>
          <textarea
            ref={field}
            id="composer"
            rows={1}
            dir="auto"
            value={text}
            aria-label="Message"
            aria-describedby="composer-hint"
            placeholder="Write a message"
            enterKeyHint={touch ? "enter" : "send"}
            autoComplete="off"
            onChange={(event) => onText(event.target.value)}
            onKeyDown={press}
          />
        </div>
        {onStop && (
          <button
            type="button"
            className="send stop"
            aria-label="Stop the answer"
            title={`Stop (${STOP.label})`}
            aria-keyshortcuts={STOP.aria}
            onClick={() => {
              onStop();
              field.current?.focus();
            }}
          >
            <StopIcon />
          </button>
        )}
        {(!onStop || !blank) && (
          <button type="submit" className="send" aria-label="Send" aria-disabled={blank}>
            <SendIcon />
          </button>
        )}
      </div>
      <p className="composer-hint" id="composer-hint">
        <kbd>Enter</kbd> sends, <kbd>Shift</kbd>+<kbd>Enter</kbd> starts a new line
      </p>
    </form>
  );
}

/** Enter sends; with Control or Command it does so on a touch screen too, where Enter alone breaks the line. */
export function isSendKey(event: KeyboardEvent, touch: boolean): boolean {
  if (event.key !== "Enter" || event.shiftKey || isComposing(event)) return false;
  return !touch || event.ctrlKey || event.metaKey;
}

/** Enter that ends an input method's composition isn't meant for us. Safari says so only by key code 229. */
function isComposing(event: KeyboardEvent): boolean {
  return event.nativeEvent.isComposing || event.keyCode === 229;
}
