// What is typed but not sent, one draft per session, so that switching sessions loses nothing.
import { useCallback, useState } from "react";

/** `new` is reserved by the protocol, so no session can have it as its id. */
const NEW = "new";

export function useDraft(sessionId: string | null, sending: boolean): [string, (text: string) => void] {
  const [drafts, setDrafts] = useState<Readonly<Record<string, string>>>({});
  const key = sessionId ?? NEW;
  const [shown, setShown] = useState(key);

  if (shown !== key) {
    setShown(key);
    // The first send gave the new chat its id: what was typed since belongs to it.
    if (shown === NEW && sending && drafts[NEW]) {
      setDrafts({ ...drafts, [NEW]: "", [key]: drafts[NEW] });
    }
  }

  const set = useCallback((text: string) => setDrafts((all) => ({ ...all, [key]: text })), [key]);
  return [drafts[key] ?? "", set];
}
