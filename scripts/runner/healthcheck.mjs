// Ends with 0 where the server of this container can accept turns, as `/ready` says; in an outage it can.
const answer = await fetch(`http://127.0.0.1:${process.env.PORT || 8787}/ready`).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
