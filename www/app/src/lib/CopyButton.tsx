// Copies a text, and says so where the button is and to screen readers.
import { useEffect, useState } from "react";
import { CheckIcon, CopyIcon } from "./icons";

const SHOWN_MS = 2000;

interface Props {
  readonly text: () => string;
  readonly label: string;
}

export function CopyButton({ text, label }: Props) {
  const [outcome, setOutcome] = useState<"copied" | "refused" | null>(null);

  useEffect(() => {
    if (outcome === null) return;
    const timer = setTimeout(() => setOutcome(null), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [outcome]);

  const copy = () =>
    navigator.clipboard.writeText(text()).then(
      () => setOutcome("copied"),
      () => setOutcome("refused"),
    );

  return (
    <button type="button" className="tool-button" aria-label={label} title={label} onClick={() => void copy()}>
      {outcome === "copied" ? <CheckIcon /> : <CopyIcon />}
      <span className="visually-hidden" role="status">
        {outcome === "copied" && "Copied"}
        {outcome === "refused" && "The browser didn’t allow copying"}
      </span>
    </button>
  );
}
