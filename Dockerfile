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
CMD ["chatkeep-gateway"]

FROM build AS worker
EXPOSE 8787
CMD ["sh", "-c", "PATH=node_modules/.bin:$PATH exec node scripts/serve.mjs"]
