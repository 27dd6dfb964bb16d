import type { Alert, AlertsService, Approval } from '@callboard/actions-api';

/** Told once of everything that becomes of an approval, over all replicas. */
export interface ApprovalEvents {
  opened(approval: Approval): void;
  decided(approval: Approval): void;
  /** Nobody decided in time. */
  timedOut(approval: Approval): void;
}

/** Alerts the people who run the server. */
export class ApprovalAlerts implements ApprovalEvents {
  readonly #alerts: AlertsService;
  readonly #urlOf: (approval: Approval) => string | undefined;

  constructor(options: { alerts: AlertsService; urlOf: (approval: Approval) => string | undefined }) {
    this.#alerts = options.alerts;
    this.#urlOf = options.urlOf;
  }

  opened(approval: Approval): void {
    this.#raise('approval_requested', approval, `${describe(approval)} waits for approval`);
  }

  decided(approval: Approval): void {
    const isDenied = approval.state === 'denied';
    const word = isDenied ? 'denied' : 'approved';
    const message = `${describe(approval)} was ${word} by ${approval.decidedBy}`;
    this.#raise(isDenied ? 'approval_denied' : 'approval_approved', approval, message);
  }

  timedOut(approval: Approval): void {
    this.#raise('approval_timed_out', approval, `${describe(approval)} was neither approved nor denied in time`);
  }

  #raise(event: Alert['event'], approval: Approval, message: string): void {
    const { id, request, expiresAt, decidedBy, channel } = approval;
    const { actionId, principal, effect, environment } = request;
    const url = this.#urlOf(approval);
    const decision = { ...(decidedBy !== undefined && { decidedBy }), ...(channel !== undefined && { channel }) };
    const details = { approvalId: id, actionId, principal, effect, environment, expiresAt, ...decision };
    this.#alerts.raise({ event, message, details: { ...details, ...(url !== undefined && { url }) } });
  }
}

function describe({ request }: Approval): string {
  return `A call of "${request.actionId}" by ${request.principal}`;
}
