// Short notices over the page that go by themselves, such as one that offers to take a deletion back. Time stands still
// while a notice has the pointer or the focus on it.
import { useCallback, useEffect, useRef, useState } from "react";
import { CloseIcon } from "../lib/icons";

const SHOWN_MS = 10_000;

export interface Toast {
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

interface Shown extends Toast {
  readonly number: number;
}

/** The notices that are shown, and how to show another. */
export function useToasts(): [readonly Shown[], (toast: Toast) => void, (number: number) => void] {
  const [toasts, setToasts] = useState<readonly Shown[]>([]);
  const last = useRef(0);
  const show = useCallback((toast: Toast) => {
    const shown = { ...toast, number: ++last.current };
    // One of a kind is enough: the newest deletion is the one that is taken back.
    setToasts((all) => [...all.filter((other) => other.text !== toast.text), shown].slice(-3));
  }, []);
  const dismiss = useCallback((number: number) => setToasts((all) => all.filter((it) => it.number !== number)), []);
  return [toasts, show, dismiss];
}

interface Props {
  readonly toasts: readonly Shown[];
  readonly onDismiss: (number: number) => void;
}

export function Toasts({ toasts, onDismiss }: Props) {
  return (
    <section className="toasts" aria-label="Notices" role="status">
      {toasts.map((toast) => (
        <ToastItem key={toast.number} toast={toast} onDismiss={onDismiss} />
      ))}
    </section>
  );
}

function ToastItem({ toast, onDismiss }: { readonly toast: Shown; readonly onDismiss: Props["onDismiss"] }) {
  const [held, setHeld] = useState(false);
  const { number, text, action } = toast;

  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => onDismiss(number), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, number, onDismiss]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what it listens to only holds the clock.
    <div
      className="toast"
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      <p>{text}</p>
      {action && (
        <button
          type="button"
          className="button small"
          onClick={() => {
            onDismiss(number);
            action.run();
          }}
        >
          {action.label}
        </button>
      )}
      <button type="button" className="tool-button" aria-label="Dismiss" onClick={() => onDismiss(number)}>
        <CloseIcon />
      </button>
    </div>
  );
}
