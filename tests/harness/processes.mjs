// Child processes that end with the test that started them, and what they said.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { saysPortTaken } from "./ports.mjs";

const PATIENCE = 30_000;

/** @type {Set<Process>} */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.signal("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

/** A program in a process group of its own. */
export class Process {
  #said = "";
  #ended;

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {{cwd?: string, env?: NodeJS.ProcessEnv, control?: boolean}} [options] `control`: a pipe is its file descriptor 3
   */
  constructor(program, args, { control = false, ...options } = {}) {
    this.program = program;
    const stdio = ["ignore", "pipe", "pipe", ...(control ? ["pipe"] : [])];
    this.child = spawn(program, args, { ...options, detached: true, stdio: /** @type {any} */ (stdio) });
    running.add(this);
    this.child.on("error", (error) => {
      this.#said += `${error}\n`;
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding("utf8").on("data", (text) => {
        this.#said += text;
      });
    }
    // "close" comes after the last word, and also when the program could not be started.
    this.#ended = once(this.child, "close").catch(() => {});
    this.#ended.then(() => running.delete(this));
  }

  /** Its number; 0 when it could not be started. */
  get pid() {
    return this.child.pid ?? 0;
  }

  /** The pipe that is its file descriptor 3. */
  get control() {
    return /** @type {import("node:stream").Readable} */ (this.child.stdio[3]);
  }

  /** Everything said so far, on both streams. */
  logs() {
    return this.#said;
  }

  get ended() {
    return this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined;
  }

  /**
   * Waits until `look` gives something else than undefined, and gives that. Fails when the program ends before, or says
   * that its port is taken: some programs wait then instead of ending.
   * @template T
   * @param {string} what what is waited for
   * @param {() => T | undefined | Promise<T | undefined>} look
   * @param {number} [patience] milliseconds
   * @returns {Promise<T>}
   */
  async ready(what, look, patience = PATIENCE) {
    for (const deadline = Date.now() + patience; ; await pause(20)) {
      if (saysPortTaken(this.#said)) {
        await this.kill();
        throw new Error(`${this.program} found its port taken:\n${this.#said}`);
      }
      const seen = await look();
      if (seen !== undefined) return seen;
      if (this.ended) throw new Error(`${this.program} ended before ${what}:\n${this.#said}`);
      if (Date.now() > deadline) throw new Error(`${this.program}: still not ${what}:\n${this.#said}`);
    }
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    try {
      if (this.child.pid) process.kill(-this.child.pid, name);
    } catch {} // the group is gone already
  }

  /** Asks it and its children to end, and makes them after a while. */
  async stop() {
    this.signal("SIGTERM");
    await Promise.race([this.#ended, pause(5_000, undefined, { ref: false })]);
    await this.kill();
  }

  /** Ends it and its children at once, as a crash would. */
  async kill() {
    this.signal("SIGKILL");
    await this.#ended;
  }
}
