// Ends with 0 where the server of this container is well, as `/health` says.
const answer = await fetch(`http://127.0.0.1:${process.env.PORT || 8787}/health`).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
