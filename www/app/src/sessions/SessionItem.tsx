// One session in the list: opens it, shows how long it is kept, and has a menu of what else can be done with it.
import type { Session } from "chatkeep";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { ArchiveIcon, DownloadIcon, EditIcon, MoreIcon, PinIcon, TrashIcon } from "../lib/icons";
import { Menu } from "../lib/Menu";
import { ago, count, left } from "../lib/time";
import type { MenuAction } from "./useSessionActions";

interface Props {
  readonly session: Session;
  readonly current: boolean;
  readonly now: number;
  readonly onOpen: (sessionId: string) => void;
  readonly onRename: (session: Session, title: string) => Promise<void>;
  readonly onAct: (session: Session, action: MenuAction) => Promise<void>;
}

const MOST_TITLE_CHARACTERS = 200;

export function SessionItem({ session, current, now, onOpen, onRename, onAct }: Props) {
  const [renaming, setRenaming] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const title = session.title?.trim() || "Untitled chat";
  const act = (action: Parameters<typeof onAct>[1]) => () => void onAct(session, action);

  const endRenaming = (next: string | null) => {
    setRenaming(false);
    requestAnimationFrame(() => opener.current?.focus());
    if (next !== null && next.trim() !== (session.title ?? "")) void onRename(session, next.trim());
  };

  if (renaming) {
    return (
      <li className="session">
        <RenameForm title={session.title ?? ""} onEnd={endRenaming} />
      </li>
    );
  }

  return (
    <li className="session">
      <button
        ref={opener}
        type="button"
        className="session-open"
        data-session={session.id}
        aria-current={current ? "true" : undefined}
        onClick={() => onOpen(session.id)}
      >
        <span className="session-title" dir="auto">
          {title}
        </span>
        <span className="session-facts">
          {session.pinned && <span className="session-mark">Pinned</span>}
          {session.archived && <span className="session-mark">Archived</span>}
          <time dateTime={session.updatedAt}>{ago(session.updatedAt, now)}</time>
          <span>{count(session.messageCount, "message")}</span>
          <time dateTime={session.expiresAt}>{left(session.expiresAt, now)}</time>
        </span>
      </button>
      <Menu
        label={`More for “${title}”`}
        icon={<MoreIcon />}
        className="icon-button session-menu"
        items={[
          { label: "Rename", icon: <EditIcon />, run: () => setRenaming(true) },
          { label: session.pinned ? "Unpin" : "Pin", icon: <PinIcon />, run: act("pin") },
          { label: session.archived ? "Take back" : "Archive", icon: <ArchiveIcon />, run: act("archive") },
          { label: "Export", icon: <DownloadIcon />, run: act("export") },
          { label: "Delete", icon: <TrashIcon />, danger: true, run: act("delete") },
        ]}
      />
    </li>
  );
}

/** Enter or leaving the field keeps what was typed, Escape what was there. */
function RenameForm({ title, onEnd }: { readonly title: string; readonly onEnd: (next: string | null) => void }) {
  const [text, setText] = useState(title);
  const field = useRef<HTMLInputElement>(null);
  const ended = useRef(false);
  useEffect(() => field.current?.select(), []);

  const end = (next: string | null) => {
    // The field also loses the focus when it goes.
    if (ended.current) return;
    ended.current = true;
    onEnd(next);
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    end(text);
  };

  return (
    <form className="session-rename" onSubmit={submit}>
      <input
        ref={field}
        type="text"
        value={text}
        maxLength={MOST_TITLE_CHARACTERS}
        aria-label="Title"
        dir="auto"
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
        onBlur={() => end(text)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          event.stopPropagation();
          end(null);
        }}
      />
    </form>
  );
}
