// The list of sessions with the New Chat button and the search above it.
import type { Problem, Session } from "chatkeep";
import { type KeyboardEvent, type RefObject, useRef, useState } from "react";
import { Preferences } from "../app/Preferences";
import { LogoIcon, PlusIcon } from "../lib/icons";
import { Notice } from "../lib/Notice";
import { inWords } from "../lib/problems";
import { NEW_CHAT } from "../lib/shortcuts";
import { count } from "../lib/time";
import { SearchField } from "./SearchField";
import { SessionItem } from "./SessionItem";
import type { MenuAction, SessionActions } from "./useSessionActions";
import type { ListState } from "./useSessionList";

interface Props {
  readonly sessions: readonly Session[];
  /** How many there are; the list may hold only the newest. */
  readonly total: number;
  readonly hasMore: boolean;
  /** What is searched for; empty: nothing. */
  readonly search: string;
  readonly searchField: RefObject<HTMLInputElement | null>;
  readonly currentId: string | null;
  readonly state: ListState;
  readonly now: number;
  readonly actions: SessionActions;
  readonly onRefresh: () => void;
  readonly onSearch: (text: string) => void;
  readonly onMore: () => void;
  readonly onNewChat: () => void;
  readonly onOpen: (sessionId: string) => void;
  /** The open session is about to be deleted here. */
  readonly onDelete: () => void;
  readonly onFailure: (problem: Problem) => void;
}

export function SessionList(props: Props) {
  const { sessions, total, hasMore, search, searchField, currentId, state, now, actions } = props;
  const list = useRef<HTMLUListElement>(null);
  const newChat = useRef<HTMLButtonElement>(null);
  const [withArchived, setWithArchived] = useState(false);

  // A search looks everywhere; else what was put away is out of the way.
  const archived = sessions.filter((session) => session.archived);
  const shown = search || withArchived ? sessions : sessions.filter((session) => !session.archived);
  const ordered = [...shown.filter((session) => session.pinned), ...shown.filter((session) => !session.pinned)];

  /** Does something that may take the session out of the list; the focus then goes on from its neighbour. */
  const act = async (session: Session, action: MenuAction) => {
    if (action === "delete" && session.id === currentId) props.onDelete();
    const at = ordered.indexOf(session);
    const neighbour = ordered[at + 1] ?? ordered[at - 1];
    const problem = await actions[action](session);
    if (problem) props.onFailure(problem);
    requestAnimationFrame(() => {
      // Whoever has gone elsewhere meanwhile is not called back.
      const { activeElement } = document;
      if (activeElement !== document.body && !list.current?.contains(activeElement)) return;
      const all = openers(list.current);
      const find = (id: string | undefined) => all.find((opener) => opener.dataset.session === id);
      (find(session.id) ?? find(neighbour?.id) ?? newChat.current)?.focus();
    });
  };

  const rename = async (session: Session, title: string) => {
    const problem = await actions.rename(session, title);
    if (problem) props.onFailure(problem);
  };

  return (
    <div className="sessions">
      <p className="brand">
        <LogoIcon />
        Chatkeep
      </p>
      <button
        ref={newChat}
        type="button"
        className="button primary new-chat"
        aria-keyshortcuts={NEW_CHAT.aria}
        onClick={props.onNewChat}
      >
        <PlusIcon />
        <span>New Chat</span>
        <span className="keys" aria-hidden="true">
          {NEW_CHAT.label}
        </span>
      </button>
      <SearchField field={searchField} onSearch={props.onSearch} />
      <h2 className="sessions-heading" id="sessions-heading">
        Your chats
      </h2>
      {state.is === "failed" && (
        <Notice action="Try again" onAction={props.onRefresh}>
          Your chats couldn’t be loaded. {inWords(state.problem)}
        </Notice>
      )}
      {sessions.length === 0 && state.is === "loading" && !search && <Loading />}
      {sessions.length === 0 && state.is === "ready" && (
        <p className="sessions-empty" role="status">
          {search
            ? `No chat has “${search}” in its title.`
            : "No chats yet. What you write is kept here until it expires."}
        </p>
      )}
      <ul ref={list} className="session-items" aria-labelledby="sessions-heading" onKeyDown={moveFocus}>
        {ordered.map((session) => (
          <SessionItem
            key={session.id}
            session={session}
            current={session.id === currentId}
            now={now}
            onOpen={props.onOpen}
            onRename={rename}
            onAct={act}
          />
        ))}
      </ul>
      {(hasMore || (archived.length > 0 && !search)) && (
        <p className="sessions-more">
          {hasMore && (
            <button type="button" className="button small" onClick={props.onMore}>
              Show more of {count(total, "chat")}
            </button>
          )}
          {archived.length > 0 && !search && (
            <button
              type="button"
              className="button small quiet"
              aria-pressed={withArchived}
              onClick={() => setWithArchived(!withArchived)}
            >
              {withArchived ? "Hide archived" : `Show ${archived.length} archived`}
            </button>
          )}
        </p>
      )}
      <Preferences />
    </div>
  );
}

function Loading() {
  return (
    <div className="sessions-loading" role="status">
      <span className="visually-hidden">Loading your chats…</span>
      <span className="bone" />
      <span className="bone" />
      <span className="bone" />
    </div>
  );
}

/** Up, Down, Home and End go from chat to chat; Tab still reaches every button. */
function moveFocus(event: KeyboardEvent<HTMLUListElement>) {
  const all = openers(event.currentTarget);
  const at = all.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
  const target = to === undefined ? undefined : all[to];
  if (!target) return;
  event.preventDefault();
  target.focus();
}

function openers(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>("[data-session]") ?? [])];
}
