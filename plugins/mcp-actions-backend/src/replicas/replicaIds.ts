import { randomBytes } from 'node:crypto';

const ID_BYTES = 24;
const ID = /^([\w-]{1,64})\.[\w-]+$/;

/** An id for what stays in the memory of one replica: that replica's, a dot, and 192 random bits. */
export function idAt(replicaId: string): string {
  return `${replicaId}.${randomBytes(ID_BYTES).toString('base64url')}`;
}

/** @returns the id of the replica that has what goes by this id; undefined for what is no such id. */
export function replicaOf(id: string): string | undefined {
  return ID.exec(id)?.[1];
}
