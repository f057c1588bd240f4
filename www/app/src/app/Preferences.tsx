// At the foot of the list: how the page looks, and what keys it knows.
import { useEffect, useRef, useState } from "react";
import { CloseIcon, KeyboardIcon, SunIcon } from "../lib/icons";
import { HELP, SHORTCUTS, useShortcut } from "../lib/shortcuts";
import { type Theme, useTheme } from "../lib/useTheme";

export function Preferences() {
  const [theme, setTheme] = useTheme();
  const [shown, setShown] = useState(false);
  useShortcut(HELP, () => setShown(true));

  return (
    <div className="preferences">
      <label className="theme">
        <SunIcon />
        <span className="visually-hidden">Colours</span>
        <select value={theme} onChange={(event) => setTheme(event.target.value as Theme)}>
          <option value="system">As the system</option>
          <option value="light">Light</option>
          <option value="dark">Dark</option>
        </select>
      </label>
      <button
        type="button"
        className="icon-button"
        aria-label="Keyboard shortcuts"
        title={`Keyboard shortcuts (${HELP.label})`}
        aria-keyshortcuts={HELP.aria}
        aria-haspopup="dialog"
        onClick={() => setShown(true)}
      >
        <KeyboardIcon />
      </button>
      {shown && <Shortcuts onClose={() => setShown(false)} />}
    </div>
  );
}

function Shortcuts({ onClose }: { readonly onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="shortcuts-title" onClose={onClose}>
      <header>
        <h2 id="shortcuts-title">Keyboard shortcuts</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={() => dialog.current?.close()}>
          <CloseIcon />
        </button>
      </header>
      <dl>
        {SHORTCUTS.map(({ name, label }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <kbd>{label}</kbd>
            </dd>
          </div>
        ))}
        <div>
          <dt>From chat to chat in the list</dt>
          <dd>
            <kbd>↑</kbd> <kbd>↓</kbd>
          </dd>
        </div>
      </dl>
    </dialog>
  );
}
