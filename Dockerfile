# The images of compose.yaml.
FROM rust:1-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm pkg-config libssl-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /chatkeep
COPY . .
RUN scripts/setup && scripts/build && scripts/build-gateway --profile native

FROM debian:bookworm-slim AS gateway
COPY --from=build /chatkeep/target/native/chatkeep-gateway /usr/local/bin/
USER nobody
EXPOSE 8079
HEALTHCHECK --interval=10s --timeout=3s CMD ["bash", "-c", "</dev/tcp/127.0.0.1/8079"]
CMD ["chatkeep-gateway"]

# Node for the runner, workerd, what was built, and nothing that builds.
FROM node:24-bookworm-slim AS worker
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /chatkeep
COPY --from=build /chatkeep/node_modules/workerd node_modules/workerd/
COPY --from=build /chatkeep/node_modules/@cloudflare node_modules/@cloudflare/
COPY --from=build /chatkeep/crates/worker/build/index.js /chatkeep/crates/worker/build/index_bg.wasm crates/worker/build/
COPY --from=build /chatkeep/www/app/dist www/app/dist/
COPY package.json wrangler.toml .env.example ./
COPY scripts/serve.mjs scripts/
COPY scripts/runner scripts/runner/
RUN mkdir -p .chatkeep/state && chown -R node:node .chatkeep
USER node
ENV HOST=0.0.0.0
EXPOSE 8787
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["node", "scripts/runner/healthcheck.mjs"]
CMD ["node", "scripts/serve.mjs"]
