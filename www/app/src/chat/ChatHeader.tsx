// The open session's title and, in words, until when it is kept.
import { ClockIcon, MenuIcon, PlusIcon } from "../lib/icons";
import { NEW_CHAT } from "../lib/shortcuts";
import { left, moment } from "../lib/time";

interface Props {
  readonly title: string;
  readonly expiresAt: string | undefined;
  readonly now: number;
  readonly onNewChat: () => void;
  readonly onOpenList: (() => void) | undefined;
}

export function ChatHeader({ title, expiresAt, now, onNewChat, onOpenList }: Props) {
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
        {expiresAt && <Expiry at={expiresAt} now={now} />}
      </div>
      {onOpenList && (
        <button
          type="button"
          className="icon-button"
          aria-label="New Chat"
          aria-keyshortcuts={NEW_CHAT.aria}
          onClick={onNewChat}
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
