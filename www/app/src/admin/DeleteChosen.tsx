// Deletes the chosen sessions one after another: asks first, shows how far it is, and can be stopped.
import { useEffect, useRef, useState } from "react";
import { type AdminApi, Refused, type Session } from "./api";

/** What came of it. */
export interface Outcome {
  /** Those that are gone now, by this or from before. */
  readonly gone: readonly Session[];
  readonly deleted: number;
  /** Why it ended before the last of them. */
  readonly broke?: string;
}

interface Props {
  readonly api: AdminApi;
  readonly sessions: readonly Session[];
  /** The prefix of the namespace, which confirms it. */
  readonly namespace: string;
  readonly onOver: (outcome: Outcome) => void;
}

/** So many are named before it is asked. */
const NAMED = 5;

export function DeleteChosen({ api, sessions, namespace, onOver }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const stopped = useRef(false);
  const [done, setDone] = useState<number>();
  // It stays what was asked about, while the table behind it changes.
  const [asked] = useState(sessions);
  useEffect(() => dialog.current?.showModal(), []);

  const remove = async () => {
    const gone: Session[] = [];
    let deleted = 0;
    let broke: string | undefined;
    setDone(0);
    for (const session of asked) {
      if (stopped.current) {
        broke = "it was stopped";
        break;
      }
      try {
        deleted += (await api.remove(session, namespace)).deleted;
        gone.push(session);
        setDone(gone.length);
      } catch (error) {
        broke = error instanceof Refused ? error.code : "the server can’t be reached";
        break;
      }
    }
    onOver({ gone, deleted, ...(broke && { broke }) });
  };

  /** By Escape too: what is under way is stopped after the session that it is at. */
  const close = () => {
    if (done === undefined) onOver({ gone: [], deleted: 0 });
    else stopped.current = true;
  };

  const count = asked.length === 1 ? "1 session" : `${asked.length} sessions`;
  return (
    <dialog
      ref={dialog}
      className="admin-dialog"
      aria-labelledby="delete-title"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <h2 id="delete-title">Delete {count}?</h2>
      <ul className="admin-named">
        {asked.slice(0, NAMED).map((session) => (
          <li key={`${session.owner} ${session.session_id}`}>
            {session.title ?? session.session_id} <span>{session.owner}</span>
          </li>
        ))}
        {asked.length > NAMED && <li>and {asked.length - NAMED} more</li>}
      </ul>
      {done !== undefined && (
        <p className="admin-progress">
          <progress max={asked.length} value={done} aria-label="Deleted" />
          <span aria-live="polite">
            {done} of {asked.length}
          </span>
        </p>
      )}
      <div className="admin-actions">
        {done === undefined && (
          <button type="button" className="button danger" onClick={remove}>
            Delete {count} for good after the undo time
          </button>
        )}
        <button type="button" className="button" onClick={close}>
          {done === undefined ? "Cancel" : "Stop"}
        </button>
      </div>
    </dialog>
  );
}
