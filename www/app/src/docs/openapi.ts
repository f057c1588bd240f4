// What of an OpenAPI 3.1 document this page shows.

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
}

export interface Content {
  readonly [type: string]: { readonly schema?: Schema; readonly example?: unknown };
}

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>;
}

export interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** An operation with where it is. */
export interface Placed extends Operation {
  readonly method: string;
  readonly path: string;
}

/** All operations of a tag. */
export function tagged(document: Document, tag: string): Placed[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, operation]) => operation.tags.includes(tag))
      .map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
  );
}

/** The name that a reference ends with. */
export const named = (ref: string) => ref.split("/").at(-1) ?? ref;

/** A schema's type in a few words. */
export function inWords(schema: Schema): string {
  if (schema.$ref) return named(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const parts = schema.anyOf ?? schema.oneOf;
  if (parts) return parts.map(inWords).join(" or ");
  if (schema.items) return `array of ${inWords(schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type;
  return String(type ?? (schema.properties ? "object" : "any"));
}

/** What its values may be. */
export function limits({ minimum, maximum, maxLength, pattern }: Schema): string {
  const range = minimum !== undefined || maximum !== undefined ? `${minimum ?? ""} to ${maximum ?? ""}` : "";
  return [range, maxLength !== undefined && `at most ${maxLength} characters`, pattern].filter(Boolean).join(", ");
}
