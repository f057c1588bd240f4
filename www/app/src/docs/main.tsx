// Starts the page that shows the API's description.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Crash } from "../app/Crash";
import { showKeptTheme } from "../lib/useTheme";
import { Docs } from "./Docs";
import "../styles/base.css";
import "../styles/docs.css";

showKeptTheme();
const root = document.getElementById("root");

if (root) {
  createRoot(root).render(
    <StrictMode>
      <Crash>
        <Docs />
      </Crash>
    </StrictMode>,
  );
}
