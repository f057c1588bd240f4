// The open session's title and, in words, until when it is kept.
import { ClockIcon, HiddenIcon, MenuIcon, PlusIcon } from "../lib/icons";
import { NEW_CHAT } from "../lib/shortcuts";
import { left, moment } from "../lib/time";

interface Props {
  readonly title: string;
  readonly expiresAt: string | undefined;
  readonly incognito: boolean;
  /** Nothing has been said yet, so that the chat can still become incognito. */
  readonly blank: boolean;
  readonly now: number;
  readonly onNewChat: (options?: { incognito: boolean }) => void;
  /** Given when there is something of an incognito chat to keep. */
  readonly onKeep: (() => void) | undefined;
  readonly onOpenList: (() => void) | undefined;
}

export function ChatHeader(props: Props) {
  const { title, expiresAt, incognito, blank, now, onNewChat, onKeep, onOpenList } = props;
  return (
    <header className="chat-header">
      {onOpenList && (
        <button
          type="button"
          className="icon-button"
          aria-label="Show your chats"
          aria-haspopup="dialog"
          onClick={onOpenList}
        >
          <MenuIcon />
        </button>
      )}
      <div className="chat-heading">
        <h1 className="chat-title" dir="auto">
          {title}
        </h1>
        {incognito ? (
          <p className="chat-expiry">
            <HiddenIcon />
            <span>Nobody keeps this chat. It ends when you leave it.</span>
          </p>
        ) : (
          expiresAt && <Expiry at={expiresAt} now={now} />
        )}
      </div>
      {onKeep && (
        <button type="button" className="button small" onClick={onKeep}>
          Keep this chat
        </button>
      )}
      {blank && (
        <button
          type="button"
          className="icon-button"
          aria-label="Incognito"
          title="Incognito: nothing of the chat is kept"
          aria-pressed={incognito}
          onClick={() => onNewChat({ incognito: !incognito })}
        >
          <HiddenIcon />
        </button>
      )}
      {onOpenList && (
        <button
          type="button"
          className="icon-button"
          aria-label="New Chat"
          aria-keyshortcuts={NEW_CHAT.aria}
          onClick={() => onNewChat()}
        >
          <PlusIcon />
        </button>
      )}
    </header>
  );
}

function Expiry({ at, now }: { readonly at: string; readonly now: number }) {
  const rest = left(at, now);
  return (
    <p className="chat-expiry">
      <ClockIcon />
      {rest === "expired" ? (
        <span>Expired {moment(at, now)}</span>
      ) : (
        <span>
          Kept until <time dateTime={at}>{moment(at, now)}</time> · {rest}
        </span>
      )}
    </p>
  );
}
