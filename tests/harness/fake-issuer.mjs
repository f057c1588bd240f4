// A fake of an identity provider: it signs tokens, and publishes its keys as a JWKS.
import { createHmac, createSign, generateKeyPairSync, sign as signBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

/** @typedef {import("node:crypto").KeyObject} KeyObject */
/** @typedef {{alg: "RS256" | "ES256" | "EdDSA", kid: string, isUnnamed?: boolean, privateKey: KeyObject, publicKey: KeyObject}} Key */

/** @param {unknown} value */
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/**
 * A JSON Web Token.
 * @param {object} claims
 * @param {{alg?: string, kid?: string}} header
 * @param {(text: string) => string} signed gives the signature in base64url
 */
export function token(claims, header, signed) {
  const text = `${part({ typ: "JWT", ...header })}.${part(claims)}`;
  return `${text}.${signed(text)}`;
}

/**
 * A token with a shared secret.
 * @param {object} claims
 * @param {string | Buffer} secret
 * @param {object} [header]
 */
export function secretToken(claims, secret, header = {}) {
  const sign = (/** @type {string} */ text) => createHmac("sha256", secret).update(text).digest("base64url");
  return token(claims, { alg: "HS256", ...header }, sign);
}

/**
 * A visitor's token, as the Worker signs it.
 * @param {string} secret
 * @param {string} visitor 32 hex digits
 * @param {number} seconds when it ends, since 1970
 */
export function visitorToken(secret, visitor, seconds) {
  const text = `ckv1.${visitor}.${seconds}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

export class FakeIssuer {
  /** The value for JWT_JWKS_URL. */
  url = "";
  /** How often the keys were read. */
  reads = 0;
  /** What it answers with. */
  status = 200;
  /** @type {Key[]} */
  keys = [];
  #server = createServer((_, response) => {
    this.reads += 1;
    const keys = this.keys.map(({ publicKey, kid, alg, isUnnamed }) => ({
      ...publicKey.export({ format: "jwk" }),
      ...(!isUnnamed && { kid }),
      alg,
      use: "sig",
    }));
    response.writeHead(this.status, { "content-type": "application/json" }).end(JSON.stringify({ keys }));
  });

  static async start() {
    const issuer = new FakeIssuer();
    issuer.#server.listen(0, "127.0.0.1");
    await once(issuer.#server, "listening");
    const address = issuer.#server.address();
    if (address === null || typeof address === "string") throw new Error("no address");
    issuer.url = `http://127.0.0.1:${address.port}/jwks.json`;
    return issuer;
  }

  /**
   * Makes a key and publishes it.
   * @param {"RS256" | "ES256" | "EdDSA"} alg
   * @param {string} kid
   * @returns {Key}
   */
  addKey(alg, kid) {
    const pair = {
      RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
      ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
      EdDSA: () => generateKeyPairSync("ed25519"),
    }[alg]();
    const key = { alg, kid, ...pair };
    this.keys.push(key);
    return key;
  }

  /**
   * A token that one of its keys signs.
   * @param {object} claims
   * @param {Key} [key]
   * @param {object} [header] in place of what the header should say
   */
  token(claims, key = this.keys[0], header = {}) {
    const sign = (/** @type {string} */ text) => {
      if (key.alg === "EdDSA") return signBytes(null, Buffer.from(text), key.privateKey).toString("base64url");
      return createSign("sha256").update(text).sign({ key: key.privateKey, dsaEncoding: "ieee-p1363" }, "base64url");
    };
    return token(claims, { alg: key.alg, kid: key.kid, ...header }, sign);
  }

  async stop() {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
