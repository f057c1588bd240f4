// A panel over the page. The platform's modal dialog traps the focus, closes on Escape and gives the focus back.
import { type ReactNode, useEffect, useRef } from "react";
import { CloseIcon } from "../lib/icons";

interface Props {
  readonly open: boolean;
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Drawer({ open, label, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);

  useEffect(() => {
    const el = dialog.current;
    if (open && !el?.open) el?.showModal();
    if (!open && el?.open) el.close();
  }, [open]);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself.
    <dialog
      ref={dialog}
      className="drawer"
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        // The backdrop belongs to the dialog element, its content to the panel inside.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className="drawer-panel">
        <button type="button" className="icon-button drawer-close" aria-label="Close the list" onClick={onClose}>
          <CloseIcon />
        </button>
        {children}
      </div>
    </dialog>
  );
}
