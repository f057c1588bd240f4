// Everybody's sessions: searched, looked at one by one, deleted alone or together.
import { type FormEvent, type KeyboardEvent, useCallback, useEffect, useRef, useState } from "react";
import { ago, left } from "../lib/time";
import { type AdminApi, Refused, type Session, type Stats } from "./api";
import { DeleteChosen, type Outcome } from "./DeleteChosen";
import { SessionDialog } from "./SessionDialog";
import { bytes, number } from "./units";
import { keyOf, useChosen } from "./useChosen";

interface Props {
  readonly api: AdminApi;
  readonly stats: Stats;
  readonly onDeleted: () => void;
}

/** A search may find nothing in a part of a large store; after so many parts a person is asked. */
const PARTS = 20;

export function SessionTable({ api, stats, onDeleted }: Props) {
  const [typed, setTyped] = useState("");
  const [query, setQuery] = useState("");
  const [sessions, setSessions] = useState<readonly Session[]>([]);
  const [cursor, setCursor] = useState<string>();
  const [state, setState] = useState<"reading" | "idle" | "failed">("reading");
  const [open, setOpen] = useState<Session>();
  const [said, setSaid] = useState("");
  const [asks, setAsks] = useState(false);
  const chosen = useChosen(sessions);
  const search_box = useRef<HTMLInputElement>(null);

  const read = useCallback(
    async (from: string | undefined, signal: AbortSignal) => {
      setState("reading");
      try {
        let place = from;
        for (let part = 0; part < PARTS; part++) {
          const page = await api.sessions({ q: query, cursor: place }, signal);
          setSessions((earlier) => [...earlier, ...page.sessions]);
          place = page.next_cursor;
          if (!place || page.sessions.length) break;
        }
        setCursor(place);
        setState("idle");
      } catch {
        if (!signal.aborted) setState("failed");
      }
    },
    [api, query],
  );

  useEffect(() => {
    const gone = new AbortController();
    setSessions([]);
    read(undefined, gone.signal);
    return () => gone.abort();
  }, [read]);

  const search = (event: FormEvent) => {
    event.preventDefault();
    setQuery(typed.trim());
  };

  const remove = async (session: Session) => {
    setOpen(undefined);
    try {
      const { deleted } = await api.remove(session, stats.namespace);
      setSessions((earlier) => earlier.filter((other) => keyOf(other) !== keyOf(session)));
      setSaid(deleted ? `Deleted ${session.session_id}.` : `${session.session_id} was gone already.`);
      onDeleted();
    } catch (error) {
      setSaid(`It wasn’t deleted: ${error instanceof Refused ? error.code : "the server can’t be reached"}`);
    }
  };

  const removed = ({ gone, deleted, broke }: Outcome) => {
    setAsks(false);
    if (gone.length === 0 && !broke) return;
    const keys = new Set(gone.map(keyOf));
    setSessions((earlier) => earlier.filter((session) => !keys.has(keyOf(session))));
    const before = gone.length > deleted ? ` ${number(gone.length - deleted)} were gone already.` : "";
    const which = deleted === 1 ? "1 session" : `${number(deleted)} sessions`;
    setSaid(`Deleted ${which}.${before}${broke ? ` The others are still there: ${broke}.` : ""}`);
    if (gone.length) onDeleted();
  };

  // What had the focus before the question may be gone with what was deleted. While the question is shown nothing else takes it.
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current && !asks) search_box.current?.focus();
    asked.current = asks;
  }, [asks]);

  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Delete" || chosen.sessions.length === 0) return;
    event.preventDefault();
    setAsks(true);
  };

  const isAll = sessions.length > 0 && chosen.sessions.length === sessions.length;
  const now = Date.now();
  return (
    <section className="sessions-admin" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Sessions</h2>
      <search>
        <form className="admin-search" onSubmit={search}>
          <label htmlFor="q" className="visually-hidden">
            Search by session, owner{stats.texts ? ", user or title" : " or user"}
          </label>
          <input
            ref={search_box}
            id="q"
            type="search"
            placeholder={stats.texts ? "Session, owner, user or title" : "Session, owner or user"}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
          <button type="submit" className="button small">
            Search
          </button>
        </form>
      </search>
      <p role="status" className="admin-said">
        {state === "reading" ? "Reading…" : state === "failed" ? "The sessions can’t be read. Try again." : said}
      </p>
      {chosen.sessions.length > 0 && (
        <div className="admin-chosen">
          <span>{number(chosen.sessions.length)} chosen</span>
          <button type="button" className="button small danger" onClick={() => setAsks(true)}>
            Delete the chosen…
          </button>
          <button type="button" className="button small" onClick={() => chosen.all(false)}>
            Choose none
          </button>
        </div>
      )}
      <table className="admin-table" onKeyDown={onKey}>
        <caption className="visually-hidden">Sessions, owner by owner, the longest unused first</caption>
        <thead>
          <tr>
            <td className="admin-choose">
              <input
                type="checkbox"
                aria-label="Choose all that are shown"
                checked={isAll}
                onChange={() => chosen.all(!isAll)}
              />
            </td>
            <th scope="col">Session</th>
            <th scope="col">Owner</th>
            <th scope="col">Messages</th>
            <th scope="col">Size</th>
            <th scope="col">Last used</th>
            <th scope="col">Ends</th>
          </tr>
        </thead>
        <tbody>
          {sessions.map((session) => (
            <tr key={keyOf(session)} className={chosen.has(session) ? "is-chosen" : undefined}>
              <td className="admin-choose">
                <input
                  type="checkbox"
                  aria-label={`Choose ${session.session_id} of ${session.owner}`}
                  checked={chosen.has(session)}
                  onChange={(event) => chosen.toggle(session, (event.nativeEvent as MouseEvent).shiftKey)}
                />
              </td>
              <th scope="row">
                <button type="button" className="link-button" onClick={() => setOpen(session)}>
                  {session.title ?? session.session_id}
                </button>
              </th>
              <td data-name="Owner">{session.owner}</td>
              <td data-name="Messages">{number(session.message_count)}</td>
              <td data-name="Size">{bytes(session.bytes ?? 0)}</td>
              <td data-name="Last used">{ago(session.updated_at, now)}</td>
              <td data-name="Ends">{left(session.expires_at, now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {state === "idle" && sessions.length === 0 && <p className="admin-waiting">No session.</p>}
      {cursor && state === "idle" && (
        <button type="button" className="button" onClick={() => read(cursor, new AbortController().signal)}>
          More
        </button>
      )}
      {asks && <DeleteChosen api={api} sessions={chosen.sessions} namespace={stats.namespace} onOver={removed} />}
      {open && (
        <SessionDialog
          api={api}
          session={open}
          texts={stats.texts}
          onClose={() => setOpen(undefined)}
          onDelete={() => remove(open)}
        />
      )}
    </section>
  );
}
