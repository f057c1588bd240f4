//! The primitives: `js/primitives.js`, typed.

use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/js/primitives.js")]
extern "C" {
    #[wasm_bindgen(catch, js_name = verify)]
    async fn verify_signature(algorithm: &str, key: &str, text: &str, signature: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = sign)]
    async fn sign_text(secret: &str, text: &str) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(catch, js_name = digest)]
    async fn digest_text(text: &str) -> Result<JsValue, JsValue>;
}

/// Whether a signature, in base64url, is right. The key is a secret for `HS256`, else a JWK.
pub(crate) async fn verify(algorithm: &str, key: &str, text: &str, signature: &str) -> bool {
    verify_signature(algorithm, key, text, signature).await.is_ok_and(|right| right.is_truthy())
}

/// Signs by HMAC with SHA-256; gives base64url.
pub(crate) async fn sign(secret: &str, text: &str) -> Option<String> {
    sign_text(secret, text).await.ok()?.as_string()
}

/// SHA-256 in hex.
pub(crate) async fn sha256(text: &str) -> Option<String> {
    digest_text(text).await.ok()?.as_string()
}
