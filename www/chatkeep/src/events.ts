/**
 * What the same user does on other devices, in a client as it happens: new chats, titles, deletions, and replies as they
 * stream. Tabs of one browser tell each other without this.
 *
 * @packageDocumentation
 */

import { LINK, type Linked } from "./link.js";
import type { Chatkeep, Session } from "./types.js";

/** What `GET /v1/events` tells, as far as it matters here. */
interface Told {
  readonly type: string;
  readonly session_id: string;
  readonly message_id: string;
  readonly reply_id: string;
  readonly session: Session & { readonly revision?: number };
  readonly text: string;
  readonly status?: string;
}

/** A turn of another device: the reply as far as it has come, and whether the client knows of it yet. */
interface Turn {
  readonly session: string;
  readonly reply: string;
  text: string;
  pieces: number;
  shown: boolean;
}

/** How often the server is told that somebody listens. */
const PING_MS = 30_000;

/** The pauses before one connects again: each twice as long, up to the longest. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** A server that lets nobody in so often serves no events. */
const TRIES = 5;

/** How long news of messages are waited for before they are read, all at once. */
const GATHER_MS = 250;

/**
 * Shows in a client what the same user does on other devices. It holds a WebSocket to `GET /v1/events` while there is a
 * network, until the function that it gives is called.
 *
 * @example
 * ```ts
 * const chat = createChatkeep();
 * const stop = watchDevices(chat);
 * ```
 */
export function watchDevices(chat: Chatkeep): () => void {
  const turns = new Map<string, Turn>();
  const revisions = new Map<string, number>();
  /** Messages of the open session that may not be here. */
  const added = new Set<string>();
  let socket: WebSocket | undefined;
  let stopped = false;
  let failures = 0;
  let opened = false;
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  let hear = (_news: object) => {};

  async function connect(): Promise<void> {
    const link = await (chat as Chatkeep & Linked)[LINK]();
    hear = (news) => link.hear(JSON.stringify(news));
    const shown = await link.credentials(failures > 0).catch(() => undefined);
    if (stopped || socket) return;
    const address = new URL(`${link.url}/v1/events`, globalThis.location?.href);
    address.protocol = address.protocol.replace("http", "ws");
    const token = shown?.[0] === "authorization" ? [`bearer.${shown[1].replace(/^Bearer /, "")}`] : [];
    const mine = new WebSocket(address, ["chatkeep", ...token]);
    socket = mine;
    const pings = setInterval(() => mine.readyState === WebSocket.OPEN && mine.send("ping"), PING_MS);
    mine.onopen = () => {
      // What was missed meanwhile.
      if (opened) {
        void chat.sessions({ search: chat.getSnapshot().search });
        void chat.history();
      }
      opened = true;
      failures = 0;
    };
    mine.onmessage = ({ data }) => {
      if (data !== "pong") take(JSON.parse(data) as Told);
    };
    mine.onclose = () => {
      clearInterval(pings);
      socket = undefined;
      for (const id of turns.keys()) leave(id);
      if (!stopped && (opened || ++failures < TRIES)) again();
    };
  }

  function again(): void {
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** failures, LONGEST_PAUSE_MS);
    clearTimeout(waiting);
    waiting = setTimeout(() => connect().catch(again), pause * (0.5 + Math.random() / 2));
    if (opened) failures += 1;
  }

  function take({ type, session_id: session, message_id: message, reply_id: reply, ...told }: Told): void {
    const isOpen = session === chat.getSnapshot().sessionId;
    const turn = turns.get(message);
    if (type === "session_created" || type === "session_updated") {
      const fresh = type === "session_created";
      const { revision = 0 } = told.session;
      // News of several requests can overtake each other.
      if (!fresh && revision < (revisions.get(session) ?? 0)) return;
      revisions.set(session, revision);
      hear({ news: "card", session: told.session, fresh });
    } else if (type === "session_deleted") {
      hear({ news: "gone", session });
    } else if (type === "turn_started" && isOpen && isForeign(message)) {
      turns.set(message, { session, reply, text: "", pieces: 0, shown: false });
      void begin(message);
    } else if (type === "delta" && turn) {
      turn.text += told.text;
      if (turn.shown) show(message, turn, told.text);
    } else if (type === "turn_finished" && turn?.shown && turn.text) {
      finish(message, turn, told.status !== undefined);
    } else if ((type === "turn_finished" || type === "turn_failed") && turn) {
      leave(message);
    } else if (type === "message_added" && isOpen) {
      added.add(message);
      // One's own shows by itself, a moment later.
      gathering ??= setTimeout(read, GATHER_MS);
    }
  }

  /** Whether a message is not one that this browser sends. */
  function isForeign(message: string): boolean {
    return !chat.getSnapshot().messages.some(({ id, status }) => id === message && status !== "stored");
  }

  /** Shows another device's message, and what has come of its reply. */
  async function begin(message: string): Promise<void> {
    await chat.history().catch(() => {});
    const turn = turns.get(message);
    const line = chat.getSnapshot().messages.find(({ id }) => id === message);
    if (!turn || !line || !isForeign(message)) return void turns.delete(message);
    const entry = { id: message, text: line.content, created: Date.parse(line.created), stream: true };
    hear({ news: "entry", session: turn.session, known: true, entry });
    turn.shown = true;
    show(message, turn, turn.text);
  }

  function show(message: string, turn: Turn, text: string): void {
    turn.pieces += 1;
    hear({ news: "partial", session: turn.session, message, reply: turn.reply, event: turn.pieces, text });
  }

  function finish(message: string, { session, reply, text }: Turn, stopped: boolean): void {
    turns.delete(message);
    const asked = chat.getSnapshot().messages.find(({ id }) => id === message)?.content ?? "";
    const answer = { response: text, session_id: session, message_id: message, reply_id: reply, stopped };
    hear({ news: "answer", session, message, text: asked, answer });
  }

  /** Lets go of a turn, of which the server knows more. */
  function leave(message: string): void {
    const turn = turns.get(message);
    turns.delete(message);
    if (turn?.shown) hear({ news: "left", session: turn.session, message });
    if (turn?.session === chat.getSnapshot().sessionId) void chat.history();
  }

  /** Reads the newest messages where some of them are not here. */
  function read(): void {
    gathering = undefined;
    const here = new Set(chat.getSnapshot().messages.map(({ id }) => id));
    const isMissing = [...added].some((id) => !here.has(id));
    added.clear();
    if (isMissing && !stopped) void chat.history();
  }

  const online = () => {
    if (stopped || socket) return;
    failures = 0;
    connect().catch(again);
  };
  globalThis.addEventListener?.("online", online);
  online();
  return () => {
    stopped = true;
    clearTimeout(waiting);
    clearTimeout(gathering);
    globalThis.removeEventListener?.("online", online);
    socket?.close();
  };
}
