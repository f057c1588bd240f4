// One session: what is known of it, its messages where operators may read them, and its deletion.
import { useEffect, useRef, useState } from "react";
import { moment } from "../lib/time";
import type { AdminApi, Said, Session } from "./api";
import { bytes, number } from "./units";

interface Props {
  readonly api: AdminApi;
  readonly session: Session;
  readonly texts: boolean;
  readonly onClose: () => void;
  readonly onDelete: () => void;
}

export function SessionDialog({ api, session, texts, onClose, onDelete }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [said, setSaid] = useState<readonly Said[]>();
  const [failed, setFailed] = useState(false);
  const [sure, setSure] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);

  const read = async () => {
    setFailed(false);
    try {
      setSaid(await api.messages(session, new AbortController().signal));
    } catch {
      setFailed(true);
    }
  };

  const now = Date.now();
  const marks = [session.pinned && "pinned", session.archived && "archived"].filter(Boolean).join(", ");
  const facts: readonly (readonly [string, string])[] = [
    ["Owner", session.owner],
    ["For the user", session.user_id ?? ""],
    ["Messages", `${number(session.message_count)} kept, ${number(session.total_messages)} ever`],
    ["Size", bytes(session.bytes ?? 0)],
    ["Created", moment(session.created_at, now)],
    ["Last used", moment(session.updated_at, now)],
    ["Ends", moment(session.expires_at, now)],
    ["Marks", marks],
  ];
  return (
    <dialog ref={dialog} className="admin-dialog" aria-labelledby="session-title" onClose={onClose}>
      <h2 id="session-title">{session.session_id}</h2>
      <dl>
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {!texts && <p className="chart-note">Messages are shown where the server’s ADMIN_TEXTS is on.</p>}
      {texts && !said && (
        <button type="button" className="button small" onClick={read}>
          Show the messages
        </button>
      )}
      {failed && <p role="alert">The messages can’t be read.</p>}
      {said && (
        <ol className="admin-messages" aria-label="Messages">
          {said.map((message, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: they don't change
            <li key={at}>
              <strong>{message.role}</strong> <time dateTime={message.created}>{moment(message.created, now)}</time>
              <p>{message.content}</p>
            </li>
          ))}
        </ol>
      )}
      <div className="admin-actions">
        {sure ? (
          <button type="button" className="button danger" onClick={onDelete}>
            Delete for good after the undo time
          </button>
        ) : (
          <button type="button" className="button" onClick={() => setSure(true)}>
            Delete…
          </button>
        )}
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  );
}
