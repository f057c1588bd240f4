// Puts a page into the document: in the colours that one has chosen, and with something to say should it crash.
import { type ReactNode, StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { showKeptTheme } from "../lib/useTheme";
import { Crash } from "./Crash";

export function render(page: ReactNode): void {
  showKeptTheme();
  const root = document.getElementById("root");
  if (!root) return;
  createRoot(root).render(
    <StrictMode>
      <Crash>{page}</Crash>
    </StrictMode>,
  );
}
