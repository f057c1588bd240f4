/** The store: gives the store machine the calls, carries out what it wants done, and holds the promises that wait. */

import type { Store as Machine } from "../../wasm-server/chatkeep_library.js";
import { ChatkeepError } from "../error.js";
import type { Problem } from "../types.js";
import { logTo } from "./log.js";
import type { Platform } from "./platform.js";
import { RestTransport } from "./rest.js";
import type { Connection, Transport } from "./transport.js";
import type {
  Appended,
  HistoryPage,
  Json,
  Keyed,
  NewMessage,
  QuestionAnswer,
  Session,
  SessionPage,
  Store,
  StoredMessage,
  StoreHealth,
  StoreOptions,
  TaggedState,
  WrittenState,
} from "./types.js";
import { load } from "./wasm.js";

interface Waiting {
  resolve(json: string): void;
  reject(error: ChatkeepError): void;
}

/** Why a store can't be used: it is closed, or was never right. */
const CLOSED: Problem = { code: "disposed", status: 0, retryable: false, detail: "this store has been closed" };
const wrong = (detail: string): Problem => ({ code: "not_configured", status: 503, retryable: false, detail });

/** The messages of one page when all are wanted. */
const PAGE = 500;

/** A {@link Store} on the WebAssembly module. Nothing is loaded and no connection opened before the first call. */
export class WasmStore implements Store {
  readonly #platform: Platform;
  readonly #options: StoreOptions;
  readonly #closed: () => void;
  readonly #waiting = new Map<number, Waiting>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #machine: Promise<Machine> | undefined;
  #transport: Transport | undefined;
  #tickets = 0;
  #end: Promise<void> | undefined;

  constructor(platform: Platform, options: StoreOptions, closed: () => void = () => {}) {
    this.#platform = platform;
    this.#options = options;
    this.#closed = closed;
  }

  async initialize(): Promise<void> {
    await this.#call("initialize");
  }

  get<T = Json>(id: string): Promise<T | null> {
    return this.#call("get", id);
  }

  async set(id: string, state: unknown, options?: Keyed): Promise<void> {
    await this.#call("set", id, state, options);
  }

  delete(id: string, options?: { undo?: boolean }): Promise<boolean> {
    return this.#call("delete", id, undefined, options);
  }

  refreshTTL(id: string): Promise<boolean> {
    return this.#call("refreshTTL", id);
  }

  async getOrCreate<T = Json>(id: string, initial: T | (() => T | Promise<T>)): Promise<T> {
    const found = await this.get<T>(id);
    if (found !== null) return found;
    const state = typeof initial === "function" ? await (initial as () => T | Promise<T>)() : initial;
    return this.#call("createState", id, state);
  }

  list(options?: {
    fields?: readonly string[];
    limit?: number;
    cursor?: string | undefined;
    search?: string;
  }): Promise<SessionPage> {
    return this.#call("list", "", undefined, options);
  }

  async getHistory(
    id: string,
    { limit = Number.POSITIVE_INFINITY }: { limit?: number } = {},
  ): Promise<StoredMessage[]> {
    const messages: StoredMessage[] = [];
    try {
      for (let before: string | undefined; messages.length < limit; ) {
        const page = await this.history(id, { limit: Math.min(limit - messages.length, PAGE), before });
        messages.unshift(...page.messages);
        before = page.nextBefore;
        if (before === undefined) break;
      }
    } catch (error) {
      if (!(error instanceof ChatkeepError && error.code === "session_not_found")) throw error;
    }
    return messages;
  }

  addMessage(id: string, message: NewMessage | QuestionAnswer, options?: Keyed): Promise<Appended> {
    return this.#call("addMessage", id, message, options);
  }

  create({ id, title, key }: { id?: string; title?: string } & Keyed = {}): Promise<Session> {
    return this.#call("create", "", { session_id: id, title }, { key });
  }

  append(
    id: string,
    messages: readonly NewMessage[],
    { existing, key }: { existing?: boolean } & Keyed = {},
  ): Promise<Appended> {
    return this.#call("append", id, { messages, existing }, { key });
  }

  history(id: string, options?: { limit?: number; before?: string | undefined }): Promise<HistoryPage> {
    return this.#call("history", id, undefined, options);
  }

  info(id: string): Promise<Session> {
    return this.#call("info", id);
  }

  patch(
    id: string,
    changes: { title?: string; pinned?: boolean; archived?: boolean; metadata?: Readonly<Record<string, unknown>> },
    options?: Keyed,
  ): Promise<Session> {
    return this.#call("patch", id, changes, options);
  }

  touch(id: string): Promise<Session> {
    return this.#call("touch", id);
  }

  fork(id: string, options: { at?: string; id?: string; title?: string } & Keyed = {}): Promise<Session> {
    const { at, id: session_id, title, key } = options;
    return this.#call("fork", id, { at, session_id, title }, { key });
  }

  truncate(id: string, after: string, options?: Keyed): Promise<Session> {
    return this.#call("truncate", id, { after }, options);
  }

