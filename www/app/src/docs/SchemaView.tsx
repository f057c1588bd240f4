// A schema: its members with their types, those inside on demand.
import { type Document, inWords, limits, named, type Schema } from "./openapi";
import { Prose } from "./Prose";

interface Props {
  readonly schema: Schema;
  readonly schemas: Document["components"]["schemas"];
  readonly depth?: number;
}

const DEEPEST = 5;

export function SchemaView({ schema, schemas, depth = 0 }: Props) {
  const shown = resolved(schema, schemas);
  const parts = shown.anyOf ?? shown.oneOf ?? shown.allOf;
  if (depth > DEEPEST) return null;
  if (parts) {
    return parts.map((part) => <SchemaView key={JSON.stringify(part)} schema={part} schemas={schemas} depth={depth} />);
  }
  if (shown.items) return <SchemaView schema={shown.items} schemas={schemas} depth={depth} />;
  const members = Object.entries(shown.properties ?? {});
  if (members.length === 0) return null;
  return (
    <ul className="members">
      {members.map(([name, member]) => (
        <li key={name}>
          <code>{name}</code>
          <span className="type">
            {inWords(member)}
            {shown.required?.includes(name) ? ", required" : ""}
          </span>
          {limits(member) && <span className="type">{limits(member)}</span>}
          {(member.description ?? resolved(member, schemas).description) && (
            <Prose text={member.description ?? resolved(member, schemas).description ?? ""} />
          )}
          {holds(member, schemas) && (
            <details>
              <summary>{inWords(member)}</summary>
              <SchemaView schema={member} schemas={schemas} depth={depth + 1} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function resolved(schema: Schema, schemas: Props["schemas"]): Schema {
  const target = schema.$ref && schemas[named(schema.$ref)];
  return target ? { ...target, ...(schema.description ? { description: schema.description } : {}) } : schema;
}

/** Whether there is something inside to show. */
function holds(schema: Schema, schemas: Props["schemas"]): boolean {
  const inside = resolved(schema, schemas);
  const parts = [...(inside.anyOf ?? inside.oneOf ?? []), ...(inside.items ? [inside.items] : [])];
  return Boolean(inside.properties) || parts.some((part) => Boolean(resolved(part, schemas).properties));
}
