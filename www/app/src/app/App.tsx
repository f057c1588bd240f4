// The whole page: the session list beside the chat, or in a drawer over it on a phone.
import type { Chatkeep } from "chatkeep";
import { useChatkeep } from "chatkeep/react";
import { useCallback, useRef, useState } from "react";
import { ChatPane } from "../chat/ChatPane";
import { toProblem } from "../lib/problems";
import { useNewChatShortcut } from "../lib/shortcuts";
import { useMediaQuery } from "../lib/useMediaQuery";
import { useNow } from "../lib/useNow";
import { SessionList } from "../sessions/SessionList";
import { useSessionList } from "../sessions/useSessionList";
import { Announcer, useAnnouncer } from "./Announcer";
import { Drawer } from "./Drawer";

const PHONE = "(max-width: 720px)";

export function App({ client }: { readonly client: Chatkeep }) {
  const view = useChatkeep(client);
  const now = useNow();
  const phone = useMediaQuery(PHONE);
  const [drawerOpen, setDrawerOpen] = useState(false);
  const [announcement, announce] = useAnnouncer();
  const composer = useRef<HTMLTextAreaElement>(null);
  const list = useSessionList(client, view.sessions, now);

  const closeDrawer = useCallback(() => setDrawerOpen(false), []);
  // After the drawer has closed, which gives the focus back to its opener.
  const focusComposer = useCallback(() => requestAnimationFrame(() => composer.current?.focus()), []);

  const newChat = () => {
    client.newChat();
    closeDrawer();
    focusComposer();
    announce("New chat");
  };
  useNewChatShortcut(newChat);

  const openSession = (sessionId: string) => {
    closeDrawer();
    if (sessionId === view.sessionId) return;
    client.open(sessionId).catch(() => list.refresh());
    // On a phone the focus would bring up the keyboard over what was just opened.
    if (!phone) focusComposer();
  };

  const deleteSession = async (sessionId: string) => {
    try {
      await client.delete(sessionId);
      announce("Chat deleted");
      return null;
    } catch (error) {
      return toProblem(error);
    }
  };

  const sessionList = (
    <SessionList
      sessions={view.sessions}
      total={view.sessionCount}
      currentId={view.sessionId}
      state={list.state}
      now={now}
      onRefresh={list.refresh}
      onNewChat={newChat}
      onOpen={openSession}
      onDelete={deleteSession}
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
      <Announcer text={announcement} />
    </div>
  );
}
