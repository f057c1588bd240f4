// A box that says what went wrong, with the one thing to do about it.
import type { ReactNode } from "react";

interface Props {
  readonly children: ReactNode;
  readonly action?: string;
  readonly onAction?: () => void;
}

export function Notice({ children, action, onAction }: Props) {
  return (
    <div className="notice" role="alert">
      <p>{children}</p>
      {action && (
        <button type="button" className="button small" onClick={onAction}>
          {action}
        </button>
      )}
    </div>
  );
}
