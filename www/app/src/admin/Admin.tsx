// The administration page: figures and charts of everybody's sessions, and a table of them. Asks for an API key where one is needed.
import { type FormEvent, useMemo, useState } from "react";
import { AdminApi, keepKey, keptKey, type Refused } from "./api";
import { Figures } from "./Figures";
import { LiveLog } from "./LiveLog";
import { SessionTable } from "./SessionTable";
import { useFigures } from "./useFigures";

const NAMESPACES = [
  ["", "Canonical API"],
  ["/jarvis", "JARVIS"],
  ["/storage-guide", "Storage guide"],
  ["/openta", "OpenTA"],
] as const;

/** What a refusal means to whoever has entered this key, or none yet. */
function refusalText({ status, message }: Refused, key: string): string | undefined {
  if (status === 403) return `${message}.`;
  return key === "" ? undefined : "This key isn’t one of the server’s.";
}

export function Admin() {
  const [key, setKey] = useState(keptKey);
  const [folder, setFolder] = useState("");
  const api = useMemo(() => new AdminApi(key, folder), [key, folder]);
  const figures = useFigures(api);

  const enter = (given: string) => {
    keepKey(given);
    setKey(given);
  };

  if (figures.refused) return <KeyForm refused={refusalText(figures.refused, key)} onEnter={enter} />;
  return (
    <div className="admin">
      <header className="admin-head">
        <h1>Administration</h1>
        <label>
          <span>Namespace</span>
          <select value={folder} onChange={(event) => setFolder(event.target.value)}>
            {NAMESPACES.map(([path, name]) => (
              <option key={path} value={path}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="button" className="button small" onClick={figures.refresh}>
          Refresh
        </button>
        {key && (
          <button type="button" className="button small" onClick={() => enter("")}>
            Forget the key
          </button>
        )}
        <a className="button small quiet" href="/">
          To the chat
        </a>
      </header>
      <main>
        {figures.failed && (
          <p className="notice" role="alert">
            {figures.failed}
          </p>
        )}
        <Figures figures={figures} />
        {figures.stats && <SessionTable key={folder} api={api} stats={figures.stats} onDeleted={figures.refresh} />}
        <LiveLog api={api} />
      </main>
    </div>
  );
}

function KeyForm({
  refused,
  onEnter,
}: {
  readonly refused: string | undefined;
  readonly onEnter: (key: string) => void;
}) {
  const [typed, setTyped] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed.trim()) onEnter(typed.trim());
  };
  return (
    <main className="admin-key">
      <h1>Administration</h1>
      <p>Everybody’s sessions are shown to whoever has an API key that may write. It is kept in this tab only.</p>
      <form onSubmit={submit}>
        <label htmlFor="key">API key</label>
        <input
          id="key"
          type="password"
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          aria-describedby={refused ? "refused" : undefined}
        />
        {refused && (
          <p id="refused" className="admin-refused" role="alert">
            {refused}
          </p>
        )}
        <button type="submit" className="button primary">
          Show
        </button>
      </form>
    </main>
  );
}
