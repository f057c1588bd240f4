// The programs that a server consists of: started in process groups of their own, shown what they say, stopped in order.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

/** Programs that are stopped in the reverse of the order in which they were started, so that what one needs outlives it. */
export class Children {
  /** @type {import("node:child_process").ChildProcess[]} */
  #running = [];
  /** Those that are asked to end. */
  #stopping = new WeakSet();

  /**
   * @param {number} grace the milliseconds in which a program may finish what it is doing
   * @param {(message: string) => void} onEnd told when one ends by itself
   */
  constructor(grace, onEnd) {
    this.grace = grace;
    this.onEnd = onEnd;
  }

  /**
   * Starts a program. Its file descriptor 3 is a pipe.
   * @param {string} program
   * @param {string[]} args
   * @param {NodeJS.ProcessEnv} env
   */
  start(program, args, env) {
    const child = spawn(program, args, { env, detached: true, stdio: ["ignore", "pipe", "inherit", "pipe"] });
    this.#running.push(child);
    child.on("error", (error) => this.onEnd(`${program} could not be started: ${error.message}`));
    child.on("exit", (code, signal) => {
      this.#running = this.#running.filter((running) => running !== child);
      if (!this.#stopping.has(child)) this.onEnd(`${program} ended (${signal ?? code})`);
    });
    const lines = createInterface({ input: /** @type {import("node:stream").Readable} */ (child.stdout) });
    lines.on("line", (line) => console.log(line));
    return { child, lines, control: /** @type {import("node:stream").Readable} */ (child.stdio[3]) };
  }

  /**
   * Asks a program to end, and makes it after a while.
   * @param {import("node:child_process").ChildProcess} child
   */
  async stop(child) {
    this.#stopping.add(child);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    signal(child, "SIGTERM");
    await Promise.race([ended, pause(this.grace, undefined, { ref: false })]);
    signal(child, "SIGKILL");
    await ended;
  }

  async stopAll() {
    for (const child of this.#running.toReversed()) await this.stop(child);
  }

  /** Ends all at once. */
  kill() {
    for (const child of this.#running) signal(child, "SIGKILL");
  }
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {NodeJS.Signals} name
 */
function signal(child, name) {
  try {
    if (child.pid) process.kill(-child.pid, name);
  } catch {} // its group is gone already
}
