// Keyboard shortcuts, and how they are written on this platform.
import { useEffect, useEffectEvent } from "react";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** On a Mac, Option+N types the tilde of "ñ": there the shortcut is Control+Shift+N, which is free. */
export const NEW_CHAT = MAC ? { label: "⌃⇧N", aria: "Control+Shift+N" } : { label: "Alt+N", aria: "Alt+N" };

function isNewChat(event: KeyboardEvent): boolean {
  if (event.code !== "KeyN" || event.metaKey || event.repeat) return false;
  return MAC ? event.ctrlKey && event.shiftKey && !event.altKey : event.altKey && !event.ctrlKey && !event.shiftKey;
}

export function useNewChatShortcut(newChat: () => void): void {
  const run = useEffectEvent(newChat);
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (!isNewChat(event)) return;
      event.preventDefault();
      run();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
