/** What is imported that this project must not know the types of: Node's would be known to the browser's code too. */

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "node:fs/promises" {
  export function readFile(file: string, encoding: "utf8"): Promise<string>;
}
