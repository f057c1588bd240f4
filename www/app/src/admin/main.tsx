// Starts the administration page, which has nothing of the chat but its colours.
import { render } from "../app/render";
import { Admin } from "./Admin";
import "../styles/base.css";
import "../styles/admin.css";

render(<Admin />);
