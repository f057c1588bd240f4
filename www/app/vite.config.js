// How the app is built, and served while it is worked on: `npx vite www/app` beside a running `npm start`.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const WORKER = `http://localhost:${process.env.PORT ?? 8787}`;

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2022",
    reportCompressedSize: false,
    // Pages of their own, so that the chat's is not a byte larger for them.
    rolldownOptions: {
      input: ["index.html", "admin.html", "docs.html"].map((page) => `${import.meta.dirname}/${page}`),
    },
  },
  // The SDK finds its wasm beside its own file: pre-bundling would move the file away from it.
  optimizeDeps: { exclude: ["chatkeep"] },
  server: { proxy: { "/v1": { target: WORKER, ws: true }, "/health": WORKER } },
});
