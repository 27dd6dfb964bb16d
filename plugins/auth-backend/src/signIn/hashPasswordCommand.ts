import { stdin, stdout } from 'node:process';
import { text } from 'node:stream/consumers';
import { hashPassword } from './passwordHash.js';

// Run as `node dist/signIn/hashPasswordCommand.js < password.txt`: arguments would show up in the list of processes.
const password = (await text(stdin)).replace(/\r?\n$/, '');
if (password.length < 8) {
  throw new Error('Expected a password of at least 8 characters on standard input');
}
stdout.write(`${await hashPassword(password)}\n`);
