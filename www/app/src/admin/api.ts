// What the page asks of `/v1/admin`, with the operator's key. It is kept in this tab's storage alone.

export interface Minute {
  readonly at: string;
  readonly requests: number;
  readonly failures: number;
  readonly turns: number;
  readonly store_calls: number;
  readonly store_ms: number;
}

export interface RedisFigures {
  readonly version?: string;
  readonly memory_bytes?: number;
  readonly memory_limit_bytes?: number;
  readonly eviction_policy?: string;
  readonly evicted_keys?: number;
  readonly hits?: number;
  readonly misses?: number;
  readonly latency_ms?: number;
}

export interface Stats {
  readonly namespace: string;
  readonly store: string;
  readonly owners: number;
  readonly sessions: number;
  readonly messages: number;
  readonly bytes: number;
  readonly expiring_soon: number;
  readonly soon_seconds: number;
  readonly ttl_seconds: number;
  readonly ttl_left: readonly number[];
  readonly texts: boolean;
  readonly redis?: RedisFigures;
  readonly activity?: readonly Minute[];
  readonly next_cursor?: string;
}

export interface Session {
  readonly owner: string;
  readonly session_id: string;
  readonly title?: string;
  readonly message_count: number;
  readonly total_messages: number;
  readonly bytes?: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly expires_at: string;
  readonly pinned?: boolean;
  readonly archived?: boolean;
  readonly user_id?: string;
}

export interface Sessions {
  readonly sessions: readonly Session[];
  readonly next_cursor?: string;
}

export interface Health {
  readonly status: string;
  readonly cause?: string;
  readonly version: string;
  readonly latency_ms?: number;
  readonly journal_depth?: number;
  readonly breaker?: string;
  readonly using_fallback: boolean;
}

export interface Said {
  readonly role: string;
  readonly content: string;
  readonly created: string;
}

/** What the server refused, by its code. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

const KEPT = "chatkeep-admin-key";

export function keptKey(): string {
  try {
    return sessionStorage.getItem(KEPT) ?? "";
  } catch {
    return ""; // storage is forbidden
  }
}

export function keepKey(key: string): void {
  try {
    if (key) sessionStorage.setItem(KEPT, key);
    else sessionStorage.removeItem(KEPT);
  } catch {
    // It lasts until the next reload.
  }
}

/** Asks as one operator, of one namespace. */
export class AdminApi {
  constructor(
    private readonly key: string,
    /** Its folder: empty, or such as `/jarvis`. */
    readonly folder: string,
  ) {}

  async stats(signal: AbortSignal): Promise<Stats> {
    let all: Stats | undefined;
    for (let cursor: string | undefined; ; ) {
      const part: Stats = await this.json("GET", "/v1/admin/stats", { cursor }, signal);
      all = all ? sum(all, part) : part;
      cursor = part.next_cursor;
      if (!cursor) return all;
    }
  }

  sessions(query: Query, signal: AbortSignal): Promise<Sessions> {
    return this.json("GET", "/v1/admin/sessions", { ...query, limit: "50" }, signal);
  }

  async messages({ owner, session_id }: Session, signal: AbortSignal): Promise<Said[]> {
    const answer = await this.ask("GET", "/v1/admin/export", { owner, session_id }, signal);
    const lines = (await answer.text()).trim().split("\n");
    return lines.map((line) => JSON.parse(line).message?.message).filter(Boolean);
  }

  remove({ owner, session_id }: Session, confirm: string): Promise<{ deleted: number }> {
    return this.json("DELETE", "/v1/admin/sessions", { confirm, owner, session_id });
  }

  /** The lines of the log as they come. */
  async *events(signal: AbortSignal): AsyncGenerator<Record<string, unknown>> {
    const { body } = await this.ask("GET", "/v1/admin/events", {}, signal);
    const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; reader; ) {
      const { value, done } = await reader.read();
      if (done) return;
      const events = (rest + value).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) if (event.startsWith("data: ")) yield JSON.parse(event.slice(6));
    }
  }

  /** A sick store says so with 503. */
  async health(signal: AbortSignal): Promise<Health> {
    return (await fetch("/health", { signal })).json();
  }

  private async json<T>(method: string, path: string, query: Query, signal?: AbortSignal): Promise<T> {
    return (await this.ask(method, path, query, signal)).json();
  }

  private async ask(method: string, path: string, query: Query, signal?: AbortSignal): Promise<Response> {
    const given = Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]));
    const url = `${this.folder}${path}?${new URLSearchParams(given)}`;
    const headers: Record<string, string> = this.key ? { "x-api-key": this.key } : {};
    const answer = await fetch(url, { method, headers, signal: signal ?? null });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, problem.code ?? "unexpected_answer", problem.detail ?? problem.title ?? "");
  }
}

type Query = Readonly<Record<string, string | undefined>>;

function sum(all: Stats, part: Stats): Stats {
  return {
    ...all,
    owners: all.owners + part.owners,
    sessions: all.sessions + part.sessions,
    messages: all.messages + part.messages,
    bytes: all.bytes + part.bytes,
    expiring_soon: all.expiring_soon + part.expiring_soon,
    ttl_left: all.ttl_left.map((count, at) => count + (part.ttl_left[at] ?? 0)),
  };
}
