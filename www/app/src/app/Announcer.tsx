// Says short things to screen readers that a sighted reader sees happen.
import { useCallback, useState } from "react";

interface Announcement {
  readonly text: string;
  readonly turn: number;
}

export function useAnnouncer(): [Announcement, (text: string) => void] {
  const [said, setSaid] = useState<Announcement>({ text: "", turn: 0 });
  const announce = useCallback((text: string) => setSaid((last) => ({ text, turn: last.turn + 1 })), []);
  return [said, announce];
}

/** The key makes the same words, said twice, a change again. */
export function Announcer({ text }: { readonly text: Announcement }) {
  return (
    <div className="visually-hidden" role="status">
      <span key={text.turn}>{text.text}</span>
    </div>
  );
}
