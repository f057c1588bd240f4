// The packed package's types: what they allow, what they refuse, and that they say what the session machine says.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../harness/folders.mjs";
import { RESOLUTIONS, typedProject, typeErrors } from "./typescript.mjs";

const CONSUMER = `
import { type Chatkeep, ChatkeepError, type Claimed, createChatkeep, type Message, type Reply, type Session } from "chatkeep";
import { useChatkeep } from "chatkeep/react";
import type { ChatRequest, ChatResponse } from "chatkeep/wire";

export const asked: ChatRequest = { message: "Hello", session_id: null };
export const answered = (answer: ChatResponse): string => answer.reply_id;

export const client: Chatkeep = createChatkeep({
  url: "https://chat.example.com",
  auth: async (refused) => (refused ? undefined : "token"),
  storage: sessionStorage,
  storageKey: "mine",
  wasm: new URL("https://example.com/chatkeep.wasm"),
});
createChatkeep({ storage: null, auth: { apiKey: "key" } });
const stop: () => void = client.subscribe(() => {});
stop();

export async function use(): Promise<string> {
  const reply: Reply = await client.send("Hello");
  const messages: readonly Message[] = await client.history({ older: true });
  const claimed: Claimed = await client.claim();
  const sessions: readonly Session[] = claimed.moved > 0 ? await client.sessions() : [];
  try {
    await client.open(sessions[0]?.id ?? reply.sessionId);
    await client.delete(reply.sessionId);
  } catch (error) {
    if (error instanceof ChatkeepError && error.retryable) return error.code;
  }
  return messages[0]?.problem?.detail ?? client.getSnapshot().session?.title ?? "";
}

export function View() {
  const { messages, sessions, send, listSessions, newChat, problem } = useChatkeep(client);
  return (
    <main onClick={() => newChat()}>
      {messages.map((message) => (message.status === "failed" ? message.problem?.code : message.content))}
      <button onClick={() => send("Hello")}>{problem?.code}</button>
      <button onClick={() => listSessions()}>{sessions.length}</button>
    </main>
  );
}

// @ts-expect-error: a number is no text
client.send(1);
// @ts-expect-error: requests are made with the global fetch
createChatkeep({ fetch });
// @ts-expect-error: snapshots are immutable
client.getSnapshot().messages.push();
// @ts-expect-error: and so are messages
client.getSnapshot().messages[0]!.content = "";
// @ts-expect-error: there is no such status
client.getSnapshot().messages[0]?.status === "lost";
`;

// The example is written by a test of the model, which fails when the machine's view is no longer that.
const { empty, full, reply } = JSON.parse(readFileSync(join(ROOT, "tests/packaging/fixtures/view.json"), "utf8"));
const withEvery = full.messages.filter(({ parent, metadata, problem }) => parent || metadata || problem);
const EXAMPLE = `
import type { Message, Problem, Reply, Session, Snapshot } from "chatkeep";

type View = Snapshot & { readonly revision: number };
export const empty = ${JSON.stringify(empty)} satisfies View;
export const full = ${JSON.stringify(full)} satisfies View;
export const session = ${JSON.stringify(full.session)} satisfies Required<Session>;
export const problem = ${JSON.stringify(withEvery.at(-1).problem)} satisfies Required<Problem>;
export const message = ${JSON.stringify(Object.assign({}, ...withEvery))} satisfies Required<Message>;
export const reply = ${JSON.stringify(reply)} satisfies Reply;
`;

for (const resolution of Object.keys(RESOLUTIONS)) {
  test(`a user's project type checks with module resolution ${resolution}`, () => {
    const folder = typedProject("types", { "consumer.tsx": CONSUMER });
    assert.equal(typeErrors(folder, resolution), "");
  });
}

for (const ai of ["ai6", "ai7"]) {
  test(`the transport is one that ${ai} takes`, () => {
    const code = `
      import type { ChatTransport, UIMessage } from "${ai}";
      import { createChatkeep } from "chatkeep";
      import { chatTransport } from "chatkeep/ai-sdk";

      export const transport: ChatTransport<UIMessage> = chatTransport(createChatkeep());
    `;
    const folder = typedProject(ai, { "consumer.ts": code }, [ai]);
    assert.equal(typeErrors(folder, "bundler", { skipLibCheck: true }), "");
  });
}

test("the types say what the session machine says", () => {
  const folder = typedProject("view", { "example.ts": EXAMPLE });
  assert.equal(typeErrors(folder, "bundler"), "");
});

test("a view that says something else would be noticed", () => {
  const changes = [
    ['"sending":', '"busy":'],
    ['"status":"failed"', '"status":"lost"'],
    ['"detail":', '"details":'],
    ['"sessionCount":', '"count":'],
  ];
  for (const [from, to] of changes) {
    const folder = typedProject("drift", { "example.ts": EXAMPLE.replaceAll(from, to) });
    assert.match(typeErrors(folder, "bundler"), /error TS/, `${from} as ${to}`);
  }
});
