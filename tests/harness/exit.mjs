// Preloaded into every test file: one whose tests are over and that something still keeps alive ends after a while. Node's own
// `--test-force-exit` ends at once, and what the last tests reported is lost with it.
import { after } from "node:test";

/** How long a file may take to end by itself, in milliseconds; what it started is stopped meanwhile. */
const GRACE = 30_000;

// It keeps nothing alive itself.
after(() => void setTimeout(() => process.exit(), GRACE).unref());
