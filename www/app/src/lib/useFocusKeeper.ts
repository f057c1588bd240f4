// Keeps the focus on the page: when the focused element goes, the focus passes to what surrounded it, to what had it
// before, or to the message box. Without this it falls to `<body>`, and a keyboard or a screen reader starts over.
import { type RefObject, useEffect } from "react";

const FOCUSABLE = "a[href], button, input, select, textarea, [tabindex]";

/** The elements to try when one goes, nearest first. */
function fallbacksOf(element: HTMLElement, before: EventTarget | null): HTMLElement[] {
  const all: HTMLElement[] = [];
  for (let parent = element.parentElement; parent; parent = parent.parentElement) {
    if (parent.matches(FOCUSABLE)) all.push(parent);
  }
  if (before instanceof HTMLElement) all.push(before);
  return all;
}

/** @param last gets the focus when nothing else is left to have it; on touch screens it would bring up the keyboard */
export function useFocusKeeper(last: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    let focused: HTMLElement | undefined;
    let candidates: HTMLElement[] = [];

    const noteFocus = (event: FocusEvent) => {
      if (!(event.target instanceof HTMLElement)) return;
      focused = event.target;
      candidates = fallbacksOf(focused, event.relatedTarget);
    };
    const restoreFocus = () => {
      if (document.activeElement !== document.body || focused?.isConnected) return;
      focused = undefined;
      const next = candidates.find((element) => element.isConnected);
      if (next) next.focus({ preventScroll: true });
      else if (matchMedia("(pointer: fine)").matches) last.current?.focus();
    };
    // Whoever removes an element may know better where the focus belongs, and says so by the next frame.
    const observer = new MutationObserver(() => {
      if (focused && !focused.isConnected) requestAnimationFrame(() => requestAnimationFrame(restoreFocus));
    });

    document.addEventListener("focusin", noteFocus);
    observer.observe(document.body, { childList: true, subtree: true });
    return () => {
      document.removeEventListener("focusin", noteFocus);
      observer.disconnect();
    };
  }, [last]);
}
