// What a browser downloads of a module: bundled and minified as a bundler would ship it, and compressed.
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

/**
 * A module's source, bundled: React is left out, whoever uses it has it.
 * @param {string} contents
 * @param {string} resolveDir
 * @param {string[]} [external]
 */
export async function bundled(contents, resolveDir, external = []) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "browser",
    define: { "process.env.NODE_ENV": '"production"' },
    target: "es2022",
    external: ["react", ...external],
  });
  return Buffer.from(outputFiles[0].contents);
}

/** @param {Buffer} content */
export function brotli(content) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  return brotliCompressSync(content, { params }).length;
}

/** @param {Buffer} content */
export function gzip(content) {
  return gzipSync(content, { level: 9 }).length;
}
