// The list of sessions with the New Chat button above it.
import type { Problem, Session } from "chatkeep";
import { type KeyboardEvent, useRef, useState } from "react";
import { LogoIcon, PlusIcon } from "../lib/icons";
import { Notice } from "../lib/Notice";
import { inWords } from "../lib/problems";
import { NEW_CHAT } from "../lib/shortcuts";
import { SessionItem } from "./SessionItem";
import type { ListState } from "./useSessionList";

interface Props {
  readonly sessions: readonly Session[];
  /** How many there are; the list may hold only the newest. */
  readonly total: number;
  readonly currentId: string | null;
  readonly state: ListState;
  readonly now: number;
  readonly onRefresh: () => void;
  readonly onNewChat: () => void;
  readonly onOpen: (sessionId: string) => void;
  /** Resolves to what went wrong, or null. */
  readonly onDelete: (sessionId: string) => Promise<Problem | null>;
}

export function SessionList(props: Props) {
  const { sessions, total, currentId, state, now, onRefresh, onNewChat, onOpen, onDelete } = props;
  const list = useRef<HTMLUListElement>(null);
  const newChat = useRef<HTMLButtonElement>(null);
  const [failed, setFailed] = useState<Problem | null>(null);

  const remove = async (sessionId: string) => {
    setFailed(null);
    const at = sessions.findIndex((session) => session.id === sessionId);
    const neighbour = sessions[at + 1] ?? sessions[at - 1];
    const problem = await onDelete(sessionId);
    setFailed(problem);
    // The focused button is gone: go on from the next chat in the list.
    const next = problem ? sessionId : neighbour?.id;
    const target = next === undefined ? null : openers(list.current).find((el) => el.dataset.session === next);
    (target ?? newChat.current)?.focus();
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
        onClick={onNewChat}
      >
        <PlusIcon />
        <span>New Chat</span>
        <span className="keys" aria-hidden="true">
          {NEW_CHAT.label}
        </span>
      </button>
      <h2 className="sessions-heading" id="sessions-heading">
        Your chats
      </h2>
      {failed && <Notice>The chat wasn’t deleted. {inWords(failed)}</Notice>}
      {state.is === "failed" && (
        <Notice action="Try again" onAction={onRefresh}>
          Your chats couldn’t be loaded. {inWords(state.problem)}
        </Notice>
      )}
      {sessions.length === 0 && state.is === "loading" && <Loading />}
      {sessions.length === 0 && state.is === "ready" && (
        <p className="sessions-empty">No chats yet. What you write is kept here until it expires.</p>
      )}
      <ul ref={list} className="session-items" aria-labelledby="sessions-heading" onKeyDown={moveFocus}>
        {sessions.map((session) => (
          <SessionItem
            key={session.id}
            session={session}
            current={session.id === currentId}
            now={now}
            onOpen={onOpen}
            onDelete={remove}
          />
        ))}
      </ul>
      {total > sessions.length && sessions.length > 0 && (
        <p className="sessions-more">
          The newest {sessions.length} of {total} chats
        </p>
      )}
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
