// Ports for servers that must come back where they were.
import { createServer } from "node:net";

/**
 * A port that was free a moment ago. It is below the range from which systems take ports for outgoing connections, so
 * that none of those takes it while its server restarts.
 * @returns {Promise<number>}
 */
export async function freePort() {
  for (;;) {
    const port = 18_000 + Math.floor(Math.random() * 14_000);
    if ((await listens(port, "127.0.0.1")) && (await listens(port, "::"))) return port;
  }
}

/**
 * @param {number} port
 * @param {string} host
 */
function listens(port, host) {
  return new Promise((resolve) => {
    // Where there is no IPv6, nothing else listens on it either.
    const server = createServer().on("error", (error) => resolve("code" in error && error.code === "EAFNOSUPPORT"));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
