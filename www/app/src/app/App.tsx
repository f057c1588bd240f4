// The whole page: the session list beside the chat, or in a drawer over it on a phone.
import type { Chatkeep } from "chatkeep";
import { useChatkeep } from "chatkeep/react";
import { useCallback, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { ChatPane } from "../chat/ChatPane";
import { inWords } from "../lib/problems";
import { NEW_CHAT, SEARCH, useShortcut } from "../lib/shortcuts";
import { useFocusKeeper } from "../lib/useFocusKeeper";
import { useMediaQuery } from "../lib/useMediaQuery";
import { useNow } from "../lib/useNow";
import { SessionList } from "../sessions/SessionList";
import { useDeletedElsewhere } from "../sessions/useDeletedElsewhere";
import { useSessionActions } from "../sessions/useSessionActions";
import { useSessionList } from "../sessions/useSessionList";
import { Announcer, useAnnouncer } from "./Announcer";
import { Drawer } from "./Drawer";
import { Toasts, useToasts } from "./Toasts";

const PHONE = "(max-width: 720px)";

export function App({ client }: { readonly client: Chatkeep }) {
  const view = useChatkeep(client);
  const now = useNow();
  const phone = useMediaQuery(PHONE);
  const [drawerOpen, setDrawerOpen] = useState(false);
  const [announcement, announce] = useAnnouncer();
  const [toasts, showToast, dismissToast] = useToasts();
  const composer = useRef<HTMLTextAreaElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const list = useSessionList(client, view.sessions, now);
  const actions = useSessionActions(client, announce, showToast);
  useFocusKeeper(composer);

  const { restore } = actions;
  const tellDeleted = useCallback(
    (sessionId: string) =>
      showToast({
        text: "This chat was deleted in another tab or on another device.",
        action: { label: "Undo", run: () => restore(sessionId, true) },
      }),
    [showToast, restore],
  );
  const expectLeave = useDeletedElsewhere(view.sessionId, tellDeleted);

  const closeDrawer = useCallback(() => setDrawerOpen(false), []);
  // After the drawer has closed, which gives the focus back to its opener.
  const focusComposer = useCallback(() => requestAnimationFrame(() => composer.current?.focus()), []);

  const newChat = (options?: { incognito: boolean }) => {
    expectLeave();
    client.newChat(options);
    closeDrawer();
    focusComposer();
    announce(options?.incognito ? "New incognito chat" : "New chat");
  };
  useShortcut(NEW_CHAT, () => newChat());
  useShortcut(SEARCH, () => {
    // Into the drawer once it is there; else at once, as typing may go on without a pause.
    if (phone) flushSync(() => setDrawerOpen(true));
    search.current?.focus();
  });

  const openSession = (sessionId: string) => {
    closeDrawer();
    if (sessionId === view.sessionId) return;
    client.open(sessionId).catch(() => list.refresh());
    // On a phone the focus would bring up the keyboard over what was just opened.
    if (!phone) focusComposer();
  };

  const sessionList = (
    <SessionList
      sessions={view.sessions}
      total={view.sessionCount}
      hasMore={view.hasMoreSessions}
      search={view.search}
      searchField={search}
      currentId={view.sessionId}
      state={list.state}
      now={now}
      actions={actions}
      onDelete={expectLeave}
      onRefresh={list.refresh}
      onSearch={list.search}
      onMore={list.more}
      onNewChat={() => newChat()}
      onOpen={openSession}
      onFailure={(problem) => showToast({ text: `That didn’t work. ${inWords(problem)}` })}
    />
  );

  return (
    <div className="app">
      <a className="skip" href="#composer">
        Skip to the message box
      </a>
      {phone ? (
        <Drawer open={drawerOpen} label="Chats" onClose={closeDrawer}>
          {sessionList}
        </Drawer>
      ) : (
        <nav className="sidebar" aria-label="Chats">
          {sessionList}
        </nav>
      )}
      <ChatPane
        client={client}
        view={view}
        now={now}
        composer={composer}
        onNewChat={newChat}
        onOpenList={phone ? () => setDrawerOpen(true) : undefined}
      />
      <Toasts toasts={toasts} onDismiss={dismissToast} />
      <Announcer text={announcement} />
    </div>
  );
}
