# MailHop Outbound. One image for all roles: MAILHOP_ROLE says which.
FROM denoland/deno:2.9.6

WORKDIR /mailhop
# Packages first: they change less often than the program.
COPY deno.json deno.lock import_map.json ./
COPY policy policy
COPY relay relay
COPY api api
COPY deploy/start.sh deploy/start.sh
# Packages are part of the image; at a start nothing is looked up.
RUN deno install --frozen --quiet && deno run --cached-only --allow-read --allow-env --allow-write=policy policy/build.ts \
  && mkdir /data && chown deno:deno /data

USER deno
ENV MAILHOP_DATA_DIR=/data \
    MAILHOP_HTTP_LISTEN=0.0.0.0:8080
VOLUME /data
EXPOSE 25 465 587 2525 8080 10025 10465
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s \
  CMD ["deno", "eval", "Deno.exit((await fetch('http://127.0.0.1:8080/healthz')).ok ? 0 : 1)"]
# The image's own entry point knows Deno's commands alone.
ENTRYPOINT []
CMD ["deploy/start.sh"]
