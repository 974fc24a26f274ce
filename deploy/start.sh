#!/bin/sh
# Starts the program with no more rights than its settings need, from packages and a policy module that are there. To be
# called in the program's folder; the shell makes way for it, so that it hears the signals.
exec deno run --cached-only \
  $(deno run --cached-only --allow-env --allow-sys=hostname relay/permissions.ts) \
  relay/main.ts
