// What can be done with a session of the list. Each resolves to what went wrong, or null.
import type { Chatkeep, Problem, Session } from "chatkeep";
import { useMemo } from "react";
import type { Toast } from "../app/Toasts";
import { download } from "../lib/download";
import { inWords, toProblem } from "../lib/problems";

type Outcome = Promise<Problem | null>;

export interface SessionActions {
  rename(session: Session, title: string): Outcome;
  pin(session: Session): Outcome;
  archive(session: Session): Outcome;
  export(session: Session): Outcome;
  delete(session: Session): Outcome;
  /** Brings a deleted session back, and shows it where asked to, unless another one is open by now. */
  restore(sessionId: string, show: boolean): void;
}

/** What a session's menu offers but for a new title. */
export type MenuAction = keyof Omit<SessionActions, "rename" | "restore">;

export function useSessionActions(
  client: Chatkeep,
  announce: (text: string) => void,
  showToast: (toast: Toast) => void,
): SessionActions {
  return useMemo(() => {
    const attempt = async (work: () => Promise<unknown>, done: string): Outcome => {
      try {
        await work();
        announce(done);
        return null;
      } catch (error) {
        return toProblem(error);
      }
    };

    const restore = async (sessionId: string, show: boolean) => {
      const problem = await attempt(() => client.restore(sessionId), "Chat restored");
      if (problem) showToast({ text: `The chat couldn’t be brought back. ${inWords(problem)}` });
      else if (show && client.getSnapshot().sessionId === null) await client.open(sessionId).catch(() => {});
    };

    return {
      rename: (session, title) => attempt(() => client.rename(session.id, title), "Chat renamed"),
      pin: ({ id, pinned }) => attempt(() => client.pin(id, !pinned), pinned ? "Chat unpinned" : "Chat pinned"),
      archive: async ({ id, archived }) => {
        const problem = await attempt(() => client.archive(id, !archived), archived ? "Chat is back" : "Chat archived");
        if (!problem && !archived) {
          const back = () => void attempt(() => client.archive(id, false), "Chat is back");
          showToast({ text: "Chat archived.", action: { label: "Undo", run: back } });
        }
        return problem;
      },
      export: ({ id, title }) =>
        attempt(async () => {
          download(`${fileName(title)}.ndjson`, "application/x-ndjson", await client.export(id));
        }, "Chat exported"),
      delete: async ({ id }) => {
        const open = client.getSnapshot().sessionId === id;
        const problem = await attempt(() => client.delete(id), "Chat deleted");
        if (!problem) {
          showToast({ text: "Chat deleted.", action: { label: "Undo", run: () => void restore(id, open) } });
        }
        return problem;
      },
      restore: (sessionId, show) => void restore(sessionId, show),
    };
  }, [client, announce, showToast]);
}

/** A title as a file's name: letters and digits of any script. */
function fileName(title = ""): string {
  const words = title.slice(0, 60).match(/[\p{L}\p{N}]+/gu) ?? ["chat"];
  return words.join("-");
}
