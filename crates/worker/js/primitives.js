// The primitives, by WebCrypto. Keys are imported once in an isolate's life.

const SIGNATURES = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
};
/** The most imported keys that are remembered: beyond them all are imported once more. */
const REMEMBERED = 64;

const encoder = new TextEncoder();
const imported = new Map();

/** Imports a key once: `HS256` takes a secret's text, the others a JWK's. */
function importKey(algorithm, key, usage) {
  const name = `${algorithm} ${usage} ${key}`;
  let found = imported.get(name);
  if (!found) {
    const [format, data] = algorithm === "HS256" ? ["raw", encoder.encode(key)] : ["jwk", publicPart(JSON.parse(key))];
    found = crypto.subtle.importKey(format, data, SIGNATURES[algorithm], false, [usage]);
    if (imported.size >= REMEMBERED) imported.clear();
    imported.set(name, found);
    found.catch(() => imported.delete(name));
  }
  return found;
}

/** What verifies, without what the issuer says of its use: that was judged before. */
function publicPart({ kty, n, e, crv, x, y }) {
  if (kty === "RSA") return { kty, n, e };
  return kty === "OKP" ? { kty, crv, x } : { kty, crv, x, y };
}

/** Whether a signature in base64url is right. Compares in constant time; what can't be a signature is wrong. */
export async function verify(algorithm, key, text, signature) {
  try {
    const verifier = await importKey(algorithm, key, "verify");
    return await crypto.subtle.verify(SIGNATURES[algorithm], verifier, bytes(signature), encoder.encode(text));
  } catch {
    return false;
  }
}

/** Signs by HMAC with SHA-256; gives base64url. */
export async function sign(secret, text) {
  const signer = await importKey("HS256", secret, "sign");
  return base64url(new Uint8Array(await crypto.subtle.sign("HMAC", signer, encoder.encode(text))));
}

/** SHA-256 in hex. */
export async function digest(text) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The model has read the text strictly, so that each signature has one form. */
function bytes(text) {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

function base64url(data) {
  return btoa(String.fromCharCode(...data))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
