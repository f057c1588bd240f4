/** Messages that were sent while the WebAssembly module could not be loaded. They wait for it, across reloads too. */

import type { KeyValueStorage, Message } from "./types.js";

/** The arguments of one `send`, and what the snapshot shows of it. */
export interface UnsentMessage {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly shown: Message;
}

/** The waiting messages of one tab, kept in its storage. */
export class UnsentMessages {
  readonly #storage: KeyValueStorage | null;
  readonly #key: string;
  #messages: UnsentMessage[];

  constructor(storage: KeyValueStorage | null, slot: string) {
    this.#storage = storage;
    this.#key = unsentKey(slot);
    this.#messages = parse(read(storage, this.#key));
  }

  /** What the snapshot shows of them, oldest first. */
  get shown(): readonly Message[] {
    return this.#messages.map(({ shown }) => shown);
  }

  /** Adds a message with the arguments of its `send`. */
  add(send: Readonly<Record<string, unknown>>): void {
    const id = typeof send.message === "string" ? send.message : crypto.randomUUID();
    const created = new Date().toISOString();
    const shown: Message = { id, role: "user", content: String(send.text), created, status: "pending" };
    this.#messages.push({ arguments: { ...send, message: id }, shown });
    this.#store();
  }

  /** Adds what another tab left in storage. */
  adopt(stored: string): void {
    this.#messages.push(...parse(stored));
    this.#store();
  }

  /** Removes all of them and returns the arguments of each. */
  takeAll(): UnsentMessage["arguments"][] {
    const taken = this.#messages.map((message) => message.arguments);
    this.#messages = [];
    this.#store();
    return taken;
  }

  #store(): void {
    try {
      if (this.#messages.length > 0) this.#storage?.setItem(this.#key, JSON.stringify(this.#messages));
      else this.#storage?.removeItem(this.#key);
    } catch {
      // Full or forbidden: they wait as long as the page lives.
    }
  }
}

/** The key under which a slot's unsent messages are stored. */
export const unsentKey = (slot: string): string => `${slot}:unsent`;

function read(storage: KeyValueStorage | null, key: string): string | null {
  try {
    return storage?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Reads stored messages. What can't be read counts as nothing: a broken store must not break the chat. */
function parse(stored: string | null): UnsentMessage[] {
  try {
    const messages = JSON.parse(stored ?? "[]") as UnsentMessage[];
    return messages.filter(
      ({ arguments: send, shown }) => typeof send.text === "string" && shown.content === send.text,
    );
  } catch {
    return [];
  }
}