  restore(id: string, options?: Keyed): Promise<Session> {
    return this.#call("restore", id, undefined, options);
  }

  readState<T = Json>(id: string): Promise<TaggedState<T> | null> {
    return this.#call("readState", id);
  }

  writeState(
    id: string,
    state: unknown,
    options?: { ifTag?: string; ifPresent?: boolean; ifAbsent?: boolean } & Keyed,
  ): Promise<WrittenState> {
    return this.#call("writeState", id, state, options);
  }

  deleteAll(options?: { undo?: boolean }): Promise<number> {
    return this.#call("deleteAll", "", undefined, options);
  }

  getHealth(): Promise<StoreHealth> {
    return this.#call("health");
  }

  close(): Promise<void> {
    this.#end ??= this.#close();
    return this.#end;
  }

  async #close(): Promise<void> {
    this.#closed();
    const machine = await this.#machine?.catch(() => undefined);
    if (machine) await this.#ask(machine, "close", "", "", "{}").catch(() => {});
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#transport?.close();
    for (const { reject } of this.#waiting.values()) reject(new ChatkeepError(CLOSED));
    this.#waiting.clear();
    // A call to Redis that is still under way comes back to a machine that is there; the collector takes it afterwards.
  }

  /** Calls a method of the machine and reads its answer. */
  async #call<T>(method: string, id = "", body?: unknown, options: object = {}): Promise<T> {
    if (this.#end) throw new ChatkeepError(CLOSED);
    // A state that is no JSON, such as undefined or a function, is refused like null.
    const text = body === undefined ? "" : JSON.stringify(body);
    this.#machine ??= this.#open().catch((error) => {
      this.#machine = undefined;
      throw error;
    });
    const machine = await this.#machine;
    return JSON.parse(await this.#ask(machine, method, String(id), text ?? "", JSON.stringify(options))) as T;
  }

  #ask(machine: Machine, method: string, id: string, body: string, options: string): Promise<string> {
    this.#tickets += 1;
    const ticket = this.#tickets;
    return new Promise((resolve, reject) => {
      this.#waiting.set(ticket, { resolve, reject });
      machine.call(ticket, method, id, body, options);
    });
  }

  async #open(): Promise<Machine> {
    const { tls: _, env: given, logger, ...options } = this.#options;
    const env = given ?? environment();
    const { Machine, variables } = await load(this.#platform);
    const said = variables.flatMap((name) => {
      const value = env[name];
      return typeof value === "string" ? [name, value.replace(/[\r\n]+/g, " ")] : [];
    });
    const levels = logger ? { logLevel: logLevelOf(env) } : {};
    const settings = JSON.stringify({ ...levels, ...options, background: this.#platform.background });
    let machine: Machine;
    try {
      machine = new Machine(
        {
          send: (token, call, milliseconds) => this.#send(machine, token, call, milliseconds),
          done: (ticket, json) => this.#settle(ticket, (waiting) => waiting.resolve(json)),
          failed: (ticket, json) =>
            this.#settle(ticket, (waiting) => waiting.reject(new ChatkeepError(JSON.parse(json) as Problem))),
          wake: (milliseconds) => this.#wake(machine, milliseconds),
          log: logTo(logger),
        },
        settings,
        said.join("\n"),
      );
    } catch (reason) {
      throw new ChatkeepError(wrong(String(reason)));
    }
    this.#transport = await this.#connect(JSON.parse(machine.connection()) as Connection, env.REDIS_TLS_CA);
    return machine;
  }

  async #connect(at: Connection, caFile: unknown): Promise<Transport | undefined> {
    if (at.url) return new RestTransport(at.url, at.token ?? "");
    if (!at.host) return undefined;
    if (!this.#platform.tcp)
      throw new ChatkeepError(wrong("redis:// needs Node: on the edge name an Upstash REST URL"));
    return this.#platform.tcp(at, this.#options, caFile).catch((cause) => {
      throw new ChatkeepError(wrong(cause instanceof Error ? cause.message : String(cause)), { cause });
    });
  }

  #send(machine: Machine, token: number, call: string, milliseconds: number): void {
    this.#transport?.send(call, milliseconds).then((carried) => {
      if ("lost" in carried) machine.lost(token, carried.lost === "timeout");
      else machine.answered(token, carried.status, carried.text);
    });
  }

  #settle(ticket: number, settle: (waiting: Waiting) => void): void {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    if (waiting) settle(waiting);
  }

  #wake(machine: Machine, milliseconds: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      machine.woke();
    }, milliseconds);
    this.#timers.add(timer);
    // Waiting for Redis must not keep a process alive that has nothing else to do.
    if (typeof timer === "object" && "unref" in timer) (timer as { unref(): void }).unref();
  }
}

/** What a logger hears that nobody set a level for. */
function logLevelOf(env: Readonly<Record<string, unknown>>): string | undefined {
  return env.LOG_LEVEL ? undefined : "info";
}

/** The process' environment, where there is one. */
function environment(): Readonly<Record<string, unknown>> {
  const { process } = globalThis as { process?: { env?: Record<string, unknown> } };
  return process?.env ?? {};
}
