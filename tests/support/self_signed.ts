/**
 * A certificate that nobody vouches for and its key, as many mail servers have one; for test servers only.
 *
 * P-256, CN=somebody.else.example, valid for a hundred years.
 */
export interface KeyPair {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export const SELF_SIGNED: KeyPair = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBkzCCATqgAwIBAgIUMhZw8uig8DKlyccEd5GbYDS6h+8wCgYIKoZIzj0EAwIw
IDEeMBwGA1UEAwwVc29tZWJvZHkuZWxzZS5leGFtcGxlMCAXDTI2MTEyNDAyNDUz
OFoYDzIxMjYxMDMxMDI0NTM4WjAgMR4wHAYDVQQDDBVzb21lYm9keS5lbHNlLmV4
YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQfNI/piGKP7RiU3NOdz+DJ
PsT7K35mFbPmi0uu+e9bL8RT5DWswo9BBKpGJm89gEaWJ568HMCm09+5aDmEt9kX
o1AwTjAdBgNVHQ4EFgQU+a1nGpTguQiRbUDyZd/s31UuJtMwHwYDVR0jBBgwFoAU
+a1nGpTguQiRbUDyZd/s31UuJtMwDAYDVR0TAQH/BAIwADAKBggqhkjOPQQDAgNH
ADBEAiBLh4+AVV/ttE0KUpshsBujxcJlW+HEWgDoqKLtNaoqwgIgUFbDkrk4pBai
0jfntkIdwdOGqlAEHnC5EkeSs6nJU3s=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEqxft2elD8Jsf5qx
xW7lWjSQlQbjLAsN0KhNnLkUXJehRANCAAQfNI/piGKP7RiU3NOdz+DJPsT7K35m
FbPmi0uu+e9bL8RT5DWswo9BBKpGJm89gEaWJ568HMCm09+5aDmEt9kX
-----END PRIVATE KEY-----
`,
};
