import { CustomErrorBase } from '@backstage/errors';

/** What a caller needs to have secrets entered for a call that was refused for want of them. */
export interface PendingSecrets {
  /** The page on which a person enters them. */
  readonly url: string;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

/** The call has to wait for secrets, and the caller's client can show a person where to enter them. */
export class SecretsQuestion extends CustomErrorBase {
  override name = 'SecretsQuestion' as const;
  readonly id: string;
  readonly secrets: PendingSecrets;
  /** For the person: what needs which secrets. */
  readonly question: string;

  constructor(options: { id: string; secrets: PendingSecrets; question: string }) {
    super('This call waits for secrets that a person enters');
    this.id = options.id;
    this.secrets = options.secrets;
    this.question = options.question;
  }
}

/** A person has to enter the secrets of the call, which then has to be made again. */
export class SecretsRequiredError extends CustomErrorBase {
  override name = 'SecretsRequiredError' as const;
  readonly secrets: PendingSecrets;

  /** @param who - may enter them, such as `user:default/ada`. */
  constructor(subject: string, who: string, secrets: PendingSecrets) {
    super(
      [
        `${subject} needs secrets, which must not be part of a call.`,
        `Ask ${who} to enter them at ${secrets.url}`,
        `and make the same call again with the same arguments after that, before ${secrets.expiresAt}.`,
      ].join(' '),
    );
    this.secrets = secrets;
  }
}
