/** The program's version, as the operator sees it of each node; raised with each release. */
export const VERSION = "0.1.0";
