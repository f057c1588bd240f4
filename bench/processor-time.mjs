// The processor time that processes have used, as Linux accounts it: user and system, all threads.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** The kernel's ticks in a second. */
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"]));

/**
 * Seconds that a process has used.
 * @param {number} pid
 */
export function usedBy(pid) {
  const { user, system } = times(pid);
  return (user + system) / TICKS;
}

/** Seconds that all of the machine has used, and that this process and the children it has waited for have. */
export function usedByAll() {
  const [user, nice, system, , , irq, softirq] = readFileSync("/proc/stat", "utf8").split("\n", 1)[0].match(/\d+/g);
  const own = times("self");
  return {
    machine: [user, nice, system, irq, softirq].reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS,
    own: (own.user + own.system + own.waited) / TICKS,
  };
}

/** @param {number | "self"} pid */
function times(pid) {
  const line = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The program's name is in brackets and may hold anything; what follows is numbers, the state of the process first.
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  const [user, system, waited_user, waited_system] = fields.slice(11, 15).map(Number);
  return { user, system, waited: waited_user + waited_system };
}
