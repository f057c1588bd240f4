// Stores in processes of their own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** @import { StoreOptions } from "chatkeep/server" */

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export class StoreProcess {
  /** @type {Map<number, {resolve: (result: any) => void, reject: (error: Error) => void}>} */
  #waiting = new Map();
  #calls = 0;
  /** The events that its store logged. @type {string[]} */
  logged = [];

  /** @param {StoreOptions} options */
  constructor(options) {
    const program = new URL("process.mjs", import.meta.url).pathname;
    this.child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ["pipe", "pipe", "inherit"] });
    running.add(this.child);
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const { id, result, error, log } = JSON.parse(line);
      if (log) return void this.logged.push(log);
      const waiting = this.#waiting.get(id);
      if (error) waiting?.reject(new Error(error));
      else waiting?.resolve(result);
    });
  }

  /**
   * @param {string} method
   * @param {...unknown} args
   * @returns {Promise<any>}
   */
  call(method, ...args) {
    this.#calls += 1;
    const id = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ id, method, args })}\n`);
    });
  }

  async kill() {
    running.delete(this.child);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }
}
