// Starts the administration page, which has nothing of the chat but its colours.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Crash } from "../app/Crash";
import { showKeptTheme } from "../lib/useTheme";
import { Admin } from "./Admin";
import "../styles/base.css";
import "../styles/admin.css";

showKeptTheme();
const root = document.getElementById("root");

if (root) {
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <Admin />
      </Crash>
    </StrictMode>,
  );
}
