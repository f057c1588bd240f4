// Starts the page that shows the API's description.
import { render } from "../app/render";
import { Docs } from "./Docs";
import "../styles/base.css";
import "../styles/docs.css";

render(<Docs />);
