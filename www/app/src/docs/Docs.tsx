// The API's description, group by group, as a page: made of the document that the Worker serves.
import { useEffect, useState } from "react";
import { type Content, type Document, inWords, limits, type Placed, tagged } from "./openapi";
import { Prose } from "./Prose";
import { SchemaView } from "./SchemaView";

export function Docs() {
  const [document, setDocument] = useState<Document>();
  const [failed, setFailed] = useState(false);
  const [search, setSearch] = useState("");

  useEffect(() => {
    fetch("/openapi.json")
      .then((answer) => answer.json())
      .then(setDocument, () => setFailed(true));
  }, []);

  if (failed) return <main className="docs">The description can’t be loaded. Reload to try again.</main>;
  if (!document) return <main className="docs">Loading…</main>;
  const wanted = search.trim().toLowerCase();
  const isWanted = ({ method, path, summary }: Placed) => `${method} ${path} ${summary}`.toLowerCase().includes(wanted);
  const groups = document.tags
    .map((tag) => ({ ...tag, operations: tagged(document, tag.name).filter(isWanted) }))
    .filter(({ operations }) => operations.length);

  return (
    <div className="docs">
      <header>
        <h1>
          {document.info.title} API <span className="type">{document.info.version}</span>
        </h1>
        <Prose text={document.info.description} />
        <p>
          <a href="/openapi.json">openapi.json</a> · <a href="/">the chat</a>
        </p>
        <label>
          <span>Find</span>
          <input type="search" value={search} onChange={(event) => setSearch(event.target.value)} />
        </label>
      </header>
      <main>
        {groups.map(({ name, description, operations }) => (
          <section key={name} aria-labelledby={`tag-${name}`}>
            <h2 id={`tag-${name}`}>{name}</h2>
            <p>{description}</p>
            {operations.map((operation) => (
              <OperationView key={operation.operationId} operation={operation} document={document} />
            ))}
          </section>
        ))}
        {groups.length === 0 && <p role="status">Nothing is called that.</p>}
      </main>
    </div>
  );
}

function OperationView({ operation, document }: { readonly operation: Placed; readonly document: Document }) {
  const { method, path, summary, description, parameters = [], requestBody, responses, operationId } = operation;
  const [open, setOpen] = useState(location.hash === `#${operationId}`);
  return (
    <details className="operation" id={operationId} open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        <code className="method" data-method={method}>
          {method}
        </code>
        <code>{path}</code>
        <span>{summary}</span>
      </summary>
      {open && (
        <div className="operation-body">
          {description && <Prose text={description} />}
          {parameters.length > 0 && (
            <>
              <h3>Parameters</h3>
              <ul className="members">
                {parameters.map(({ name, in: place, required, description: about, schema }) => (
                  <li key={`${place} ${name}`}>
                    <code>{name}</code>
                    <span className="type">
                      {place}
                      {schema ? `, ${inWords(schema)}` : ""}
                      {required ? ", required" : ""}
                    </span>
                    {schema && limits(schema) && <span className="type">{limits(schema)}</span>}
                    {about && <Prose text={about} />}
                  </li>
                ))}
              </ul>
            </>
          )}
          {requestBody && (
            <>
              <h3>Body{requestBody.required ? "" : ", optional"}</h3>
              <ContentView content={requestBody.content} document={document} />
            </>
          )}
          <h3>Answers</h3>
          {Object.entries(responses).map(([status, { description: about, content }]) => (
            <div key={status} className="answer">
              <strong>{status}</strong> <Prose text={about} />
              {Number(status) < 300 && content && <ContentView content={content} document={document} />}
            </div>
          ))}
        </div>
      )}
    </details>
  );
}

function ContentView({ content, document }: { readonly content: Content; readonly document: Document }) {
  return Object.entries(content).map(([type, { schema, example }]) => (
    <div key={type}>
      <p className="type">{type}</p>
      {schema?.description && <Prose text={schema.description} />}
      {schema && <SchemaView schema={schema} schemas={document.components.schemas} />}
      {example !== undefined && <pre>{typeof example === "string" ? example : JSON.stringify(example, null, 2)}</pre>}
    </div>
  ));
}
