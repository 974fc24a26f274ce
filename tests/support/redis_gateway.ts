/** The process of the gateway in front of a test's Redis. Its settings: PORT, REDIS_PORT and URS_TOKEN. */
import { createApp } from "@humanwhocodes/upstash-redis-server";

const { PORT, REDIS_PORT, URS_TOKEN } = Deno.env.toObject();
const { fetch } = createApp({ token: URS_TOKEN!, redisUrl: `redis://127.0.0.1:${REDIS_PORT}` });
Deno.serve({ hostname: "127.0.0.1", port: Number(PORT), onListen: () => {} }, fetch);
