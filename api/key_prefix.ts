/** What API keys begin with: people, and programs that look for leaked secrets, know one by it at sight. */
export const KEY_PREFIX = "mhk_";
