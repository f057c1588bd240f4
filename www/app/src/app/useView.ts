// What the app renders: the client's one immutable snapshot, kept current by the package's hook.
import type { Chatkeep, Snapshot } from "chatkeep";
import { useChatkeep } from "chatkeep/react";

export function useView(client: Chatkeep): Snapshot {
  useChatkeep(client);
  return client.getSnapshot();
}
