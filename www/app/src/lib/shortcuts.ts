// Keyboard shortcuts, and how they are written on this platform.
import { useEffect, useEffectEvent } from "react";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

export interface Shortcut {
  /** What it does. */
  readonly name: string;
  /** For eyes. */
  readonly label: string;
  /** For `aria-keyshortcuts`. */
  readonly aria: string;
  readonly fits: (event: KeyboardEvent) => boolean;
}

const bare = (event: KeyboardEvent) => !event.altKey && !event.ctrlKey && !event.metaKey;
const command = (event: KeyboardEvent) =>
  (MAC ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey) && !event.altKey;

/** On a Mac, Option+N types the tilde of "ñ": there the shortcut is Control+Shift+N, which is free. */
export const NEW_CHAT: Shortcut = {
  name: "New chat",
  label: MAC ? "⌃⇧N" : "Alt+N",
  aria: MAC ? "Control+Shift+N" : "Alt+N",
  fits: (event) =>
    event.code === "KeyN" &&
    !event.metaKey &&
    (MAC ? event.ctrlKey && event.shiftKey && !event.altKey : event.altKey && !event.ctrlKey && !event.shiftKey),
};

export const SEARCH: Shortcut = {
  name: "Search your chats",
  label: MAC ? "⌘K" : "Ctrl+K",
  aria: MAC ? "Meta+K" : "Control+K",
  fits: (event) => event.code === "KeyK" && command(event) && !event.shiftKey,
};

export const STOP: Shortcut = {
  name: "Stop the answer",
  label: "Esc",
  aria: "Escape",
  fits: (event) => event.key === "Escape" && bare(event) && !event.defaultPrevented,
};

export const HELP: Shortcut = {
  name: "Show the shortcuts",
  label: MAC ? "⌘/" : "Ctrl+/",
  aria: MAC ? "Meta+/" : "Control+/",
  fits: (event) => event.key === "/" && command(event),
};

export const SHORTCUTS: readonly Shortcut[] = [NEW_CHAT, SEARCH, STOP, HELP];

/** Runs something at a shortcut, wherever on the page the focus is. Not while `run` is absent. */
export function useShortcut(shortcut: Shortcut, run: (() => void) | undefined): void {
  const fire = useEffectEvent((event: KeyboardEvent) => {
    if (!run || event.repeat || !shortcut.fits(event)) return;
    event.preventDefault();
    run();
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => fire(event);
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
