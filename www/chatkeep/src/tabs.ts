/**
 * The tabs of one browser: what they tell each other, and whose unsent messages are whose.
 *
 * Each tab keeps its messages in a slot of the storage, which it holds by a lock while it lives. What a tab leaves behind
 * is in a slot that nobody holds; another one takes it over, under that same lock. Without locks (an insecure page, a
 * server) there is one slot, and the turn ids keep the server from taking a message twice.
 */

import type { KeyValueStorage } from "./types.js";
import { unsentKey } from "./unsent.js";

/** More tabs than these keep nothing. */
const SLOTS = 32;

/** How long a tab that goes may take to come back: a reload finds its own slot. */
const RELOAD_MS = 3000;

/** A tab's place among the others. */
export interface Tab {
  /** The key of its slot; undefined when there is none to have. */
  readonly slot: string | undefined;
  /** Tells the others. */
  tell(news: string): void;
  /** Takes over what tabs that are gone have left; each is handed to a function: the client's text, and unsent messages. */
  adopt(take: (stored: string) => void, takeUnsent: (stored: string) => void): Promise<void>;
  /** Leaves. */
  leave(): void;
}

/**
 * Joins the tabs with this key. `storage` is what they share; without it there are no others. `hear` gets what they tell,
 * `orphaned` is called when one of them has gone.
 */
export async function joinTabs(
  key: string,
  storage: KeyValueStorage | null,
  hear: (news: string) => void,
  orphaned: () => void,
): Promise<Tab> {
  const locks = storage && globalThis.navigator?.locks;
  const channel = openChannel(key, storage, (news) => (news === "" ? later(orphaned) : hear(news)));
  let slot: string | undefined = key;
  let release = () => {};
  let left = false;
  if (locks) {
    const wanted = slots(key);
    const mine = session()?.getItem(`${key}:slot`);
    if (mine && wanted.includes(mine)) wanted.unshift(mine);
    slot = undefined;
    for (const name of wanted) {
      const held = await hold(locks, name);
      if (!held) continue;
      slot = name;
      release = held;
      break;
    }
    if (slot) put(session(), `${key}:slot`, slot);
  }
  const leave = () => channel.tell("");
  globalThis.addEventListener?.("pagehide", leave);
  return {
    slot,
    tell: (news) => {
      // A client that was disposed of may still get an answer.
      if (!left) channel.tell(news);
    },
    async adopt(take, takeUnsent) {
      if (!locks) return;
      for (const name of slots(key)) {
        if (name === slot || !(get(storage, name) || get(storage, unsentKey(name)))) continue;
        const held = await hold(locks, name);
        if (!held) continue;
        for (const [item, call] of [
          [name, take],
          [unsentKey(name), takeUnsent],
        ] as const) {
          const stored = get(storage, item);
          if (!stored) continue;
          call(stored);
          storage.removeItem(item);
        }
        held();
      }
    },
    leave() {
      globalThis.removeEventListener?.("pagehide", leave);
      if (left) return;
      leave();
      left = true;
      release();
      channel.close();
    },
  };
}

function later(call: () => void): void {
  setTimeout(call, RELOAD_MS);
}

function slots(key: string): string[] {
  return [key, ...Array.from({ length: SLOTS - 1 }, (_, at) => `${key}:${at + 1}`)];
}

function get(storage: KeyValueStorage, name: string): string | null {
  try {
    return storage.getItem(name);
  } catch {
    return null;
  }
}

function put(storage: KeyValueStorage | undefined, name: string, value: string): void {
  try {
    storage?.setItem(name, value);
  } catch {
    // Full or forbidden: a reload may find itself in another slot.
  }
}

/** This tab's own storage, which a reload keeps. */
function session(): KeyValueStorage | undefined {
  try {
    return globalThis.sessionStorage;
  } catch {
    return undefined;
  }
}

/** Holds a lock until the function that it gives is called; gives nothing when another tab holds it. */
function hold(locks: LockManager, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve) => {
    locks
      .request(name, { ifAvailable: true }, (lock) => {
        if (!lock) return resolve(undefined);
        return new Promise<void>((release) => resolve(release));
      })
      .catch(() => resolve(undefined));
  });
}

/** A channel to the other tabs; where there is none, the storage's own events. */
function openChannel(key: string, storage: KeyValueStorage | null, hear: (news: string) => void) {
  if (!storage) return { tell() {}, close() {} };
  if (typeof BroadcastChannel === "function") {
    const channel = new BroadcastChannel(key);
    // Node would wait for it.
    (channel as { unref?(): void }).unref?.();
    channel.onmessage = ({ data }) => hear(String(data));
    return { tell: (news: string) => channel.postMessage(news), close: () => channel.close() };
  }
  const name = `${key}:news`;
  const listener = ({ key, newValue }: StorageEvent) => {
    if (key === name && newValue !== null) hear(newValue);
  };
  globalThis.addEventListener?.("storage", listener);
  return {
    tell(news: string) {
      try {
        storage.setItem(name, news);
        storage.removeItem(name);
      } catch {
        // Full or forbidden: the others learn it from the server.
      }
    },
    close: () => globalThis.removeEventListener?.("storage", listener),
  };
}
