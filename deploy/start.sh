#!/bin/sh
# Starts the program with no more rights than its settings need, from packages and a policy module that are there. To be
# called in the program's folder; the shell makes way for it, so that it hears the signals. The same as the task "start".
exec deno run --cached-only --v8-flags=--max-semi-space-size=4 \
  $(deno run --cached-only --allow-env --allow-sys=hostname relay/permissions.ts) \
  relay/main.ts
