/** Why a backup or a restore is not done: what the operator can mend. The message is for people. */
export class BackupRefused extends Error {
  override readonly name = "BackupRefused";
}
