// The backup and restore drill, on a Worker and a Redis of its own: what was exported before a flush has to be what is exported
// after the import, line for line.
import { Api, ok } from "../tests/harness/api.mjs";
import { startRedis } from "../tests/harness/redis.mjs";
import { startWorker } from "../tests/harness/worker.mjs";

const FOLDERS = ["", "/jarvis", "/storage-guide", "/openta"];
const TEXTS = ["Příliš žluťoučký kůň", "Điều kiện tham gia đấu thầu?", "Sessões não persistem", '"\\ \u0001 🙂'];

const redis = await startRedis();
const worker = await startWorker({ store: "upstash", redis });
try {
  for (const folder of FOLDERS) await fill(new Api(worker.url + folder));
  const before = await backup();
  await redis.cli("FLUSHALL");
  const flushed = await backup();
  if (flushed.some((lines) => lines.length > 1)) throw new Error("the flush left sessions behind");
  for (const [at, folder] of FOLDERS.entries()) {
    const api = new Api(worker.url + folder);
    // Twice: an import that is repeated changes nothing.
    for (const _ of [1, 2]) ok(await api.send("POST", "/v1/import", before[at].join("\n")));
  }
  const after = await backup();
  const count = before.flat().length;
  // The list's order is that of the last use, which the import is.
  const sorted = (backup) => JSON.stringify(backup.map((lines) => lines.toSorted()));
  if (sorted(before) !== sorted(after)) {
    const lost = before.flat().filter((line) => !after.flat().includes(line));
    throw new Error(`what came back is not what was there: ${lost.length} lines differ, such as ${lost[0]}`);
  }
  console.log(
    `backup drill: ${count} lines of ${FOLDERS.length} namespaces exported, flushed, imported, compared: identical`,
  );
} finally {
  await worker.stop();
  await redis.stop();
}
process.exit(0);

async function fill(api) {
  for (const [number, message] of TEXTS.entries()) {
    const { session_id } = ok(await api.chat({ message, metadata: { number } }));
    for (let turn = 0; turn < 5; turn += 1) ok(await api.chat({ message: `${message} ${turn}`, session_id }));
    ok(await api.send("PUT", `/v1/sessions/${session_id}/state`, { step: number, note: message }));
    ok(
      await api.send("PATCH", `/v1/sessions/${session_id}`, {
        title: message,
        pinned: number === 1,
        metadata: { a: [1] },
      }),
    );
  }
}

/** The lines of each namespace's export. */
function backup() {
  return Promise.all(
    FOLDERS.map(async (folder) => {
      const { text, status } = await new Api(worker.url + folder).get("/v1/export");
      if (status !== 200 || !/"end"/.test(text)) throw new Error(`the export broke off: ${status}`);
      return text.trim().split("\n");
    }),
  );
}
