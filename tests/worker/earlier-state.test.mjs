// The state of a version that kept it as wrangler does moves to this one, as docs/operations.md says.
import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Api, ok } from "../harness/api.mjs";
import { startWorker } from "../harness/worker.mjs";

const VARS = { ARCHIVE_MODE: "write-through", UNDO_SECONDS: "0" };

test("sessions of a vault move by export and import, and the rows of the archive by SQL", async () => {
  const before = await startWorker({ store: "vault", vars: VARS, wrangler: true });
  const old = new Api(before.url);
  const after = await startWorker({ store: "vault", vars: VARS });
  try {
    const turn = await old.say("My name is Ada", { session_id: "live" });
    await old.say("Long ago", { session_id: "archived" });
    const exported = await old.send("GET", "/v1/admin/export");
    // What only the archive has: the session is in no vault's export.
    const lines = exported.text.split("\n").filter((line) => line && !line.includes('"archived"'));
    const api = new Api(after.url);
    ok(await api.send("POST", "/v1/admin/import", `${lines.join("\n")}\n`));
    assert.deepEqual(await api.texts("live"), ["My name is Ada", turn.response]);
    assert.equal((await api.info("archived")).status, 404);

    await after.tick(); // makes the archive's tables
    const [file] = globSync(join(after.persistTo, "chatkeep-Archive/[0-9a-f]*.sqlite"));
    const [earlier] = globSync(join(before.persistTo, "v3/d1/miniflare-D1DatabaseObject/[0-9a-f]*.sqlite"));
    await before.kill();
    await after.kill();
    const database = new DatabaseSync(file);
    database.exec(`ATTACH '${earlier}' AS old;
      INSERT OR REPLACE INTO chatkeep_sessions SELECT * FROM old.chatkeep_sessions;
      INSERT OR REPLACE INTO chatkeep_messages SELECT * FROM old.chatkeep_messages`);
    database.close();
    await after.restart();
    assert.equal((await api.texts("archived"))[0], "Long ago");
    assert.deepEqual(await api.texts("live"), ["My name is Ada", turn.response]);
  } finally {
    await before.stop();
    await after.stop();
  }
});
