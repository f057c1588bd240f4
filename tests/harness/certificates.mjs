// A certificate authority of one's own and a certificate for 127.0.0.1, made by openssl.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "./folders.mjs";

/**
 * The authority's file, and the arguments with which a redis-server listens by TLS.
 * @typedef {{ca: string, redis: (port: number) => string[]}} Certificates
 */

/** @returns {Certificates} */
export function makeCertificates() {
  const folder = temporaryFolder("certificates");
  writeFileSync(join(folder, "san"), "subjectAltName=IP:127.0.0.1\n");
  for (const line of [
    "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test-authority -keyout ca.key -out ca.crt",
    "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=redis -keyout server.key -out server.csr",
    "x509 -req -days 2 -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -extfile san -out server.crt",
  ]) {
    execFileSync("openssl", line.split(" "), { cwd: folder, stdio: "pipe" });
  }
  const [ca, certificate, key] = ["ca.crt", "server.crt", "server.key"].map((name) => join(folder, name));
  const files = ["--tls-ca-cert-file", ca, "--tls-cert-file", certificate, "--tls-key-file", key];
  return { ca, redis: (port) => ["--tls-port", `${port}`, ...files, "--tls-auth-clients", "no"] };
}
