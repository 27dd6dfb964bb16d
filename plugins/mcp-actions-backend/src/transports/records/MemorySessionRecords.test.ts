import { describe } from 'vitest';
import { defineSessionRecordsContract } from '../../testing/sessionRecordsContract.js';
import { MemorySessionRecords } from './MemorySessionRecords.js';

describe('records of sessions in memory', () => {
  defineSessionRecordsContract(async options => new MemorySessionRecords(options));
});
